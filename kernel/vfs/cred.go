package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// Cred is who a thread is: credentials(7), capabilities(7). A Cred that has
// been published is never changed; a change makes a copy.
type Cred struct {
	UID, GID     uint32 // real
	EUID, EGID   uint32 // effective
	SUID, SGID   uint32 // saved
	FSUID, FSGID uint32 // what file permissions are checked against
	Groups       []uint32

	// Capability sets, bit n for capability n.
	CapEffective, CapPermitted, CapInheritable, CapBounding, CapAmbient uint64

	SecureBits uint32 // SECBIT_* of prctl(2)

	// Account is charged for the kernel memory that the thread causes: that of
	// the real user, or nil for the machine's.
	Account *kmem.Account
}

// AllCaps is the set of every capability.
const AllCaps uint64 = 1<<(abi.CAP_LAST_CAP+1) - 1

// RootCred is the superuser with every capability.
var RootCred = &Cred{CapEffective: AllCaps, CapPermitted: AllCaps, CapBounding: AllCaps}

// HasCap reports whether capability n is effective.
func (c *Cred) HasCap(n int) bool { return c.CapEffective>>uint(n)&1 != 0 }

// InGroup reports whether gid is the group of files or a supplementary group.
func (c *Cred) InGroup(gid uint32) bool {
	if c.FSGID == gid {
		return true
	}
	for _, g := range c.Groups {
		if g == gid {
			return true
		}
	}
	return false
}

// IsReal reports whether RealCopy would change nothing.
func (c *Cred) IsReal() bool {
	if c.UID != c.FSUID || c.GID != c.FSGID {
		return false
	}
	if c.UID == 0 {
		return c.CapEffective == c.CapPermitted
	}
	return c.CapEffective == 0
}

// RealCopy returns the credentials that access(2) checks with: the real user
// and group in place of those for files, and the capabilities that go with
// the real user.
func (c *Cred) RealCopy() *Cred {
	r := *c
	r.FSUID, r.FSGID = c.UID, c.GID
	if c.SecureBits&abi.SECBIT_NO_SETUID_FIXUP == 0 {
		if c.UID == 0 {
			r.CapEffective = c.CapPermitted
		} else {
			r.CapEffective = 0
		}
	}
	return &r
}
