package vfs

import "kevlar/kernel/abi"

// MountAt does mount(2): a new mount, a bind mount, a remount or a move,
// depending on flags. source is looked up relative to the working directory.
func MountAt(c Caller, fs *FSContext, source string, target Path, fstype string, flags int, data string) error {
	if flags&abi.MS_MGC_MSK == abi.MS_MGC_VAL {
		flags &^= abi.MS_MGC_MSK
	}
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EPERM
	}
	switch {
	case flags&(abi.MS_REMOUNT|abi.MS_BIND) == abi.MS_REMOUNT|abi.MS_BIND:
		return remountBind(target, flags)
	case flags&abi.MS_REMOUNT != 0:
		return remount(target, flags, data)
	case flags&abi.MS_BIND != 0:
		from, err := Resolve(c, fs, fs.Cwd(), source, LookupFollow)
		if err != nil {
			return err
		}
		return bind(from, target, flags&abi.MS_REC != 0)
	case flags&(abi.MS_SHARED|abi.MS_PRIVATE|abi.MS_SLAVE|abi.MS_UNBINDABLE) != 0:
		return setPropagation(target, flags)
	case flags&abi.MS_MOVE != 0:
		from, err := Resolve(c, fs, fs.Cwd(), source, LookupFollow)
		if err != nil {
			return err
		}
		return moveMount(from, target)
	}
	return mountNew(source, target, fstype, flags, data)
}

func mountNew(source string, target Path, fstype string, flags int, data string) error {
	t := fsType(fstype)
	if t == nil {
		return abi.ENODEV
	}
	if !target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	s, err := t.Mount(source, data, flags)
	if err != nil {
		return err
	}
	if flags&abi.MS_RDONLY != 0 {
		s.remountedRO.Store(true)
	}
	return graft(newMount(s, s.root(), source, flags), target)
}

// MountSuper attaches the file system s to target.
func MountSuper(s *Super, source string, target Path, flags int) error {
	if !target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	return graft(newMount(s, s.root(), source, flags), target)
}

// graft attaches a new mount to the topmost place at target.
func graft(m *Mount, target Path) error {
	err := func() error {
		defer target.Dentry.holdName()()
		mounts.mu.Lock()
		defer mounts.mu.Unlock()
		target, err := mounts.place(target)
		if err != nil {
			return err
		}
		if m.root.isDir() != target.Dentry.isDir() {
			return abi.ENOTDIR
		}
		mounts.attach(m, target)
		return nil
	}()
	if err != nil {
		m.detached.Store(true)
		m.reap()
	}
	return err
}

// holdName keeps a directory from being removed while something is mounted on
// it, until the result is called.
func (d *Dentry) holdName() func() {
	if !d.isDir() {
		return func() {}
	}
	d.sub.op.RLock()
	return d.sub.op.RUnlock
}

// place returns where a mount onto p goes. The caller holds t.mu.
func (t *mountTable) place(p Path) (Path, error) {
	for {
		m := t.at[attachment{p.Mount, p.Dentry}]
		if m == nil {
			break
		}
		p = m.Root()
	}
	if p.Mount == nil || p.Mount.detached.Load() {
		return p, abi.EINVAL
	}
	if p.Dentry.gone.Load() {
		return p, abi.ENOENT
	}
	return p, nil
}

// bind shows what is at from at target too; with rec, the mounts below from
// as well.
func bind(from, target Path, rec bool) error {
	if from.Mount == nil || from.Mount.detached.Load() {
		return abi.EINVAL
	}
	if from.Dentry.isDir() != target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	defer target.Dentry.holdName()()
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	target, err := mounts.place(target)
	if err != nil {
		return err
	}
	copyOf := func(m *Mount, root *Dentry) *Mount {
		return newMount(m.super, root, m.source, int(m.flags.Load()))
	}
	top := copyOf(from.Mount, from.Dentry)
	copies := map[*Mount]*Mount{from.Mount: top}
	old := append([]*Mount(nil), mounts.list...)
	mounts.attach(top, target)
	if !rec {
		return nil
	}
	for _, m := range old { // parents come before children
		a := m.at.Load()
		if a == nil || copies[a.parent] == nil || m == top {
			continue
		}
		if a.parent == from.Mount && !a.dentry.inside(from.Dentry) {
			continue
		}
		n := copyOf(m, m.root)
		copies[m] = n
		mounts.attach(n, Path{copies[a.parent], a.dentry})
	}
	return nil
}

// setPropagation accepts what already holds, for there is one namespace whose
// mounts are all private.
func setPropagation(target Path, flags int) error {
	if target.Mount == nil || target.Dentry != target.Mount.root ||
		flags&^(abi.MS_PRIVATE|abi.MS_REC|abi.MS_SILENT) != 0 {
		return abi.EINVAL
	}
	return nil
}
