package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// A start is the directory where a relative path of the *at calls begins.
type start struct {
	path vfs.Path
	file *vfs.File // keeps the directory in use; nil if it is the working directory
}

// startAt returns where name begins: the working directory for AT_FDCWD or an
// absolute path, else the file that is open as dirfd. end must be called when
// the path has been walked.
func startAt(t *task.Task, dirfd uintptr, name string) (start, error) {
	if fd(dirfd) == abi.AT_FDCWD || len(name) > 0 && name[0] == '/' {
		return start{path: t.FS().Cwd()}, nil
	}
	f, err := t.FDs().Get(fd(dirfd))
	if err != nil {
		return start{}, err
	}
	return start{f.Path(), f}, nil
}

func (s *start) end() {
	if s.file != nil {
		s.file.Put()
	}
}

// pathAt copies in a path name and finds where it begins. An empty name is
// ENOENT.
func pathAt(t *task.Task, dirfd, addr uintptr) (string, start, error) {
	name, err := path(t, addr)
	if err != nil {
		return "", start{}, err
	}
	s, err := startAt(t, dirfd, name)
	return name, s, err
}

// A target is the file that a call of the *at family is about.
type target struct {
	path  vfs.Path // zero for a file without a name
	inode vfs.Inode
	held  bool // path is the caller's to put, rather than kept by start's file
	start
}

func (t *target) end() {
	if t.held {
		t.path.Put()
	}
	t.start.end()
}

// Flags of lookup.
const (
	follow     = vfs.LookupFollow
	allowEmpty = vfs.LookupEmpty
)

// lookup finds the file that a path names. With allowEmpty an empty path is
// dirfd's own file, whatever its kind. end must be called when the target is
// no longer used.
func lookup(t *task.Task, dirfd, addr uintptr, flags vfs.LookupFlags) (target, error) {
	return lookupAs(t, t, dirfd, addr, flags)
}

// lookupAs is lookup with the permissions of c.
func lookupAs(c vfs.Caller, t *task.Task, dirfd, addr uintptr, flags vfs.LookupFlags) (target, error) {
	name, err := t.MM().ReadString(addr, abi.PATH_MAX)
	if err != nil {
		return target{}, err
	}
	if name == "" && flags&allowEmpty == 0 {
		return target{}, abi.ENOENT
	}
	s, err := startAt(t, dirfd, name)
	if err != nil {
		return target{}, err
	}
	if name == "" && s.file != nil {
		return target{s.path, s.file.Inode(), false, s}, nil
	}
	p, err := vfs.Resolve(c, t.FS(), s.path, name, flags)
	if err != nil {
		s.end()
		return target{}, err
	}
	return target{p, p.Inode(), true, s}, nil
}

// atLookup translates the AT_ flags that calls have in common; others than
// those allowed are EINVAL.
func atLookup(flags, allowed uintptr) (vfs.LookupFlags, error) {
	if uint64(uint32(flags))&^uint64(allowed) != 0 {
		return 0, abi.EINVAL
	}
	l := follow
	if flags&abi.AT_SYMLINK_NOFOLLOW != 0 {
		l = 0
	}
	if flags&abi.AT_EMPTY_PATH != 0 {
		l |= allowEmpty
	}
	return l, nil
}

// cwd is AT_FDCWD as an argument.
const cwd = ^uintptr(99)
