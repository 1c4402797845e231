package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// openFlagsKnown are the flags that open(2) knows; it ignores others.
const openFlagsKnown = abi.O_ACCMODE | abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC | abi.O_APPEND |
	abi.O_NONBLOCK | abi.O_SYNC | abi.O_ASYNC | abi.O_DIRECT | abi.O_LARGEFILE | abi.O_DIRECTORY |
	abi.O_NOFOLLOW | abi.O_NOATIME | abi.O_CLOEXEC | abi.O_PATH | abi.O_TMPFILE

func openAt(t *task.Task, dirfd, addr uintptr, flags int, mode uint32, resolve vfs.LookupFlags) (uintptr, error) {
	if flags&abi.O_PATH != 0 {
		flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_CLOEXEC
	} else {
		flags = flags&openFlagsKnown | abi.O_LARGEFILE
	}
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	f, err := vfs.OpenAt2(t, t.FS(), at.path, name, flags&^abi.O_CLOEXEC, mode&07777, resolve)
	if err != nil {
		return 0, err
	}
	return install(t, f, flags&abi.O_CLOEXEC != 0)
}

// install gives f the lowest free descriptor, to which the caller's reference
// goes.
func install(t *task.Task, f *vfs.File, cloexec bool) (uintptr, error) {
	n, err := t.FDs().Install(f, 0, cloexec)
	if err != nil {
		f.Put()
		return 0, err
	}
	return uintptr(n), nil
}

func sysOpen(t *task.Task, a *Args) (uintptr, error) {
	return openAt(t, cwd, a[0], int(int32(a[1])), uint32(a[2]), 0)
}

func sysCreat(t *task.Task, a *Args) (uintptr, error) {
	return openAt(t, cwd, a[0], abi.O_CREAT|abi.O_WRONLY|abi.O_TRUNC, uint32(a[1]), 0)
}

func sysOpenat(t *task.Task, a *Args) (uintptr, error) {
	return openAt(t, a[0], a[1], int(int32(a[2])), uint32(a[3]), 0)
}

// resolveFlags are the restrictions of openat2(2).
var resolveFlags = []struct {
	how    uint64
	lookup vfs.LookupFlags
}{
	{abi.RESOLVE_NO_XDEV, vfs.LookupNoXDev},
	{abi.RESOLVE_NO_MAGICLINKS, vfs.LookupNoMagicLinks},
	{abi.RESOLVE_NO_SYMLINKS, vfs.LookupNoSymlinks},
	{abi.RESOLVE_BENEATH, vfs.LookupBeneath},
	{abi.RESOLVE_IN_ROOT, vfs.LookupInRoot},
}

// sysOpenat2 refuses what openat(2) would ignore.
func sysOpenat2(t *task.Task, a *Args) (uintptr, error) {
	b := t.Scratch[:abi.SizeofOpenHow]
	if err := copyInStruct(t, b, a[2], a[3]); err != nil {
		return 0, err
	}
	var how abi.OpenHow
	how.Unmarshal(b)
	switch {
	case how.Flags&^openFlagsKnown != 0, how.Mode&^07777 != 0:
		return 0, abi.EINVAL
	case how.Mode != 0 && how.Flags&(abi.O_CREAT|abi.O_TMPFILE&^abi.O_DIRECTORY) == 0:
		return 0, abi.EINVAL
	case how.Flags&abi.O_PATH != 0 && how.Flags&^(abi.O_PATH|abi.O_DIRECTORY|abi.O_NOFOLLOW|abi.O_CLOEXEC) != 0:
		return 0, abi.EINVAL
	case how.Resolve&abi.RESOLVE_BENEATH != 0 && how.Resolve&abi.RESOLVE_IN_ROOT != 0:
		return 0, abi.EINVAL
	}
	var resolve vfs.LookupFlags
	for _, r := range resolveFlags {
		if how.Resolve&r.how != 0 {
			resolve |= r.lookup
			how.Resolve &^= r.how
		}
	}
	if how.Resolve != 0 {
		return 0, abi.EINVAL
	}
	return openAt(t, a[0], a[1], int(how.Flags), uint32(how.Mode), resolve)
}

// copyInStruct copies in a structure that grows from version to version. b has
// the size that this kernel knows; a larger one from the user may only have
// zeros in the rest (E2BIG), a smaller one is filled up with zeros.
func copyInStruct(t *task.Task, b []byte, addr, size uintptr) error {
	if size > 4096 {
		return abi.E2BIG
	}
	if size < uintptr(len(b)) {
		clear(b[size:])
		b = b[:size]
	}
	for off := uintptr(len(b)); off < size; {
		var rest [64]byte
		r := rest[:min(size-off, uintptr(len(rest)))]
		if err := copyIn(t, r, addr+off); err != nil {
			return err
		}
		for _, c := range r {
			if c != 0 {
				return abi.E2BIG
			}
		}
		off += uintptr(len(r))
	}
	return copyIn(t, b, addr)
}

func sysClose(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.FDs().Close(fd(a[0]))
}

func sysCloseRange(t *task.Task, a *Args) (uintptr, error) {
	first, last := uint32(a[0]), uint32(a[1])
	if a[2]&^(abi.CLOSE_RANGE_UNSHARE|abi.CLOSE_RANGE_CLOEXEC) != 0 || first > last {
		return 0, abi.EINVAL
	}
	if a[2]&abi.CLOSE_RANGE_UNSHARE != 0 {
		if err := t.Unshare(abi.CLONE_FILES); err != nil {
			return 0, err
		}
	}
	return 0, t.FDs().CloseRange(uint(first), uint(last), a[2]&abi.CLOSE_RANGE_CLOEXEC != 0)
}
