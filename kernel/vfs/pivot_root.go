package vfs

import "kevlar/kernel/abi"

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
// holds mounts.mu or treeMu, for mounts or names to hold still.
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
