package pseudo

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// DirFile is the open file of every directory: it cannot be read but through
// its inode.
type DirFile struct{ vfs.NoFile }

// Read implements vfs.FileOps.
func (DirFile) Read(vfs.Caller, vfs.Dest, int64) (int, error) { return 0, abi.EISDIR }

// A Dir is a directory that is a table of inodes.
type Dir struct {
	Node
	vfs.ReadOnlyDir

	mu      sync.RWMutex
	byName  map[string]entry
	ordered []entry // by sequence
	next    int64   // sequence of the next entry; never reused
	subdirs uint32
}

type entry struct {
	name  string
	inode vfs.Inode
	seq   int64
}

// NewDir returns an empty directory.
func NewDir(n Node) *Dir { return &Dir{Node: n, byName: make(map[string]entry)} }

// Add adds an inode, in place of what has the name if anything has.
func (d *Dir) Add(name string, inode vfs.Inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(name)
	e := entry{name, inode, d.next}
	d.next++
	d.byName[name] = e
	d.ordered = append(d.ordered, e)
	if _, ok := inode.(vfs.Dir); ok {
		d.subdirs++
	}
}

// Remove removes what has the name, if anything has.
func (d *Dir) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(name)
}

func (d *Dir) remove(name string) {
	e, ok := d.byName[name]
	if !ok {
		return
	}
	delete(d.byName, name)
	for i := range d.ordered {
		if d.ordered[i].seq == e.seq {
			d.ordered = append(d.ordered[:i:i], d.ordered[i+1:]...)
			break
		}
	}
	if _, ok := e.inode.(vfs.Dir); ok {
		d.subdirs--
	}
}

// Get returns what has the name, or nil.
func (d *Dir) Get(name string) vfs.Inode {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[name].inode
}

// Attr implements vfs.Inode: the number of links counts subdirectories.
func (d *Dir) Attr() vfs.Attr {
	a := d.Node.Attr()
	d.mu.RLock()
	defer d.mu.RUnlock()
	a.Nlink = 2 + d.subdirs
	return a
}

// Open implements vfs.Inode.
func (d *Dir) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return DirFile{}, nil }

// Lookup implements vfs.Dir.
func (d *Dir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	if i := d.Get(name); i != nil {
		return i, nil
	}
	return nil, abi.ENOENT
}

// ReadDir implements vfs.Dir. The position of an entry is its sequence number.
func (d *Dir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	d.mu.RLock()
	entries := d.ordered
	d.mu.RUnlock()
	for _, e := range entries {
		at := vfs.FirstPos + e.seq
		if at < pos {
			continue
		}
		a := e.inode.Attr()
		if !emit(vfs.DirEntry{Name: e.name, Ino: a.Ino, Type: vfs.DType(a.Mode), Next: at + 1}) {
			return at, nil
		}
		pos = at + 1
	}
	return pos, nil
}
