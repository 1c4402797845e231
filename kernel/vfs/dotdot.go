package vfs

import "kevlar/kernel/abi"

// The way up is where a walk could leave what it is confined to. A directory may
// be renamed while a walk is in it, or while a process has it open or works in
// it, and then have other ancestors than before. So a step to a directory's
// parent is only made if the parent is still below the root of the mount, and
// below the root directory if that confines the caller: ENOENT. A walk that
// openat2(2) confines to its base trusts no step up during which any name or
// mount has moved: EAGAIN.

// dotdot returns the directory above the present one.
func (w *walk) dotdot() (Path, error) {
	p := w.cur
	for {
		if p == w.root {
			if w.flags&LookupBeneath != 0 {
				return Path{}, abi.EXDEV
			}
			break
		}
		over, ok := p.up(w.root)
		if !ok {
			if p.Mount == nil || p.Dentry != p.Mount.root {
				p.Dentry = p.Dentry.parent()
				if !w.connected(p) {
					return Path{}, abi.ENOENT
				}
			}
			break
		}
		if w.flags&LookupNoXDev != 0 {
			return Path{}, abi.EXDEV
		}
		p = over
	}
	if w.flags&lookupScoped != 0 && w.seen != w.treesNow() {
		return Path{}, abi.EAGAIN
	}
	return w.cross(p)
}

// connected reports whether p, which is the parent of where the walk is, may be
// entered.
func (w *walk) connected(p Path) bool {
	m := p.Mount
	if m == nil {
		return true
	}
	whole := m.root.place.Load().parent == nil // and so everything is below it
	jailed := m == w.root.Mount && w.root.Dentry != m.root
	if whole && !jailed {
		return true
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	if !whole && !p.Dentry.inside(m.root) {
		return false
	}
	return !jailed || p.Dentry.inside(w.root.Dentry) || w.beganOutside()
}

// beganOutside reports whether the walk began at a place that the root directory
// does not confine: a working directory that was not below the root when either
// was set, or an open directory of a caller who could change its root anyway.
func (w *walk) beganOutside() bool {
	if w.flags&lookupScoped != 0 {
		return false
	}
	if outside, ok := w.fs.isOutside(w.base); ok {
		return outside
	}
	return w.cred.HasCap(abi.CAP_SYS_CHROOT)
}

// endScope checks that a walk that may not leave its base has not: EXDEV.
func (w *walk) endScope() error {
	if w.flags&lookupScoped == 0 {
		return nil
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	if !w.cur.below(w.root) {
		return abi.EXDEV
	}
	return nil
}

// A treeVersion tells whether anything in any tree has moved meanwhile.
type treeVersion struct{ renames, mounts uint64 }

// treesNow returns the present version. What it counts is complete: no rename or
// change of mounts is under way.
func (w *walk) treesNow() (v treeVersion) {
	if m := w.root.Mount; m != nil {
		if ns := m.ns.Load(); ns != nil {
			ns.mu.RLock()
			defer ns.mu.RUnlock()
			v.mounts = ns.version
		}
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	v.renames = renames
	return v
}
