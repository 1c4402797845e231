package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Cred returns the thread's credentials.
func (t *Task) Cred() *vfs.Cred { return t.cred.Load() }

// SetCred replaces the thread's credentials; c must not be changed afterwards.
// A change of who the thread is for others ends its being dumpable and the
// signal for its parent's death.
func (t *Task) SetCred(c *vfs.Cred) {
	old := t.cred.Load()
	if c.UID != old.UID {
		u, next := t.user.Load(), acquireUser(c.UID)
		c.Account = next.memory
		t.user.Store(next)
		u.release()
	}
	if c.EUID != old.EUID || c.EGID != old.EGID || c.FSUID != old.FSUID || c.FSGID != old.FSGID ||
		c.CapPermitted&^old.CapPermitted != 0 {
		t.group.dumpable.Store(0)
		t.parentDeathSignal.Store(0)
	}
	t.cred.Store(c)
}

// noChange as an argument of the set*id calls leaves an ID as it is.
const noChange = ^uint32(0)

// copyCred returns a copy of the thread's credentials to change.
func (t *Task) copyCred() *vfs.Cred {
	c := *t.Cred()
	return &c
}

// setUsers publishes c, whose user IDs have changed from those of old, with
// the capabilities that go with them: capabilities(7), "Effect of user ID
// changes on capabilities".
func (t *Task) setUsers(c, old *vfs.Cred) error {
	if c.SecureBits&abi.SECBIT_NO_SETUID_FIXUP == 0 {
		wasRoot := old.UID == 0 || old.EUID == 0 || old.SUID == 0
		isRoot := c.UID == 0 || c.EUID == 0 || c.SUID == 0
		if wasRoot && !isRoot {
			if c.SecureBits&abi.SECBIT_KEEP_CAPS == 0 {
				c.CapPermitted, c.CapEffective = 0, 0
			}
			c.CapAmbient = 0
		}
		if old.EUID == 0 && c.EUID != 0 {
			c.CapEffective = 0
		}
		if old.EUID != 0 && c.EUID == 0 {
			c.CapEffective = c.CapPermitted
		}
	}
	t.SetCred(c)
	if c.UID != old.UID {
		t.overThreads = c.UID != 0 && !t.mayAddThreads(0)
	}
	return nil
}

// SetUID does setuid(2).
func (t *Task) SetUID(uid uint32) error {
	if uid == noChange {
		return abi.EINVAL
	}
	old, c := t.Cred(), t.copyCred()
	switch {
	case old.HasCap(abi.CAP_SETUID):
		c.UID, c.SUID = uid, uid
	case uid != old.UID && uid != old.SUID:
		return abi.EPERM
	}
	c.EUID, c.FSUID = uid, uid
	return t.setUsers(c, old)
}

// SetREUID does setreuid(2).
func (t *Task) SetREUID(ruid, euid uint32) error {
	old, c := t.Cred(), t.copyCred()
	may := old.HasCap(abi.CAP_SETUID)
	if ruid != noChange {
		if c.UID = ruid; !may && ruid != old.UID && ruid != old.EUID {
			return abi.EPERM
		}
	}
	if euid != noChange {
		if c.EUID = euid; !may && euid != old.UID && euid != old.EUID && euid != old.SUID {
			return abi.EPERM
		}
	}
	if ruid != noChange || euid != noChange && euid != old.UID {
		c.SUID = c.EUID
	}
	c.FSUID = c.EUID
	return t.setUsers(c, old)
}

// SetRESUID does setresuid(2).
func (t *Task) SetRESUID(ruid, euid, suid uint32) error {
	old, c := t.Cred(), t.copyCred()
	if !old.HasCap(abi.CAP_SETUID) {
		for _, id := range [...]uint32{ruid, euid, suid} {
			if id != noChange && id != old.UID && id != old.EUID && id != old.SUID {
				return abi.EPERM
			}
		}
	}
	if ruid != noChange {
		c.UID = ruid
	}
	if euid != noChange {
		c.EUID = euid
	}
	if suid != noChange {
		c.SUID = suid
	}
	c.FSUID = c.EUID
	return t.setUsers(c, old)
}

