package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// sysSocket and sysSocketpair know no address family. That is logged like a
// missing call.
func sysSocket(t *task.Task, _ *Args) (uintptr, error) {
	logMissing(t, "socket")
	return 0, abi.EAFNOSUPPORT
}

func sysSocketpair(t *task.Task, _ *Args) (uintptr, error) {
	logMissing(t, "socketpair")
	return 0, abi.EAFNOSUPPORT
}

// sysNotSocket serves the calls on sockets: no file is one.
func sysNotSocket(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	f.Put()
	return 0, abi.ENOTSOCK
}
