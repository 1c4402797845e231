package vfs

import "sync/atomic"

// Mounts may be mounted onto the root of one another, again and again. Those form
// a stack, which is gone up and down in one step, however high it is.

// A stack is the mounts that stand on each other at one place.
type stack struct {
	bottom *Mount // the stack is part of it
	top    atomic.Pointer[Mount]
}

// join puts m, which was just attached to a mount's root, with what stands on it,
// onto that mount's stack. The caller holds the namespace's mu.
func (m *Mount) join(below *Mount) {
	below.covered = m
	s, level := below.stack.Load(), below.level.Load()
	for x := m; x != nil; x = x.covered {
		level++
		x.level.Store(level)
		x.stack.Store(s)
		s.top.Store(x)
	}
}

// part takes m, with what stands on it, off the stack of the mount that it was
// attached to the root of. The caller holds the namespace's mu.
func (m *Mount) part(below *Mount) {
	below.covered = nil
	below.stack.Load().top.Store(below)
	s := &m.own
	for x, level := m, int32(0); x != nil; x, level = x.covered, level+1 {
		x.level.Store(level)
		x.stack.Store(s)
		s.top.Store(x)
	}
}

// down follows the mounts at p to the root of the topmost.
func (p Path) down() Path {
	for p.Dentry.mounts.Load() > 0 {
		m := p.over()
		if m == nil {
			break
		}
		p = m.stack.Load().top.Load().Root()
	}
	return p
}

// up returns, if p is the root of a mount, the place that it, or the stack that it
// stands on, is attached to; but stop if that is the root of a mount of the same
// stack at or below p.
func (p Path) up(stop Path) (Path, bool) {
	m := p.Mount
	if m == nil || p.Dentry != m.root {
		return p, false
	}
	s := m.stack.Load()
	if x := stop.Mount; x != nil && stop.Dentry == x.root && x.stack.Load() == s && x.level.Load() < m.level.Load() {
		return stop, true
	}
	a := s.bottom.at.Load()
	if a == nil {
		return p, false
	}
	return Path{a.parent, a.dentry}, true
}

// below reports whether p is at or below top in the tree of mounts. The caller
// holds the namespace's mu or treeMu, for mounts or names to hold still.
func (p Path) below(top Path) bool {
	for p.Mount != top.Mount {
		var ok bool
		if p, ok = p.Mount.Root().up(top.Mount.Root()); !ok {
			return false
		}
	}
	return p.Dentry.inside(top.Dentry)
}

// standsOn reports whether m is attached to x, directly or by others in between,
// or is x. The caller holds the namespace's mu.
func (m *Mount) standsOn(x *Mount) bool {
	for m != x {
		over, ok := m.Root().up(x.Root())
		if !ok {
			return false
		}
		m = over.Mount
	}
	return true
}
