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
		return 0, f.SetFlags(int(uint32(a[2])))
	case abi.F_GETLK, abi.F_OFD_GETLK:
		return 0, getLock(t, f, cmd == abi.F_OFD_GETLK, a[2])
	case abi.F_SETLK, abi.F_SETLKW:
		return 0, setLock(t, f, false, cmd == abi.F_SETLKW, a[2])
	case abi.F_OFD_SETLK, abi.F_OFD_SETLKW:
		return 0, setLock(t, f, true, cmd == abi.F_OFD_SETLKW, a[2])
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

// lockOwner is who a record lock belongs to: the open file, or the process as
// represented by its descriptor table.
func lockOwner(t *task.Task, f *vfs.File, ofd bool) any {
	if ofd {
		return f
	}
	return t.FDs()
}

// loadLock copies in a struct flock. A lock of an open file has no process.
func loadLock(t *task.Task, ofd bool, addr uintptr) (abi.Flock, error) {
	var l abi.Flock
	b := t.Scratch[:abi.SizeofFlock]
	if err := copyIn(t, b, addr); err != nil {
		return l, err
	}
	l.Unmarshal(b)
	if ofd && l.PID != 0 {
		return l, abi.EINVAL
	}
	l.PID = int32(t.TGID())
	if ofd {
		l.PID = -1
	}
	return l, nil
}

func getLock(t *task.Task, f *vfs.File, ofd bool, addr uintptr) error {
	l, err := loadLock(t, ofd, addr)
	if err != nil {
		return err
	}
	if l.Type != abi.F_RDLCK && l.Type != abi.F_WRLCK {
		return abi.EINVAL
	}
	found, err := vfs.GetLock(f, lockOwner(t, f, ofd), l)
	if err != nil {
		return err
	}
	if found.Type == abi.F_UNLCK {
		// Nothing is in the way: only the type of the question changes.
		found = abi.Flock{}
		found.Unmarshal(t.Scratch[:abi.SizeofFlock])
		found.Type = abi.F_UNLCK
	}
	b := t.Scratch[:abi.SizeofFlock]
	found.MarshalTo(b)
	return copyOut(t, addr, b)
}

func setLock(t *task.Task, f *vfs.File, ofd, wait bool, addr uintptr) error {
	l, err := loadLock(t, ofd, addr)
	if err != nil {
		return err
	}
	switch {
	case l.Type != abi.F_RDLCK && l.Type != abi.F_WRLCK && l.Type != abi.F_UNLCK:
		return abi.EINVAL
	case l.Type == abi.F_RDLCK && !f.Readable(), l.Type == abi.F_WRLCK && !f.Writable():
		return abi.EBADF
	}
	return vfs.SetLock(t, f, lockOwner(t, f, ofd), l, wait)
}

func sysFlock(t *task.Task, a *Args) (uintptr, error) {
	op := int(int32(a[1]))
	switch op &^ abi.LOCK_NB {
	case abi.LOCK_SH, abi.LOCK_EX, abi.LOCK_UN:
	default:
		return 0, abi.EINVAL
	}
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, f.Flock(t, op)
}
