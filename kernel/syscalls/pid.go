package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysGetpid(t *task.Task, _ *Args) (uintptr, error)  { return uintptr(t.TGID()), nil }
func sysGettid(t *task.Task, _ *Args) (uintptr, error)  { return uintptr(t.TID()), nil }
func sysGetppid(t *task.Task, _ *Args) (uintptr, error) { return uintptr(t.Group().ParentPID()), nil }
func sysGetpgrp(t *task.Task, _ *Args) (uintptr, error) { return uintptr(t.PGID()), nil }

func sysGetpgid(t *task.Task, a *Args) (uintptr, error) {
	id, err := t.Getpgid(int(int32(a[0])))
	return uintptr(id), err
}

func sysSetpgid(t *task.Task, a *Args) (uintptr, error) {
	if int32(a[1]) < 0 {
		return 0, abi.EINVAL
	}
	return 0, t.Setpgid(int(int32(a[0])), int(int32(a[1])))
}

func sysGetsid(t *task.Task, a *Args) (uintptr, error) {
	id, err := t.Getsid(int(int32(a[0])))
	return uintptr(id), err
}

func sysSetsid(t *task.Task, _ *Args) (uintptr, error) {
	id, err := t.Setsid()
	return uintptr(id), err
}

// sysVhangup hangs up the controlling terminal, if there is one.
func sysVhangup(t *task.Task, _ *Args) (uintptr, error) {
	if !t.Cred().HasCap(abi.CAP_SYS_TTY_CONFIG) {
		return 0, abi.EPERM
	}
	if term := t.CTTY(); term != nil {
		term.HangUp()
	}
	return 0, nil
}
