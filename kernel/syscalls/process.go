package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
)

func sysExit(t *task.Task, a *Args) (uintptr, error) {
	t.Exit(int(a[0] & 0xff))
	return 0, nil
}

func sysExitGroup(t *task.Task, a *Args) (uintptr, error) {
	t.ExitGroup(int(a[0] & 0xff))
	return 0, nil
}

func sysFork(t *task.Task, _ *Args) (uintptr, error) {
	return clone(t, task.CloneArgs{ExitSignal: abi.SIGCHLD})
}

func sysVfork(t *task.Task, _ *Args) (uintptr, error) {
	return clone(t, task.CloneArgs{Flags: abi.CLONE_VFORK | abi.CLONE_VM, ExitSignal: abi.SIGCHLD})
}

// sysClone has the order of arguments of x86-64: flags, stack, parent's and
// child's TID, TLS.
func sysClone(t *task.Task, a *Args) (uintptr, error) {
	flags := uint64(uint32(a[0])) &^ (abi.CSIGNAL | abi.CLONE_DETACHED)
	return clone(t, task.CloneArgs{
		Flags: flags, ExitSignal: int(a[0] & abi.CSIGNAL),
		Stack: uint64(a[1]), ParentTID: a[2], ChildTID: a[3], TLS: uint64(a[4]),
	})
}

func sysClone3(t *task.Task, a *Args) (uintptr, error) {
	if a[1] < abi.CLONE_ARGS_SIZE_VER0 {
		return 0, abi.EINVAL
	}
	b := t.Scratch[:abi.SizeofCloneArgs]
	if err := copyInStruct(t, b, a[0], a[1]); err != nil {
		return 0, err
	}
	var c abi.CloneArgs
	c.Unmarshal(b)
	switch {
	case c.ExitSignal > abi.NSIG,
		c.Flags&(abi.CLONE_THREAD|abi.CLONE_PARENT) != 0 && c.ExitSignal != 0,
		(c.Stack == 0) != (c.StackSize == 0),
		c.Stack > uint64(mm.UserTop) || c.StackSize > uint64(mm.UserTop)-c.Stack,
		c.SetTIDSize != 0: // choosing IDs is not offered
		return 0, abi.EINVAL
	}
	return clone(t, task.CloneArgs{
		Flags: c.Flags, ExitSignal: int(c.ExitSignal), Stack: c.Stack + c.StackSize,
		ParentTID: uintptr(c.ParentTID), ChildTID: uintptr(c.ChildTID), TLS: c.TLS,
	})
}

func clone(t *task.Task, c task.CloneArgs) (uintptr, error) {
	tid, err := t.Clone(&c)
	return uintptr(tid), err
}

func sysUnshare(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.Unshare(uint64(a[0]))
}

func sysSetTidAddress(t *task.Task, a *Args) (uintptr, error) {
	t.SetTIDAddress(a[0])
	return uintptr(t.TID()), nil
}

// robustListHead is the size of struct robust_list_head.
const robustListHead = 24

func sysSetRobustList(t *task.Task, a *Args) (uintptr, error) {
	if a[1] != robustListHead {
		return 0, abi.EINVAL
	}
	t.SetRobustList(a[0])
	return 0, nil
}
