package vfs

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"weak"

	"kevlar/kernel/abi"
)

// A Dentry is a name in a directory and the inode that it stands for, or nothing:
// then it is known only to its directory and says that the name is free. For as
// long as anyone holds a directory's Dentry it is the only one of that
// directory, whatever the cache forgets.
type Dentry struct {
	inode Inode
	link  Link      // inode, if it is a symbolic link
	owned Owned     // inode, if it is Owned
	rules Permitter // inode, if it is a Permitter
	pins  Pinned    // inode, if it is Pinned
	times Accessed  // inode, if it is Accessed
	sub   *children // of a directory
	super *Super

	// place is where the name stands; renames change it under treeMu.
	place atomic.Pointer[place]
	first place // what place points to at first
	// gone is set when the name has been removed. A directory's changes
	// under its own lock and its parent's, others' under the parent's.
	gone atomic.Bool
	// replaced is set when the name stands for another dentry in its
	// directory, with children.mu held.
	replaced atomic.Bool
	// mounts counts the mounts on this dentry, and cover is most often the one.
	mounts atomic.Int32
	cover  atomic.Pointer[Mount]

	mu      sync.Mutex      // a leaf
	cleanup runtime.Cleanup // of the name, if d was ever forgotten; guarded by mu

	used       atomic.Bool // looked up since the cache last came by
	listed     bool        // guarded by cache().mu, as are next and prev
	next, prev *Dentry
}

// A place is a name's directory and spelling. The root of a file system has
// no parent.
type place struct {
	parent *Dentry
	name   string
}

// children is what a directory's dentry has beyond that of other files.
type children struct {
	dir Dir
	// op is the directory's lock: held shared to look up and list, and
	// exclusively to change names.
	op sync.RWMutex
	// mu guards known and is a leaf: nothing is done while it is held.
	mu    sync.RWMutex
	known Names[child]
	id    uint64 // orders the locks of unrelated directories
}

// A child is a known name in a directory: the dentry or, if the cache has
// forgotten it but somebody may still hold it, a weak pointer.
type child struct {
	dentry    *Dentry
	forgotten weak.Pointer[Dentry]
}

// treeMu is held to change any dentry's place, and shared to see a whole path
// at one moment. Nothing else is done while it is held.
var treeMu sync.RWMutex

// renames counts the changes of places; guarded by treeMu.
var renames uint64

var lastDirID atomic.Uint64

// newDentry makes a dentry that no directory knows yet.
func newDentry(s *Super, parent *Dentry, name string, inode Inode) *Dentry {
	d := &Dentry{inode: inode, super: s}
	d.link, _ = inode.(Link)
	d.owned, _ = inode.(Owned)
	d.rules, _ = inode.(Permitter)
	d.pins, _ = inode.(Pinned)
	d.times, _ = inode.(Accessed)
	if dir, ok := inode.(Dir); ok {
		d.sub = &children{dir: dir, id: lastDirID.Add(1)}
	}
	d.first = place{parent, name}
	d.place.Store(&d.first)
	return d
}

// root returns the dentry of the file system's root.
func (s *Super) root() *Dentry {
	s.rootOnce.Do(func() { s.rootDentry = newDentry(s, nil, "", s.Root) })
	return s.rootDentry
}

// Inode returns the inode that d stands for.
func (d *Dentry) Inode() Inode { return d.inode }

// Name returns the last component of d's path.
func (d *Dentry) Name() string { return d.place.Load().name }

// Gone reports whether the name has been removed.
func (d *Dentry) Gone() bool { return d.gone.Load() }

// isDir reports whether d is a directory.
func (d *Dentry) isDir() bool { return d.sub != nil }

// isRegular reports whether d is a regular file.
func (d *Dentry) isRegular() bool {
	mode, _, _ := d.owner()
	return mode&abi.S_IFMT == abi.S_IFREG
}

// parent returns the directory that d is in; of a root, itself.
func (d *Dentry) parent() *Dentry {
	if p := d.place.Load().parent; p != nil {
		return p
	}
	return d
}

// inside reports whether d is dir or below it. The caller holds treeMu, or the
// file system's renameMu, for the answer to hold still.
func (d *Dentry) inside(dir *Dentry) bool {
	for ; d != nil; d = d.place.Load().parent {
		if d == dir {
			return true
		}
	}
	return false
}

// cached returns the known dentry of a name in directory d, or nil.
func (d *Dentry) cached(name string) *Dentry {
	s := d.sub
	s.mu.RLock()
	c, ok := s.known.Get(name)
	s.mu.RUnlock()
	if c.dentry != nil {
		if !c.dentry.used.Load() {
			c.dentry.used.Store(true)
		}
		return c.dentry
	}
	if !ok {
		return nil
	}
	return s.remember(name)
}

