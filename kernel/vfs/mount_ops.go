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
	ns := fs.Namespace()
	if ns == nil {
		return abi.EINVAL
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
		defer from.Put()
		return ns.bind(c, from, target, flags&abi.MS_REC != 0)
	case flags&(abi.MS_SHARED|abi.MS_PRIVATE|abi.MS_SLAVE|abi.MS_UNBINDABLE) != 0:
		return setPropagation(target, flags)
	case flags&abi.MS_MOVE != 0:
		from, err := Resolve(c, fs, fs.Cwd(), source, LookupFollow)
		if err != nil {
			return err
		}
		defer from.Put()
		return ns.moveMount(from, target)
	}
	return ns.mountNew(c, source, target, fstype, flags, data)
}

func (ns *Namespace) mountNew(c Caller, source string, target Path, fstype string, flags int, data string) error {
	t := fsType(fstype)
	if t == nil {
		return abi.ENODEV
	}
	if !target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	s, err := t.Mount(c, source, data, flags)
	if err != nil {
		return err
	}
	s.begin()
	defer s.put() // ends it if it cannot be mounted
	if flags&abi.MS_RDONLY != 0 {
		s.remountedRO.Store(true)
	}
	return ns.mountSuper(c, s, source, target, flags)
}

// MountSuper attaches the file system s to target.
func MountSuper(s *Super, source string, target Path, flags int) error {
	if !target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	ns := target.Mount.ns.Load()
	if ns == nil {
		return abi.EINVAL
	}
	return ns.mountSuper(Kernel, s, source, target, flags)
}

func (ns *Namespace) mountSuper(c Caller, s *Super, source string, target Path, flags int) error {
	m, err := newMount(c.Cred().Account, s, s.root(), source, flags)
	if err != nil {
		return err
	}
	return ns.graft(m, target)
}

// graft attaches a new mount to the topmost place at target.
func (ns *Namespace) graft(m *Mount, target Path) error {
	err := func() error {
		target, unlock, err := ns.lockPlace(target)
		if err != nil {
			return err
		}
		defer unlock()
		if err := ns.room(1); err != nil {
			return err
		}
		if m.root.isDir() != target.Dentry.isDir() {
			return abi.ENOTDIR
		}
		ns.attach(m, target)
		return nil
	}()
	if err != nil {
		m.detached.Store(true)
		m.reap()
	}
	return err
}

// bind shows what is at from at target too; with rec, the mounts below from
// as well.
func (ns *Namespace) bind(c Caller, from, target Path, rec bool) error {
	if from.Dentry.isDir() != target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	target, unlock, err := ns.lockPlace(target)
	if err != nil {
		return err
	}
	defer unlock()
	if from.Mount == nil || from.Mount.ns.Load() != ns {
		return abi.EINVAL
	}
	shown := []*Mount{from.Mount}
	if rec {
		shown = from.mounts()
	}
	if err := ns.room(len(shown)); err != nil {
		return err
	}
	copies := make(map[*Mount]*Mount, len(shown))
	for _, m := range shown {
		root := m.root
		if m == from.Mount {
			root = from.Dentry
		}
		n, err := newMount(c.Cred().Account, m.super, root, m.source, int(m.flags.Load()))
		if err != nil {
			for _, n := range copies {
				n.reap()
			}
			return err
		}
		copies[m] = n
	}
	for _, m := range shown { // parents come before children
		at := target
		if m != from.Mount {
			a := m.at.Load()
			at = Path{copies[a.parent], a.dentry}
		}
		ns.attach(copies[m], at)
	}
	return nil
}

// mounts returns p's mount and those that can be seen from p below it, parents
// before children. The caller holds ns.mu.
func (p Path) mounts() []*Mount {
	list := []*Mount{p.Mount}
	treeMu.RLock()
	defer treeMu.RUnlock()
	for child := p.Mount.firstChild; child != nil; child = child.next {
		if child.at.Load().dentry.inside(p.Dentry) {
			for m := child; m != nil; m = m.below(child) {
				list = append(list, m)
			}
		}
	}
	return list
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
