package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// xattrNameMax is the longest name of an extended attribute: xattr(7).
const xattrNameMax = 255

// noXattr answers for a file whose file system keeps no extended attributes:
// ERANGE for a name that none can have, and EOPNOTSUPP.
func noXattr(t *task.Task, name uintptr) error {
	s, err := t.MM().ReadString(name, xattrNameMax+1)
	switch {
	case err == abi.ENAMETOOLONG || err == nil && s == "":
		return abi.ERANGE
	case err != nil:
		return err
	}
	return abi.EOPNOTSUPP
}

func xattrPath(t *task.Task, a *Args, flags vfs.LookupFlags) (uintptr, error) {
	p, err := lookup(t, cwd, a[0], flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, noXattr(t, a[1])
}

// sysXattr, sysLxattr and sysFxattr serve the calls that get, set and remove
// an attribute.
func sysXattr(t *task.Task, a *Args) (uintptr, error)  { return xattrPath(t, a, follow) }
func sysLxattr(t *task.Task, a *Args) (uintptr, error) { return xattrPath(t, a, 0) }

func sysFxattr(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, noXattr(t, a[1])
}

func sysListxattr(t *task.Task, a *Args) (uintptr, error)  { return listxattr(t, a, follow) }
func sysLlistxattr(t *task.Task, a *Args) (uintptr, error) { return listxattr(t, a, 0) }

func listxattr(t *task.Task, a *Args, flags vfs.LookupFlags) (uintptr, error) {
	p, err := lookup(t, cwd, a[0], flags)
	if err == nil {
		p.end()
	}
	return 0, err
}

func sysFlistxattr(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err == nil {
		f.Put()
	}
	return 0, err
}
