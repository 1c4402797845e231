package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// newCred sets x.cred, the credentials of the new program, with x.secure and
// x.privileged: set-user-ID and set-group-ID, and the transformation of
// capabilities(7). Where new privileges would be within the reach of others the
// program gets none.
func (x *execution) newCred() {
	t := x.t
	old, c := t.Cred(), t.copyCred()
	path := x.file.Path()
	attr := x.file.Inode().Attr()
	nosuid := path.Mount != nil && path.Mount.Flags()&abi.MS_NOSUID != 0
	if !nosuid && !t.NoNewPrivs() {
		if attr.Mode&abi.S_ISUID != 0 {
			c.EUID = attr.UID
		}
		if attr.Mode&(abi.S_ISGID|abi.S_IXGRP) == abi.S_ISGID|abi.S_IXGRP {
			c.EGID = attr.GID
		}
	}
	setID := c.EUID != old.UID || c.EGID != old.GID

	permitted, effective := uint64(0), false
	if c.SecureBits&abi.SECBIT_NOROOT == 0 {
		if c.EUID == 0 || c.UID == 0 {
			permitted = c.CapBounding | c.CapInheritable
		}
		effective = c.EUID == 0
	}
	if (setID || permitted&^old.CapPermitted != 0) && (t.NoNewPrivs() || t.sharesFS()) {
		if !old.HasCap(abi.CAP_SETUID) || t.NoNewPrivs() {
			c.EUID, c.EGID = c.UID, c.GID
		}
		permitted &= old.CapPermitted
	}
	c.SUID, c.FSUID = c.EUID, c.EUID
	c.SGID, c.FSGID = c.EGID, c.EGID

	if setID {
		c.CapAmbient = 0
	}
	c.CapPermitted = permitted | c.CapAmbient
	if effective {
		c.CapEffective = c.CapPermitted
	} else {
		c.CapEffective = c.CapAmbient
	}
	c.SecureBits &^= abi.SECBIT_KEEP_CAPS
	grown := c.CapPermitted&^c.CapAmbient != 0
	x.cred = c
	x.secure = setID || c.UID != 0 && (effective || grown)
	x.privileged = c.EUID != old.UID || c.EGID != old.GID || c.CapPermitted&^old.CapPermitted != 0
}

// sharesFS reports whether a thread of another process uses the same root,
// directory and umask.
func (t *Task) sharesFS() bool {
	users, own := t.fs.Users(), 0
	t.group.Threads(func(p *Task) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fs == t.fs {
			own++
		}
		return true
	})
	return users > own
}

// setCred gives the thread its new credentials. The process is not dumpable
// until setDumpable if it was not, or will not be: of the old program and the new
// nobody sees more than of either.
func (x *execution) setCred() {
	t := x.t
	if !x.dumpable() {
		t.group.dumpable.Store(0)
	}
	t.SetCred(x.cred)
	if x.secure {
		t.parentDeathSignal.Store(0)
		t.group.rlimits.Lower(abi.RLIMIT_STACK, secureStack)
	}
	t.group.personality.Store(x.personality())
}

// setDumpable makes the process dumpable, now that its address space is the new
// program's, unless that runs for another user or cannot be read.
func (x *execution) setDumpable() {
	if x.dumpable() {
		x.t.group.dumpable.Store(1)
	}
}

// noteUnreadable notes whether the caller may not read f: then nobody is to see
// in memory what it is.
func (x *execution) noteUnreadable(f *vfs.File) {
	if vfs.Access(x.t, f.Path(), vfs.MayRead, false) != nil {
		x.unreadable = true
	}
}

func (x *execution) dumpable() bool {
	return !x.unreadable && x.cred.EUID == x.cred.UID && x.cred.EGID == x.cred.GID
}
