package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/signalfd"
	"kevlar/kernel/task"
)

func sysSignalfd(t *task.Task, a *Args) (uintptr, error) {
	return setSignalfd(t, a[0], a[1], a[2], 0)
}

func sysSignalfd4(t *task.Task, a *Args) (uintptr, error) {
	return setSignalfd(t, a[0], a[1], a[2], int(int32(a[3])))
}

// setSignalfd makes a signalfd for the set at addr if v is -1, and gives the
// one that v is the set otherwise.
func setSignalfd(t *task.Task, v, addr, size uintptr, flags int) (uintptr, error) {
	set, err := loadSigset(t, addr, size)
	if err != nil {
		return 0, err
	}
	if flags&^(abi.SFD_NONBLOCK|abi.SFD_CLOEXEC) != 0 {
		return 0, abi.EINVAL
	}
	if fd(v) == -1 {
		f, err := signalfd.New(t, t, set, flags)
		if err != nil {
			return 0, err
		}
		return install(t, f, flags&abi.SFD_CLOEXEC != 0)
	}
	f, err := getFile(t, v)
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return v, signalfd.SetMask(t, f, set)
}
