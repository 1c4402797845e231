package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysDup(t *task.Task, a *Args) (uintptr, error) {
	f, err := t.FDs().Get(fd(a[0]))
	if err != nil {
		return 0, err
	}
	return install(t, f, false)
}

func sysDup2(t *task.Task, a *Args) (uintptr, error) {
	if uint32(a[0]) == uint32(a[1]) {
		f, err := t.FDs().Get(fd(a[0]))
		if err != nil {
			return 0, err
		}
		f.Put()
		return uintptr(fd(a[1])), nil
	}
	return uintptr(fd(a[1])), t.FDs().Dup2(fd(a[0]), fd(a[1]), false)
}

func sysDup3(t *task.Task, a *Args) (uintptr, error) {
	if uint32(a[2])&^abi.O_CLOEXEC != 0 || uint32(a[0]) == uint32(a[1]) {
		return 0, abi.EINVAL
	}
	return uintptr(fd(a[1])), t.FDs().Dup2(fd(a[0]), fd(a[1]), a[2]&abi.O_CLOEXEC != 0)
}
