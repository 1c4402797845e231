package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func sysChdir(t *task.Task, a *Args) (uintptr, error) {
	p, err := lookup(t, cwd, a[0], follow)
	if err != nil {
		return 0, err
	}
	defer p.end()
	if err := enterable(t, p.path); err != nil {
		return 0, err
	}
	t.FS().SetCwd(p.path)
	return 0, nil
}

func sysFchdir(t *task.Task, a *Args) (uintptr, error) {
	f, err := t.FDs().Get(fd(a[0]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if !isDir(f) {
		return 0, abi.ENOTDIR
	}
	if err := enterable(t, f.Path()); err != nil {
		return 0, err
	}
	t.FS().SetCwd(f.Path())
	return 0, nil
}

// enterable checks that p is a directory that the thread may search.
func enterable(t *task.Task, p vfs.Path) error {
	at := p.Inode().Attr()
	if !at.IsDir() {
		return abi.ENOTDIR
	}
	return vfs.Access(t, p, abi.X_OK, false)
}

func sysChroot(t *task.Task, a *Args) (uintptr, error) {
	p, err := lookup(t, cwd, a[0], follow)
	if err != nil {
		return 0, err
	}
	defer p.end()
	if err := enterable(t, p.path); err != nil {
		return 0, err
	}
	if !t.Cred().HasCap(abi.CAP_SYS_CHROOT) {
		return 0, abi.EPERM
	}
	t.FS().SetRoot(p.path)
	return 0, nil
}

// sysGetcwd returns the length with the terminating NUL.
func sysGetcwd(t *task.Task, a *Args) (uintptr, error) {
	s, err := vfs.Getcwd(t.FS())
	if err != nil {
		return 0, err
	}
	n := uintptr(len(s) + 1)
	if n > a[1] {
		return 0, abi.ERANGE
	}
	return n, copyOut(t, a[0], append([]byte(s), 0))
}

func sysUmask(t *task.Task, a *Args) (uintptr, error) {
	return uintptr(t.FS().SetUmask(uint32(a[0]) & 0777)), nil
}
