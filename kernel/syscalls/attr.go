package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func chmodAt(t *task.Task, dirfd, addr, mode uintptr, flags vfs.LookupFlags) (uintptr, error) {
	p, err := lookup(t, dirfd, addr, flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	if p.inode.Attr().Mode&abi.S_IFMT == abi.S_IFLNK {
		return 0, abi.EOPNOTSUPP
	}
	return 0, vfs.Chmod(t, p.path, uint32(mode)&07777)
}

func sysChmod(t *task.Task, a *Args) (uintptr, error) { return chmodAt(t, cwd, a[0], a[1], follow) }

func sysFchmodat(t *task.Task, a *Args) (uintptr, error) {
	return chmodAt(t, a[0], a[1], a[2], follow)
}

func sysFchmodat2(t *task.Task, a *Args) (uintptr, error) {
	flags, err := atLookup(a[3], abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH)
	if err != nil {
		return 0, err
	}
	return chmodAt(t, a[0], a[1], a[2], flags)
}

func sysFchmod(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, vfs.Chmod(t, f.Path(), uint32(a[1])&07777)
}

func chownAt(t *task.Task, dirfd, addr, uid, gid uintptr, flags vfs.LookupFlags) (uintptr, error) {
	p, err := lookup(t, dirfd, addr, flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, vfs.Chown(t, p.path, uint32(uid), uint32(gid))
}

func sysChown(t *task.Task, a *Args) (uintptr, error) {
	return chownAt(t, cwd, a[0], a[1], a[2], follow)
}

func sysLchown(t *task.Task, a *Args) (uintptr, error) {
	return chownAt(t, cwd, a[0], a[1], a[2], 0)
}

func sysFchownat(t *task.Task, a *Args) (uintptr, error) {
	flags, err := atLookup(a[4], abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH)
	if err != nil {
		return 0, err
	}
	return chownAt(t, a[0], a[1], a[2], a[3], flags)
}

func sysFchown(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, vfs.Chown(t, f.Path(), uint32(a[1]), uint32(a[2]))
}

// fileTimes are an access and a modification time to be set, in nanoseconds
// since the Epoch; either may be vfs.TimeNow.
type fileTimes struct {
	atime, mtime       int64
	setAtime, setMtime bool // which of them are meant
}

// presentTimes sets both times to now.
var presentTimes = fileTimes{vfs.TimeNow, vfs.TimeNow, true, true}

func (ft *fileTimes) set(t *task.Task, p vfs.Path) error {
	var at, mt *int64
	if ft.setAtime {
		at = &ft.atime
	}
	if ft.setMtime {
		mt = &ft.mtime
	}
	return vfs.Utimes(t, p, at, mt)
}

// utimesAt sets the times of the file that a path names; a descriptor without
// a path, of its own file.
func utimesAt(t *task.Task, dirfd, addr uintptr, flags vfs.LookupFlags, times fileTimes) (uintptr, error) {
	if addr == 0 && fd(dirfd) != abi.AT_FDCWD {
		if flags != follow {
			return 0, abi.EINVAL
		}
		f, err := getFile(t, dirfd)
		if err != nil {
			return 0, err
		}
		defer f.Put()
		return 0, times.set(t, f.Path())
	}
	p, err := lookup(t, dirfd, addr, flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, times.set(t, p.path)
}

func sysUtimensat(t *task.Task, a *Args) (uintptr, error) {
	times := presentTimes
	if a[2] != 0 {
		var err error
		if times, err = loadTimespecs(t, a[2]); err != nil {
			return 0, err
		}
		if !times.setAtime && !times.setMtime {
			return 0, nil // not even the path matters
		}
	}
	flags, err := atLookup(a[3], abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH)
	if err != nil {
		return 0, err
	}
	return utimesAt(t, a[0], a[1], flags, times)
}

func loadTimespecs(t *task.Task, addr uintptr) (ft fileTimes, err error) {
	b := t.Scratch[:2*abi.SizeofTimespec]
	if err := copyIn(t, b, addr); err != nil {
		return ft, err
	}
	if ft.atime, ft.setAtime, err = fileTimespec(b); err != nil {
		return ft, err
	}
	ft.mtime, ft.setMtime, err = fileTimespec(b[abi.SizeofTimespec:])
	return ft, err
}

// fileTimespec decodes one time of utimensat(2).
func fileTimespec(b []byte) (ns int64, set bool, err error) {
	var ts abi.Timespec
	ts.Unmarshal(b)
	switch {
	case ts.Nsec == abi.UTIME_OMIT:
		return 0, false, nil
	case ts.Nsec == abi.UTIME_NOW:
		return vfs.TimeNow, true, nil
	case uint64(ts.Nsec) >= 1e9:
		return 0, false, abi.EINVAL
	}
	return fileTime(ts.Sec, ts.Nsec), true, nil
}

// fileTime returns a time in nanoseconds, cut to what an inode can hold.
func fileTime(sec, nsec int64) int64 {
	const limit = 1 << 63 / 1_000_000_000
	if sec >= limit {
		return 1<<63 - 1
	}
	if sec < -limit {
		return -1<<63 + 1
	}
	return sec*1e9 + nsec
}

func loadTimevals(t *task.Task, addr uintptr) (fileTimes, error) {
	if addr == 0 {
		return presentTimes, nil
	}
	b := t.Scratch[:2*abi.SizeofTimeval]
	if err := copyIn(t, b, addr); err != nil {
		return fileTimes{}, err
	}
	var at, mt abi.Timeval
	at.Unmarshal(b)
	mt.Unmarshal(b[abi.SizeofTimeval:])
	if uint64(at.Usec) >= 1e6 || uint64(mt.Usec) >= 1e6 {
		return fileTimes{}, abi.EINVAL
	}
	return fileTimes{fileTime(at.Sec, at.Usec*1e3), fileTime(mt.Sec, mt.Usec*1e3), true, true}, nil
}

func sysUtimes(t *task.Task, a *Args) (uintptr, error) {
	times, err := loadTimevals(t, a[1])
	if err != nil {
		return 0, err
	}
	return utimesAt(t, cwd, a[0], follow, times)
}

func sysFutimesat(t *task.Task, a *Args) (uintptr, error) {
	times, err := loadTimevals(t, a[2])
	if err != nil {
		return 0, err
	}
	return utimesAt(t, a[0], a[1], follow, times)
}

// sysUtime takes a struct utimbuf: two numbers of seconds.
func sysUtime(t *task.Task, a *Args) (uintptr, error) {
	times := presentTimes
	if a[1] != 0 {
		at, err := t.MM().ReadUint64(a[1])
		if err != nil {
			return 0, err
		}
		mt, err := t.MM().ReadUint64(a[1] + 8)
		if err != nil {
			return 0, err
		}
		times = fileTimes{fileTime(int64(at), 0), fileTime(int64(mt), 0), true, true}
	}
	return utimesAt(t, cwd, a[0], follow, times)
}

func sysTruncate(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[1]) < 0 {
		return 0, abi.EINVAL
	}
	p, err := lookup(t, cwd, a[0], follow)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, overLimit(t, vfs.Truncate(t, p.path, int64(a[1])))
}

func sysFtruncate(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[1]) < 0 {
		return 0, abi.EINVAL
	}
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, overLimit(t, f.Truncate(t, int64(a[1])))
}

// overLimit raises SIGXFSZ if a change of size failed because of RLIMIT_FSIZE.
func overLimit(t *task.Task, err error) error {
	if err == abi.EFBIG && t.FileSizeLimit() != abi.RLIM_INFINITY {
		t.SendSignal(abi.SIGXFSZ)
	}
	return err
}

func sysFallocate(t *task.Task, a *Args) (uintptr, error) {
	f, err := writable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, overLimit(t, f.Allocate(t, int(int32(a[1])), int64(a[2]), int64(a[3])))
}
