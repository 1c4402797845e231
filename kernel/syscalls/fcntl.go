package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func sysFcntl(t *task.Task, a *Args) (uintptr, error) {
	f, err := t.FDs().Get(fd(a[0]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	cmd := uint32(a[1])
	switch cmd {
	case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC:
		return dupFrom(t, f, a[2], cmd == abi.F_DUPFD_CLOEXEC)
	case abi.F_GETFD:
		flags, err := t.FDs().Flags(fd(a[0]))
		return uintptr(flags), err
	case abi.F_SETFD:
		return 0, t.FDs().SetFlags(fd(a[0]), int(a[2]&abi.FD_CLOEXEC))
	case abi.F_GETFL:
		return uintptr(f.Flags()), nil
	}
	if f.IsPath() {
		return 0, abi.EBADF
	}
	switch cmd {
	case abi.F_SETFL:
		return 0, f.SetFlags(t, int(uint32(a[2])))
	case abi.F_GETLK, abi.F_OFD_GETLK, abi.F_SETLK, abi.F_SETLKW, abi.F_OFD_SETLK, abi.F_OFD_SETLKW:
		return 0, recordLock(t, fd(a[0]), f, cmd, a[2])
	case abi.F_GETPIPE_SZ:
		n, err := pipe.Size(f)
		return uintptr(n), err
	case abi.F_SETPIPE_SZ:
		n, err := pipe.SetSize(t, f, uint(uint32(a[2])))
		return uintptr(n), err
	case abi.F_ADD_SEALS:
		return 0, addSeals(f, uint32(a[2]))
	case abi.F_GET_SEALS:
		s, ok := f.Ops().(vfs.Sealer)
		if !ok {
			return 0, abi.EINVAL
		}
		return uintptr(s.Seals()), nil
	case abi.F_GETOWN, abi.F_GETSIG:
		return 0, nil // nobody is told of I/O by a signal
	}
	return 0, abi.EINVAL
}

func addSeals(f *vfs.File, seals uint32) error {
	if !f.Writable() {
		return abi.EPERM
	}
	s, ok := f.Ops().(vfs.Sealer)
	if !ok {
		return abi.EINVAL
	}
	return s.AddSeals(seals)
}

func dupFrom(t *task.Task, f *vfs.File, minimum uintptr, cloexec bool) (uintptr, error) {
	m := fd(minimum)
	if m < 0 || uint64(m) >= t.Group().Limit(abi.RLIMIT_NOFILE) {
		return 0, abi.EINVAL
	}
	f.Get() // for the new descriptor
	n, err := t.FDs().Install(f, m, cloexec)
	if err != nil {
		f.Put()
		return 0, err
	}
	return uintptr(n), nil
}

// recordLock does the commands of fcntl(2) whose argument is a struct flock,
// at addr.
func recordLock(t *task.Task, fd int, f *vfs.File, cmd uint32, addr uintptr) error {
	b := t.Scratch[:abi.SizeofFlock]
	if err := copyIn(t, b, addr); err != nil {
		return err
	}
	var l abi.Flock
	l.Unmarshal(b)
	var err error
	switch cmd {
	case abi.F_OFD_SETLK, abi.F_OFD_SETLKW:
		return f.SetLock(t, l, cmd == abi.F_OFD_SETLKW)
	case abi.F_SETLK, abi.F_SETLKW:
		l.PID = int32(t.TGID())
		return t.FDs().SetLock(t, fd, f, l, cmd == abi.F_SETLKW)
	case abi.F_OFD_GETLK:
		l, err = f.GetLock(l)
	case abi.F_GETLK:
		l, err = t.FDs().GetLock(f, l)
	}
	if err != nil {
		return err
	}
	l.MarshalTo(b)
	return copyOut(t, addr, b)
}

func sysFlock(t *task.Task, a *Args) (uintptr, error) {
	op := int(int32(a[1]))
	if ignored, err := vfs.CheckFlock(op); ignored || err != nil {
		return 0, err
	}
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, f.Flock(t, op)
}