// SetFSUID sets the user for file access if that is allowed, and returns the
// former one: setfsuid(2).
func (t *Task) SetFSUID(uid uint32) uint32 {
	old := t.Cred()
	if uid == old.FSUID || uid == noChange || !old.HasCap(abi.CAP_SETUID) &&
		uid != old.UID && uid != old.EUID && uid != old.SUID {
		return old.FSUID
	}
	c := t.copyCred()
	c.FSUID = uid
	if c.SecureBits&abi.SECBIT_NO_SETUID_FIXUP == 0 {
		switch {
		case old.FSUID == 0 && uid != 0:
			c.CapEffective &^= fileCaps
		case old.FSUID != 0 && uid == 0:
			c.CapEffective |= c.CapPermitted & fileCaps
		}
	}
	t.SetCred(c)
	return old.FSUID
}

// fileCaps are the capabilities about files, which follow the user for file
// access.
const fileCaps = 1<<abi.CAP_CHOWN | 1<<abi.CAP_MKNOD | 1<<abi.CAP_DAC_OVERRIDE | 1<<abi.CAP_DAC_READ_SEARCH |
	1<<abi.CAP_FOWNER | 1<<abi.CAP_FSETID | 1<<abi.CAP_LINUX_IMMUTABLE | 1<<abi.CAP_MAC_OVERRIDE

// SetGID does setgid(2).
func (t *Task) SetGID(gid uint32) error {
	if gid == noChange {
		return abi.EINVAL
	}
	old, c := t.Cred(), t.copyCred()
	switch {
	case old.HasCap(abi.CAP_SETGID):
		c.GID, c.SGID = gid, gid
	case gid != old.GID && gid != old.SGID:
		return abi.EPERM
	}
	c.EGID, c.FSGID = gid, gid
	t.SetCred(c)
	return nil
}

// SetREGID does setregid(2).
func (t *Task) SetREGID(rgid, egid uint32) error {
	old, c := t.Cred(), t.copyCred()
	may := old.HasCap(abi.CAP_SETGID)
	if rgid != noChange {
		if c.GID = rgid; !may && rgid != old.GID && rgid != old.EGID {
			return abi.EPERM
		}
	}
	if egid != noChange {
		if c.EGID = egid; !may && egid != old.GID && egid != old.EGID && egid != old.SGID {
			return abi.EPERM
		}
	}
	if rgid != noChange || egid != noChange && egid != old.GID {
		c.SGID = c.EGID
	}
	c.FSGID = c.EGID
	t.SetCred(c)
	return nil
}

// SetRESGID does setresgid(2).
func (t *Task) SetRESGID(rgid, egid, sgid uint32) error {
	old, c := t.Cred(), t.copyCred()
	if !old.HasCap(abi.CAP_SETGID) {
		for _, id := range [...]uint32{rgid, egid, sgid} {
			if id != noChange && id != old.GID && id != old.EGID && id != old.SGID {
				return abi.EPERM
			}
		}
	}
	if rgid != noChange {
		c.GID = rgid
	}
	if egid != noChange {
		c.EGID = egid
	}
	if sgid != noChange {
		c.SGID = sgid
	}
	c.FSGID = c.EGID
	t.SetCred(c)
	return nil
}

// SetFSGID sets the group for file access if that is allowed, and returns the
// former one: setfsgid(2).
func (t *Task) SetFSGID(gid uint32) uint32 {
	old := t.Cred()
	if gid == old.FSGID || gid == noChange || !old.HasCap(abi.CAP_SETGID) &&
		gid != old.GID && gid != old.EGID && gid != old.SGID {
		return old.FSGID
	}
	c := t.copyCred()
	c.FSGID = gid
	t.SetCred(c)
	return old.FSGID
}

// SetGroups sets the supplementary groups, of which it keeps the slice:
// setgroups(2).
func (t *Task) SetGroups(groups []uint32) error {
	old := t.Cred()
	if !old.HasCap(abi.CAP_SETGID) {
		return abi.EPERM
	}
	if len(groups) > abi.NGROUPS_MAX {
		return abi.EINVAL
	}
	before, now := groupsCost(len(old.Groups)), groupsCost(len(groups))
	if err := t.charge(now); err != nil {
		return abi.ENOMEM
	}
	c := t.copyCred()
	c.Groups = groups
	t.SetCred(c)
	t.uncharge(before)
	return nil
}
