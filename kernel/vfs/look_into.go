package vfs

import "kevlar/kernel/abi"

// MayLookInto reports whether a thread with credentials c may look into another
// process with credentials d, dumpable or not, as the owner of its file
// descriptors: ptrace(2), "Ptrace access mode checking", PTRACE_MODE_FSCREDS.
func (c *Cred) MayLookInto(d *Cred, dumpable bool) bool {
	return c.mayLookInto(d, dumpable, c.FSUID, c.FSGID, c.CapEffective)
}

// MayLookIntoAsReal is MayLookInto for the real user and group:
// PTRACE_MODE_REALCREDS.
func (c *Cred) MayLookIntoAsReal(d *Cred, dumpable bool) bool {
	return c.mayLookInto(d, dumpable, c.UID, c.GID, c.CapPermitted)
}

func (c *Cred) mayLookInto(d *Cred, dumpable bool, uid, gid uint32, caps uint64) bool {
	if c.HasCap(abi.CAP_SYS_PTRACE) {
		return true
	}
	same := uid == d.UID && uid == d.EUID && uid == d.SUID && gid == d.GID && gid == d.EGID && gid == d.SGID
	return same && dumpable && d.CapPermitted&^caps == 0
}
