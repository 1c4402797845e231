package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func mkdirAt(t *task.Task, dirfd, addr, mode uintptr) (uintptr, error) {
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, vfs.MkdirAt(t, t.FS(), at.path, name, uint32(mode)&01777)
}

func sysMkdir(t *task.Task, a *Args) (uintptr, error)   { return mkdirAt(t, cwd, a[0], a[1]) }
func sysMkdirat(t *task.Task, a *Args) (uintptr, error) { return mkdirAt(t, a[0], a[1], a[2]) }

func rmdirAt(t *task.Task, dirfd, addr uintptr) (uintptr, error) {
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, vfs.RmdirAt(t, t.FS(), at.path, name)
}

func unlinkAt(t *task.Task, dirfd, addr uintptr) (uintptr, error) {
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, vfs.UnlinkAt(t, t.FS(), at.path, name)
}

func sysRmdir(t *task.Task, a *Args) (uintptr, error)  { return rmdirAt(t, cwd, a[0]) }
func sysUnlink(t *task.Task, a *Args) (uintptr, error) { return unlinkAt(t, cwd, a[0]) }

func sysUnlinkat(t *task.Task, a *Args) (uintptr, error) {
	switch uint32(a[2]) {
	case 0:
		return unlinkAt(t, a[0], a[1])
	case abi.AT_REMOVEDIR:
		return rmdirAt(t, a[0], a[1])
	}
	return 0, abi.EINVAL
}

func mknodAt(t *task.Task, dirfd, addr, mode, dev uintptr) (uintptr, error) {
	m := uint32(mode)
	switch m & abi.S_IFMT {
	case 0:
		m |= abi.S_IFREG
	case abi.S_IFREG, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK:
	case abi.S_IFDIR:
		return 0, abi.EPERM
	default:
		return 0, abi.EINVAL
	}
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, vfs.MknodAt(t, t.FS(), at.path, name, m&(abi.S_IFMT|07777), uint64(uint32(dev)))
}

func sysMknod(t *task.Task, a *Args) (uintptr, error) { return mknodAt(t, cwd, a[0], a[1], a[2]) }

func sysMknodat(t *task.Task, a *Args) (uintptr, error) {
	return mknodAt(t, a[0], a[1], a[2], a[3])
}

func renameAt(t *task.Task, oldDir, oldAddr, newDir, newAddr, flags uintptr) (uintptr, error) {
	f := uint32(flags)
	if f&^(abi.RENAME_NOREPLACE|abi.RENAME_EXCHANGE) != 0 ||
		f == abi.RENAME_NOREPLACE|abi.RENAME_EXCHANGE {
		return 0, abi.EINVAL
	}
	oldName, from, err := pathAt(t, oldDir, oldAddr)
	if err != nil {
		return 0, err
	}
	defer from.end()
	newName, to, err := pathAt(t, newDir, newAddr)
	if err != nil {
		return 0, err
	}
	defer to.end()
	return 0, vfs.RenameAt(t, t.FS(), from.path, oldName, to.path, newName, int(f))
}

func sysRename(t *task.Task, a *Args) (uintptr, error) {
	return renameAt(t, cwd, a[0], cwd, a[1], 0)
}

func sysRenameat(t *task.Task, a *Args) (uintptr, error) {
	return renameAt(t, a[0], a[1], a[2], a[3], 0)
}

func sysRenameat2(t *task.Task, a *Args) (uintptr, error) {
	return renameAt(t, a[0], a[1], a[2], a[3], a[4])
}

func linkAt(t *task.Task, oldDir, oldAddr, newDir, newAddr, flags uintptr) (uintptr, error) {
	if uint32(flags)&^(abi.AT_SYMLINK_FOLLOW|abi.AT_EMPTY_PATH) != 0 {
		return 0, abi.EINVAL
	}
	oldName, err := t.MM().ReadString(oldAddr, abi.PATH_MAX)
	if err != nil {
		return 0, err
	}
	if oldName == "" && flags&abi.AT_EMPTY_PATH == 0 {
		return 0, abi.ENOENT
	}
	from, err := startAt(t, oldDir, oldName)
	if err != nil {
		return 0, err
	}
	defer from.end()
	newName, to, err := pathAt(t, newDir, newAddr)
	if err != nil {
		return 0, err
	}
	defer to.end()
	return 0, vfs.LinkAt(t, t.FS(), from.path, oldName, to.path, newName, int(flags))
}

func sysLink(t *task.Task, a *Args) (uintptr, error) { return linkAt(t, cwd, a[0], cwd, a[1], 0) }

func sysLinkat(t *task.Task, a *Args) (uintptr, error) {
	return linkAt(t, a[0], a[1], a[2], a[3], a[4])
}

func symlinkAt(t *task.Task, targetAddr, dirfd, addr uintptr) (uintptr, error) {
	target, err := path(t, targetAddr)
	if err != nil {
		return 0, err
	}
	name, at, err := pathAt(t, dirfd, addr)
	if err != nil {
		return 0, err
	}
	defer at.end()
	return 0, vfs.SymlinkAt(t, t.FS(), target, at.path, name)
}

func sysSymlink(t *task.Task, a *Args) (uintptr, error)   { return symlinkAt(t, a[0], cwd, a[1]) }
func sysSymlinkat(t *task.Task, a *Args) (uintptr, error) { return symlinkAt(t, a[0], a[1], a[2]) }
