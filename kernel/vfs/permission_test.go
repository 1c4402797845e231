package vfs_test

import (
	"fmt"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

func TestModePermission(t *testing.T) {
	const r, w, x = vfs.MayRead, vfs.MayWrite, vfs.MayExec
	user := &vfs.Cred{FSUID: 1, FSGID: 1, Groups: []uint32{5, 6}}
	caps := func(n ...uint) *vfs.Cred {
		c := *user
		c.FSUID, c.FSGID, c.Groups = 9, 9, nil
		for _, n := range n {
			c.CapEffective |= 1 << n
		}
		return &c
	}
	override, search := caps(abi.CAP_DAC_OVERRIDE), caps(abi.CAP_DAC_READ_SEARCH)
	for _, c := range []struct {
		cred           *vfs.Cred
		mode, uid, gid uint32
		mask           uint32
		err            error
	}{
		{user, 0o700, 1, 0, r | w | x, nil},
		{user, 0o077, 1, 1, r, abi.EACCES}, // the owner is not one of the others
		{user, 0o070, 2, 1, r | w | x, nil},
		{user, 0o070, 2, 6, r | w | x, nil},
		{user, 0o007, 2, 6, r, abi.EACCES},
		{user, 0o007, 2, 2, r | w | x, nil},
		{user, 0o004, 2, 2, r | x, abi.EACCES},
		{override, 0o000, 2, 2, r | w, nil},
		{override, 0o666, 2, 2, x, abi.EACCES}, // nobody may execute it
		{override, 0o001, 2, 2, r | w | x, nil},
		{override, 0o100, 2, 2, x, nil},
		{override, abi.S_IFDIR, 2, 2, r | w | x, nil},
		{search, 0o000, 2, 2, r, nil},
		{search, 0o000, 2, 2, w, abi.EACCES},
		{search, 0o000, 2, 2, r | x, abi.EACCES},
		{search, abi.S_IFDIR, 2, 2, r | x, nil},
		{search, abi.S_IFDIR, 2, 2, w, abi.EACCES},
		{search, abi.S_IFDIR | 0o002, 2, 2, w, nil},
	} {
		err := vfs.ModePermission(c.cred, c.mode, c.uid, c.gid, c.mask)
		want(t, fmt.Sprintf("%o %d:%d for %d by %d with %x", c.mode, c.uid, c.gid, c.mask, c.cred.FSUID, c.cred.CapEffective), err, c.err)
	}
}

// TestRealAccess is access(2) by programs that are set-user-ID.
func TestRealAccess(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "")
	p := mustResolve(t, c, "f")
	must(t, vfs.Chmod(c, p, 0o600))
	suid := c.fork() // of the superuser, run by user 7
	cred := *vfs.RootCred
	cred.UID, cred.GID = 7, 7
	suid.cred = &cred
	want(t, "effective", vfs.Access(suid, p, vfs.MayRead, false), nil)
	want(t, "real", vfs.Access(suid, p, vfs.MayRead, true), abi.EACCES)
	down := c.fork() // of user 7, run by the superuser
	cred2 := vfs.Cred{EUID: 7, EGID: 7, FSUID: 7, FSGID: 7, CapPermitted: vfs.AllCaps}
	down.cred = &cred2
	want(t, "effective", vfs.Access(down, p, vfs.MayRead, false), abi.EACCES)
	want(t, "real", vfs.Access(down, p, vfs.MayRead, true), nil)
	caps := c.as(7, 7) // with capabilities, but not the superuser
	caps.cred.CapEffective, caps.cred.CapPermitted = vfs.AllCaps, vfs.AllCaps
	want(t, "effective", vfs.Access(caps, p, vfs.MayRead, false), nil)
	want(t, "real", vfs.Access(caps, p, vfs.MayRead, true), abi.EACCES)
}
