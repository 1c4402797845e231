package syscalls

import (
	"encoding/binary"
	"slices"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysGetuid(t *task.Task, _ *Args) (uintptr, error)  { return uintptr(t.Cred().UID), nil }
func sysGetgid(t *task.Task, _ *Args) (uintptr, error)  { return uintptr(t.Cred().GID), nil }
func sysGeteuid(t *task.Task, _ *Args) (uintptr, error) { return uintptr(t.Cred().EUID), nil }
func sysGetegid(t *task.Task, _ *Args) (uintptr, error) { return uintptr(t.Cred().EGID), nil }

func sysGetresuid(t *task.Task, a *Args) (uintptr, error) {
	c := t.Cred()
	return 0, outIDs(t, a, c.UID, c.EUID, c.SUID)
}

func sysGetresgid(t *task.Task, a *Args) (uintptr, error) {
	c := t.Cred()
	return 0, outIDs(t, a, c.GID, c.EGID, c.SGID)
}

// outIDs writes three IDs to where the first three arguments point.
func outIDs(t *task.Task, a *Args, ids ...uint32) error {
	for i, id := range ids {
		if err := outInt(t, a[i], int32(id)); err != nil {
			return err
		}
	}
	return nil
}

func sysSetuid(t *task.Task, a *Args) (uintptr, error) { return 0, t.SetUID(uint32(a[0])) }
func sysSetgid(t *task.Task, a *Args) (uintptr, error) { return 0, t.SetGID(uint32(a[0])) }

func sysSetreuid(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetREUID(uint32(a[0]), uint32(a[1]))
}

func sysSetregid(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetREGID(uint32(a[0]), uint32(a[1]))
}

func sysSetresuid(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetRESUID(uint32(a[0]), uint32(a[1]), uint32(a[2]))
}

func sysSetresgid(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetRESGID(uint32(a[0]), uint32(a[1]), uint32(a[2]))
}

// sysSetfsuid and sysSetfsgid return the former ID, whether it changed or not.
func sysSetfsuid(t *task.Task, a *Args) (uintptr, error) {
	return uintptr(t.SetFSUID(uint32(a[0]))), nil
}

func sysSetfsgid(t *task.Task, a *Args) (uintptr, error) {
	return uintptr(t.SetFSGID(uint32(a[0]))), nil
}

func sysGetgroups(t *task.Task, a *Args) (uintptr, error) {
	groups := t.Cred().Groups
	n := int(int32(a[0]))
	if n < 0 || n > 0 && n < len(groups) {
		return 0, abi.EINVAL
	}
	if n == 0 {
		return uintptr(len(groups)), nil
	}
	b := make([]byte, 4*len(groups))
	for i, g := range groups {
		binary.LittleEndian.PutUint32(b[4*i:], g)
	}
	return uintptr(len(groups)), copyOut(t, a[1], b)
}

func sysSetgroups(t *task.Task, a *Args) (uintptr, error) {
	if !t.Cred().HasCap(abi.CAP_SETGID) {
		return 0, abi.EPERM
	}
	n := uint32(a[0])
	if n > abi.NGROUPS_MAX {
		return 0, abi.EINVAL
	}
	b := make([]byte, 4*n)
	if err := copyIn(t, b, a[1]); err != nil {
		return 0, err
	}
	groups := make([]uint32, n)
	for i := range groups {
		groups[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	slices.Sort(groups) // getgroups(2) of Linux tells them in order
	return 0, t.SetGroups(groups)
}
