package vfs

import (
	"kevlar/kernel/abi"
)

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

// remount changes the flags of the file system at target and of the mount.
func remount(target Path, flags int, data string) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	if flags&abi.MS_RDONLY != 0 {
		for _, x := range mounts.list {
			if x.super == m.super && x.writers.Load() > 0 {
				return abi.EBUSY
			}
		}
	} else if m.super.ReadOnly {
		return abi.EROFS
	}
	if m.super.Remount != nil {
		if err := m.super.Remount(data); err != nil {
			return err
		}
	}
	m.super.remountedRO.Store(flags&abi.MS_RDONLY != 0)
	m.setFlags(flags)
	return nil
}

// remountBind changes the flags of the mount at target alone.
func remountBind(target Path, flags int) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	if flags&abi.MS_RDONLY != 0 && m.writers.Load() > 0 {
		return abi.EBUSY
	}
	m.setFlags(flags)
	return nil
}

// setFlags replaces the flags; access-time rules stay if none are given.
func (m *Mount) setFlags(flags int) {
	const atime = abi.MS_NOATIME | abi.MS_NODIRATIME | abi.MS_RELATIME | abi.MS_STRICTATIME
	f := uint32(flags) & mountFlags
	if f&atime == 0 {
		f |= m.flags.Load() & atime
	}
	m.flags.Store(atimeFlags(f))
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

// moveMount attaches the mount whose root is from to target.
func moveMount(from, target Path) error {
	m := from.Mount
	if m == nil || from.Dentry != m.root {
		return abi.EINVAL
	}
	defer target.Dentry.holdName()()
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	target, err := mounts.place(target)
	if err != nil {
		return err
	}
	if m.at.Load() == nil || m.detached.Load() {
		return abi.EINVAL
	}
	if from.Dentry.isDir() != target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	for p := target.Mount; ; { // a mount cannot move below itself
		if p == m {
			return abi.ELOOP
		}
		a := p.at.Load()
		if a == nil {
			break
		}
		p = a.parent
	}
	mounts.rehook(m, target)
	return nil
}

// rehook moves an attached mount. The caller holds t.mu.
func (t *mountTable) rehook(m *Mount, p Path) {
	t.unhook(m)
	a := attachment{p.Mount, p.Dentry}
	m.at.Store(&a)
	t.at[a] = m
	p.Mount.children++
	p.Dentry.mounts.Add(1)
	// Parents stay before children on the list: move m's subtree to its end.
	var kept, moved []*Mount
	below := map[*Mount]bool{m: true}
	for _, x := range t.list {
		if a := x.at.Load(); x == m || a != nil && below[a.parent] {
			below[x] = true
			moved = append(moved, x)
		} else {
			kept = append(kept, x)
		}
	}
	t.list = append(kept, moved...)
}

// UmountAt does umount2(2) with the mount whose root is target.
func UmountAt(c Caller, fs *FSContext, target Path, flags int) error {
	if flags&^(abi.MNT_FORCE|abi.MNT_DETACH|abi.MNT_EXPIRE|abi.UMOUNT_NOFOLLOW) != 0 {
		return abi.EINVAL
	}
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EPERM
	}
	m := target.Mount
	if m == nil || target.Dentry != m.root || m.detached.Load() || flags&abi.MNT_EXPIRE != 0 {
		return abi.EINVAL
	}
	if m == fs.Root().Mount && flags&abi.MNT_DETACH == 0 {
		return abi.EBUSY
	}
	gone, err := mounts.umount(m, flags&abi.MNT_DETACH != 0)
	for _, x := range gone {
		x.reap()
	}
	return err
}

// umount detaches m, and everything below it if lazy, and returns what it
// detached.
func (t *mountTable) umount(m *Mount, lazy bool) ([]*Mount, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.at.Load() == nil { // the root of the tree, or a race lost
		return nil, abi.EINVAL
	}
	if !lazy {
		if m.users.Load() > 0 || m.children > 0 {
			return nil, abi.EBUSY
		}
		t.detach(m)
		return []*Mount{m}, nil
	}
	below := map[*Mount]bool{m: true}
	gone := []*Mount{m}
	for _, x := range t.list {
		if a := x.at.Load(); a != nil && below[a.parent] {
			below[x] = true
			gone = append(gone, x)
		}
	}
	for i := len(gone) - 1; i >= 0; i-- {
		t.detach(gone[i])
	}
	return gone, nil
}

// PivotRoot does pivot_root(2): the mount whose root is newRoot becomes the
// root of the tree, and the old root moves to putOld, at or below newRoot.
// What uses the old root directory is changed by the caller with
// FSContext.Pivot.
func PivotRoot(c Caller, fs *FSContext, newRoot, putOld Path) error {
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EPERM
	}
	if !newRoot.Dentry.isDir() || !putOld.Dentry.isDir() {
		return abi.ENOTDIR
	}
	root := fs.Root()
	old, m := root.Mount, newRoot.Mount
	if root.Dentry != old.root || newRoot.Dentry != m.root {
		return abi.EINVAL
	}
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	if m == old || putOld.Mount == old {
		return abi.EBUSY
	}
	if m.at.Load() == nil || m.detached.Load() || old.detached.Load() ||
		old.super.FSType == "rootfs" || !putOld.below(newRoot) || !newRoot.below(root) {
		return abi.EINVAL
	}
	at := old.at.Load()
	mounts.unhook(m)
	if at != nil {
		mounts.unhook(old)
		mounts.rehook(m, Path{at.parent, at.dentry})
	}
	mounts.rehook(old, putOld)
	mounts.toFront(m)
	return nil
}

// toFront puts m and what is attached to it in an order in which parents come
// before children, beginning with m. The caller holds t.mu.
func (t *mountTable) toFront(m *Mount) {
	if m.at.Load() != nil {
		return
	}
	done := map[*Mount]bool{m: true}
	list := []*Mount{m}
	for i := 0; i < len(list); i++ {
		for _, x := range t.list {
			if a := x.at.Load(); !done[x] && a != nil && a.parent == list[i] {
				done[x] = true
				list = append(list, x)
			}
		}
	}
	for _, x := range t.list {
		if !done[x] {
			list = append(list, x)
		}
	}
	t.list = list
}

// below reports whether p is at or below top in the tree of mounts. The caller
// holds mounts.mu.
func (p Path) below(top Path) bool {
	for p.Mount != top.Mount {
		a := p.Mount.at.Load()
		if a == nil {
			return false
		}
		p = Path{a.parent, a.dentry}
	}
	return p.Dentry.inside(top.Dentry)
}
