package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/eventfd"
	"kevlar/kernel/task"
)

func sysEventfd(t *task.Task, a *Args) (uintptr, error) { return newEventfd(t, uint32(a[0]), 0) }

func sysEventfd2(t *task.Task, a *Args) (uintptr, error) {
	return newEventfd(t, uint32(a[0]), int(int32(a[1])))
}

func newEventfd(t *task.Task, initial uint32, flags int) (uintptr, error) {
	f, err := eventfd.New(t, initial, flags)
	if err != nil {
		return 0, err
	}
	return install(t, f, flags&abi.EFD_CLOEXEC != 0)
}
