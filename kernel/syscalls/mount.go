package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// optional copies in a string that may be missing.
func optional(t *task.Task, addr uintptr) (string, error) {
	if addr == 0 {
		return "", nil
	}
	return t.MM().ReadString(addr, abi.PATH_MAX)
}

func sysMount(t *task.Task, a *Args) (uintptr, error) {
	fstype, err := optional(t, a[2])
	if err != nil {
		return 0, err
	}
	source, err := optional(t, a[0])
	if err != nil {
		return 0, err
	}
	data, err := optional(t, a[4])
	if err != nil {
		return 0, err
	}
	p, err := lookup(t, cwd, a[1], follow)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, vfs.MountAt(t, t.FS(), source, p.path, fstype, int(uint32(a[3])), data)
}

func sysUmount2(t *task.Task, a *Args) (uintptr, error) {
	flags := follow
	if a[1]&abi.UMOUNT_NOFOLLOW != 0 {
		flags = 0
	}
	p, err := lookup(t, cwd, a[0], flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, vfs.UmountAt(t, t.FS(), p.path, int(int32(a[1])))
}

// sysPivotRoot moves every process whose root or working directory is the old
// root to the new one.
func sysPivotRoot(t *task.Task, a *Args) (uintptr, error) {
	newRoot, err := lookup(t, cwd, a[0], follow)
	if err != nil {
		return 0, err
	}
	defer newRoot.end()
	putOld, err := lookup(t, cwd, a[1], follow)
	if err != nil {
		return 0, err
	}
	defer putOld.end()
	old := t.FS().Root()
	if err := vfs.PivotRoot(t, t.FS(), newRoot.path, putOld.path); err != nil {
		return 0, err
	}
	task.Each(func(p *task.Task) bool {
		if fs := p.AcquireFS(); fs != nil {
			fs.Pivot(old, newRoot.path)
			fs.Put()
		}
		return true
	})
	return 0, nil
}
