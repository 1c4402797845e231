package vfs

import (
	"sort"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// A Namespace is a tree of mounts, what a process sees of the file systems:
// mount_namespaces(7).
type Namespace struct {
	mu   sync.RWMutex
	root *Mount // guarded by mu, as are all below
	// at has the mount at each place that one is attached to.
	at      map[attachment]*Mount
	list    mountList
	version uint64 // counts the changes of places

	// events counts what shows in /proc/PID/mounts, and queue is notified.
	events atomic.Uint64
	queue  wait.Queue
}

var lastMountID atomic.Int64

// mountMax limits the mounts of a namespace.
var mountMax = Setting{Name: "mount-max", Mode: 0o644, Min: 1, Max: 1<<31 - 1}

func init() { mountMax.value.Store(100_000) }

// NewRootMount makes a namespace with s as its only mount and returns its root.
func NewRootMount(s *Super, flags int) (Path, error) {
	ns := &Namespace{at: make(map[attachment]*Mount)}
	m, err := newMount(nil, s, s.root(), s.Source, flags)
	if err != nil {
		return Path{}, err
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.root = m
	ns.enlist(m)
	return m.Root(), nil
}

// NamespaceOf returns the namespace that p is in; nil if in none.
func NamespaceOf(p Path) *Namespace {
	if p.Mount == nil {
		return nil
	}
	return p.Mount.ns.Load()
}

// Events counts the changes of what Mounts tells.
func (ns *Namespace) Events() uint64 { return ns.events.Load() }

// WaitQueue is notified when Events changes.
func (ns *Namespace) WaitQueue() *wait.Queue { return &ns.queue }

// changed tells of a change. The caller may hold ns.mu.
func (ns *Namespace) changed() {
	ns.events.Add(1)
	ns.queue.Notify(wait.Err | wait.Pri)
}

// room answers ENOSPC unless there may be n more mounts. The caller holds ns.mu.
func (ns *Namespace) room(n int) error {
	if limit := int(mountMax.Value()); n > limit-ns.list.n {
		return abi.ENOSPC
	}
	return nil
}

// enlist makes m, which is new, a mount of ns. The caller holds ns.mu.
func (ns *Namespace) enlist(m *Mount) {
	m.id = int(lastMountID.Add(1))
	m.ns.Store(ns)
	ns.list.add(m)
}

// attach makes m, which is new, a mount of ns at p. The caller holds ns.mu.
func (ns *Namespace) attach(m *Mount, p Path) {
	ns.enlist(m)
	ns.hook(m, p)
	ns.changed()
}

// hook puts m over the directory or file at p, where nothing is. The caller holds
// ns.mu.
func (ns *Namespace) hook(m *Mount, p Path) {
	ns.version++
	a := &attachment{p.Mount, p.Dentry}
	m.at.Store(a)
	ns.at[*a] = m
	p.Dentry.mounts.Add(1)
	p.Dentry.cover.Store(m)
	parent := p.Mount
	if p.Dentry == parent.root {
		m.join(parent)
	}
	m.prev, m.next = parent.lastChild, nil
	if m.prev != nil {
		m.prev.next = m
	} else {
		parent.firstChild = m
	}
	parent.lastChild = m
}

// unhook takes m from its place. The caller holds ns.mu.
func (ns *Namespace) unhook(m *Mount) {
	a := m.at.Load()
	if a == nil {
		return
	}
	ns.version++
	delete(ns.at, *a)
	m.at.Store(nil)
	a.dentry.mounts.Add(-1)
	a.dentry.cover.CompareAndSwap(m, nil)
	if a.dentry == a.parent.root {
		m.part(a.parent)
	}
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		a.parent.firstChild = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	} else {
		a.parent.lastChild = m.prev
	}
	m.prev, m.next = nil, nil
}

// move attaches m, a mount of ns, to p instead. The caller holds ns.mu.
func (ns *Namespace) move(m *Mount, p Path) {
	ns.unhook(m)
	ns.hook(m, p)
	ns.changed()
}

// detach takes m out of the tree. The caller holds ns.mu and afterwards, with the
// lock released, calls reap.
func (ns *Namespace) detach(m *Mount) {
	ns.unhook(m)
	ns.list.remove(m)
	m.ns.Store(nil)
	m.detached.Store(true)
}

// below returns the mount that follows m among top and what is below it, parents
// before children; nil after the last. The caller holds ns.mu.
func (m *Mount) below(top *Mount) *Mount {
	if m.firstChild != nil {
		return m.firstChild
	}
	for m != top {
		if m.next != nil {
			return m.next
		}
		m = m.at.Load().parent
	}
	return nil
}

// over returns the mount that is attached at p, or nil.
func (p Path) over() *Mount {
	if p.Mount == nil {
		return nil
	}
	if m := p.Dentry.cover.Load(); m != nil {
		if a := m.at.Load(); a != nil && a.parent == p.Mount && a.dentry == p.Dentry {
			return m
		}
	}
	ns := p.Mount.ns.Load()
	if ns == nil {
		return nil
	}
	ns.mu.RLock()
	m := ns.at[attachment{p.Mount, p.Dentry}]
	ns.mu.RUnlock()
	return m
}

// lockPlace returns where a mount onto p goes. Until unlock is called, ns.mu is held
// and the name there is neither removed nor given to something else.
func (ns *Namespace) lockPlace(p Path) (at Path, unlock func(), err error) {
	for {
		ns.mu.Lock()
		at, err := ns.place(p)
		ns.mu.Unlock()
		if err != nil {
			return at, nil, err
		}
		release := at.Dentry.holdName() // comes before ns.mu
		ns.mu.Lock()
		now, err := ns.place(p)
		if now == at && err == nil {
			return at, func() { ns.mu.Unlock(); release() }, nil
		}
		ns.mu.Unlock()
		release()
	}
}

// holdName keeps d in its place, by the lock of its directory, until the result
// is called.
func (d *Dentry) holdName() (release func()) {
	for {
		p := d.place.Load()
		if p.parent == nil {
			return func() {} // the root of a file system stays
		}
		op := &p.parent.sub.op
		op.RLock()
		if d.place.Load() == p {
			return op.RUnlock
		}
		op.RUnlock()
	}
}

// place returns where a mount onto p goes. The caller holds ns.mu.
func (ns *Namespace) place(p Path) (Path, error) {
	if m := ns.at[attachment{p.Mount, p.Dentry}]; m != nil {
		p = m.stack.Load().top.Load().Root()
	}
	if p.Mount == nil || p.Mount.ns.Load() != ns {
		return p, abi.EINVAL
	}
	if p.Dentry.gone.Load() {
		return p, abi.ENOENT
	}
	return p, nil
}

// A mountList is the mounts of a namespace in the order of mounting, such that
// one is added, removed or found without a look at all of them.
type mountList struct {
	entries []mountEntry // by position
	n       int          // those with a mount
}

// A mountEntry is a mount on the list; mount is nil if it has gone.
type mountEntry struct {
	pos   int64
	mount *Mount
}

// pos returns the mount's position on the list of its namespace.
func (m *Mount) pos() int64 { return int64(m.id) }

func (l *mountList) add(m *Mount) {
	l.entries = append(l.entries, mountEntry{m.pos(), m})
	l.n++
}

func (l *mountList) remove(m *Mount) {
	l.entries[l.from(m.pos())].mount = nil
	l.n--
	if len(l.entries) > 2*l.n+8 {
		kept := make([]mountEntry, 0, l.n)
		for _, e := range l.entries {
			if e.mount != nil {
				kept = append(kept, e)
			}
		}
		l.entries = kept
	}
}

// from returns the index of the first entry from pos on.
func (l *mountList) from(pos int64) int {
	return sort.Search(len(l.entries), func(i int) bool { return l.entries[i].pos >= pos })
}

// some returns mounts from pos on, in order, as many as there is room for: none if
// there are no more.
func (ns *Namespace) some(pos int64, store []*Mount) []*Mount {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	store = store[:0]
	for _, e := range ns.list.entries[ns.list.from(pos):] {
		if len(store) == cap(store) {
			break
		}
		if e.mount != nil {
			store = append(store, e.mount)
		}
	}
	return store
}
