package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/epoll"
	"kevlar/kernel/task"
)

func sysEpollCreate(t *task.Task, a *Args) (uintptr, error) {
	if int32(a[0]) <= 0 {
		return 0, abi.EINVAL
	}
	return newEpoll(t, 0)
}

func sysEpollCreate1(t *task.Task, a *Args) (uintptr, error) { return newEpoll(t, int(int32(a[0]))) }

func newEpoll(t *task.Task, flags int) (uintptr, error) {
	f, err := epoll.New(t, flags)
	if err != nil {
		return 0, err
	}
	return install(t, f, flags&abi.EPOLL_CLOEXEC != 0)
}

func sysEpollCtl(t *task.Task, a *Args) (uintptr, error) {
	var ev abi.EpollEvent
	if int32(a[1]) != abi.EPOLL_CTL_DEL {
		b := t.Scratch[:abi.SizeofEpollEvent]
		if err := copyIn(t, b, a[3]); err != nil {
			return 0, err
		}
		ev.Unmarshal(b)
	}
	ep, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer ep.Put()
	f, err := getFile(t, a[2])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, epoll.Ctl(ep, f, fd(a[2]), int(int32(a[1])), ev)
}

// epollWait never restarts: a signal ends it with EINTR.
func epollWait(t *task.Task, a *Args, deadline int64) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	ep, err := epoll.Of(f)
	if err != nil {
		return 0, err
	}
	n, err := ep.Wait(t, a[1], int(int32(a[2])), deadline)
	if err == abi.ERESTARTSYS {
		err = abi.EINTR
	}
	return uintptr(n), err
}

func sysEpollWait(t *task.Task, a *Args) (uintptr, error) {
	return epollWait(t, a, msDeadline(int32(a[3])))
}

func sysEpollPwait(t *task.Task, a *Args) (uintptr, error) {
	return epollPwait(t, a, msDeadline(int32(a[3])))
}

func sysEpollPwait2(t *task.Task, a *Args) (uintptr, error) {
	deadline, err := loadTimeout(t, a[3])
	if err != nil {
		return 0, err
	}
	return epollPwait(t, a, deadline)
}

func epollPwait(t *task.Task, a *Args, deadline int64) (uintptr, error) {
	masked, err := pushMask(t, a[4], a[5])
	if err != nil {
		return 0, err
	}
	n, err := epollWait(t, a, deadline)
	if masked {
		t.PopMask(err == abi.EINTR)
	}
	return n, err
}