// remember takes back a dentry that the cache has forgotten, if it is alive.
func (s *children) remember(name string) *Dentry {
	s.mu.Lock()
	c, _ := s.known.Get(name)
	if c.dentry == nil {
		c.dentry = c.forgotten.Value()
		if c.dentry != nil {
			s.known.Set(name, child{dentry: c.dentry})
		} else {
			s.known.Delete(name)
		}
	}
	s.mu.Unlock()
	if c.dentry != nil {
		c.dentry.cache().add(c.dentry)
	}
	return c.dentry
}

// lookup returns the dentry of a name in directory d for thread c.
func (d *Dentry) lookup(c Caller, name string) (*Dentry, error) {
	if !d.super.NoCache {
		if known := d.cached(name); known != nil {
			return known.present()
		}
	}
	d.sub.op.RLock()
	defer d.sub.op.RUnlock()
	return d.lookupLocked(c, name)
}

// present returns d, or ENOENT if d says that there is nothing.
func (d *Dentry) present() (*Dentry, error) {
	if d.inode == nil {
		return nil, abi.ENOENT
	}
	return d, nil
}

// lookupLocked is lookup for a caller who holds d's lock.
func (d *Dentry) lookupLocked(c Caller, name string) (*Dentry, error) {
	known := d.cached(name)
	if known != nil && (!d.super.NoCache || known.mounts.Load() > 0) {
		return known.present()
	}
	if d.gone.Load() {
		return nil, abi.ENOENT
	}
	if len(name) > abi.NAME_MAX {
		return nil, abi.ENAMETOOLONG
	}
	inode, err := d.sub.dir.Lookup(c, name)
	if err != nil {
		if known != nil {
			d.drop(known)
		}
		if err == abi.ENOENT && d.super.Negative {
			d.add(name, nil)
		}
		return nil, err
	}
	if known != nil && known.inode == inode {
		return known, nil
	}
	return d.add(name, inode), nil
}

// add makes name stand for inode in directory d, whose lock is held, and
// returns its dentry; without an inode, for nothing. If another thread has come
// first with the same inode, that one's dentry is returned.
func (d *Dentry) add(name string, inode Inode) *Dentry {
	n := newDentry(d.super, d, strings.Clone(name), inode)
	s := d.sub
	s.mu.Lock()
	old, _ := s.known.Get(name)
	if old.dentry == nil {
		old.dentry = old.forgotten.Value()
	}
	if old.dentry != nil && old.dentry.inode == inode {
		n = old.dentry
	} else if old.dentry != nil {
		old.dentry.replaced.Store(true)
	}
	s.known.Set(n.Name(), child{dentry: n})
	s.mu.Unlock()
	if old.dentry != nil && old.dentry != n {
		old.dentry.cache().remove(old.dentry)
	}
	n.cache().add(n)
	return n
}

// drop marks c, a child of directory d, as gone. d's lock is held.
func (d *Dentry) drop(c *Dentry) {
	c.gone.Store(true)
	d.sub.forget(c.Name(), c)
	c.cache().remove(c)
}

// forget removes the name from the known ones if it stands for c.
func (s *children) forget(name string, c *Dentry) {
	s.mu.Lock()
	if k, _ := s.known.Get(name); k.dentry == c || k.dentry == nil && k.forgotten.Value() == c {
		s.known.Delete(name)
	}
	s.mu.Unlock()
}

// move gives c, a child of directory from, a new place. Both directories'
// locks are held and nothing stands in the new place.
func move(c, from, to *Dentry, name string) {
	p := &place{to, strings.Clone(name)}
	from.sub.forget(c.Name(), c)
	treeMu.Lock()
	renames++
	c.place.Store(p)
	treeMu.Unlock()
	to.sub.insert(p.name, c)
}

// exchange swaps the places of a and b, whose directories' locks are held.
func exchange(a, b *Dentry) {
	pa, pb := a.place.Load(), b.place.Load()
	treeMu.Lock()
	renames++
	a.place.Store(pb)
	b.place.Store(pa)
	treeMu.Unlock()
	pb.parent.sub.insert(pb.name, a)
	pa.parent.sub.insert(pa.name, b)
}

func (s *children) insert(name string, c *Dentry) {
	s.mu.Lock()
	old, _ := s.known.Get(name)
	negative := old.dentry != nil && old.dentry.inode == nil
	if negative {
		old.dentry.replaced.Store(true)
	}
	s.known.Set(name, child{dentry: c})
	s.mu.Unlock()
	if negative {
		c.cache().remove(old.dentry)
	}
	c.cache().add(c)
}
