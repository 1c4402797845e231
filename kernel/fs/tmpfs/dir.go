package tmpfs

import (
	"sort"
	"strings"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A dir is a directory.
type dir struct {
	inode
	// namesMu guards the names. Package vfs serialises all that changes
	// them but for clear, so Rename may hold two of these.
	namesMu sync.RWMutex
	names   map[string]*entry
	order   []*entry // as added; those that have gone have no node
	gone    int      // how many of order have gone
	lastPos int64    // pos of the newest
	cleared bool     // with the whole file system: nothing can be added
}

// An entry is a name in a directory.
type entry struct {
	name string
	node node
	pos  int64 // position in the directory; the newest has the smallest
}

// endPos is the position behind the oldest entry there may be.
const endPos = 1 << 62

func newDir(fs *fileSystem, c vfs.Caller, parent *inode, mode uint32) *dir {
	d := &dir{lastPos: endPos}
	d.init(fs, c, parent, mode|abi.S_IFDIR)
	d.nlink = 2
	return d
}

// insert gives x, which has been counted by newInode, the name.
func (d *dir) insert(name string, x node) error {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	if d.cleared {
		return abi.ENOENT
	}
	d.add(name, x)
	return nil
}

// add gives x the name, which is free. The caller holds d.namesMu.
func (d *dir) add(name string, x node) {
	d.lastPos--
	e := &entry{strings.Clone(name), x, d.lastPos}
	if d.names == nil {
		d.names = make(map[string]*entry)
	}
	d.names[e.name] = e
	d.order = append(d.order, e)
	d.changed()
}

// remove takes the name of e away. The caller holds d.namesMu.
func (d *dir) remove(e *entry) {
	delete(d.names, e.name)
	e.name, e.node = "", nil
	d.gone++
	if d.gone > len(d.order)/2 && d.gone > 8 {
		kept := make([]*entry, 0, len(d.names))
		for _, k := range d.order {
			if k.node != nil {
				kept = append(kept, k)
			}
		}
		d.order, d.gone = kept, 0
	}
	d.changed()
}

// addSub counts a directory that begins (1) or ceases (-1) to be in d.
func (d *dir) addSub(n int) {
	d.mu.Lock()
	d.nlink += uint32(n)
	d.mu.Unlock()
}

// Attr returns the attributes. The size is 20 bytes for each entry, as Linux
// has it.
func (d *dir) Attr() vfs.Attr {
	a := d.attr()
	d.namesMu.RLock()
	defer d.namesMu.RUnlock()
	a.Size = 20 * int64(2+len(d.names))
	return a
}

// Lookup finds a name.
func (d *dir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	d.namesMu.RLock()
	defer d.namesMu.RUnlock()
	if e := d.names[name]; e != nil {
		return e.node, nil
	}
	return nil, abi.ENOENT
}

// Create makes a regular file.
func (d *dir) Create(c vfs.Caller, name string, mode uint32) (vfs.Inode, error) {
	return d.make(name, func() (node, error) { return d.newFile(c, mode), nil })
}

// Mkdir makes a directory.
func (d *dir) Mkdir(c vfs.Caller, name string, mode uint32) (vfs.Inode, error) {
	x, err := d.make(name, func() (node, error) {
		return newDir(d.fs, c, &d.inode, mode&^abi.S_IFMT), nil
	})
	if err == nil {
		d.addSub(1)
	}
	return x, err
}

// Mknod makes a device node, FIFO or socket.
func (d *dir) Mknod(c vfs.Caller, name string, mode uint32, rdev uint64) (vfs.Inode, error) {
	return d.make(name, func() (node, error) {
		s := &special{rdev: rdev}
		s.init(d.fs, c, &d.inode, mode)
		return s, nil
	})
}

// Symlink makes a symbolic link.
func (d *dir) Symlink(c vfs.Caller, name, target string) (vfs.Inode, error) {
	return d.make(name, func() (node, error) {
		s := new(symlink)
		s.init(d.fs, c, &d.inode, abi.S_IFLNK|0o777)
		return s, s.setText(strings.Clone(target))
	})
}

// make adds what mk makes and counts it.
func (d *dir) make(name string, mk func() (node, error)) (vfs.Inode, error) {
	if err := d.fs.newInode(); err != nil {
		return nil, err
	}
	x, err := mk()
	if err != nil {
		d.fs.freeInode()
		return nil, err
	}
	if err := d.insert(name, x); err != nil {
		x.free()
		d.fs.freeInode()
		return nil, err
	}
	return x, nil
}

func (d *dir) newFile(c vfs.Caller, mode uint32) *file {
	f := new(file)
	f.init(d.fs, c, &d.inode, mode&^abi.S_IFMT|abi.S_IFREG)
	f.seals.set = abi.F_SEAL_SEAL
	return f
}

// Tmpfile makes a regular file without a name.
func (d *dir) Tmpfile(c vfs.Caller, mode uint32, linkable bool) (vfs.Inode, error) {
	if err := d.fs.newInode(); err != nil {
		return nil, err
	}
	f := d.newFile(c, mode)
	f.nlink, f.linkable = 0, linkable
	return f, nil
}

// Link gives target another name. Each name counts as an inode, so that the
// limit of inodes limits the memory of names.
func (d *dir) Link(c vfs.Caller, name string, target vfs.Inode) error {
	x := target.(node)
	if err := d.fs.newInode(); err != nil {
		return err
	}
	first, err := x.base().addLink()
	if first || err != nil { // the inode itself has been counted already
		d.fs.freeInode()
	}
	if err != nil {
		return err
	}
	if err := d.insert(name, x); err != nil {
		lost(x)
		return err
	}
	return nil
}

// Unlink removes a name of a file other than a directory.
func (d *dir) Unlink(c vfs.Caller, name string) error {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	return d.unlinkName(name)
}

// unlinkName is Unlink for a caller who holds d.namesMu.
func (d *dir) unlinkName(name string) error {
	e := d.names[name]
	if e == nil {
		return abi.ENOENT
	}
	x := e.node
	d.remove(e)
	lost(x)
	return nil
}

// lost drops a link of x, whose name has gone. Other names go on counting as
// inodes.
func lost(x node) {
	if dropLinks(x, 1) {
		x.base().fs.freeInode()
	}
}

// Rmdir removes an empty directory.
func (d *dir) Rmdir(c vfs.Caller, name string) error {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	return d.rmdirName(name)
}

// rmdirName is Rmdir for a caller who holds d.namesMu.
func (d *dir) rmdirName(name string) error {
	e := d.names[name]
	if e == nil {
		return abi.ENOENT
	}
	sub := e.node.(*dir)
	if !sub.close() {
		return abi.ENOTEMPTY
	}
	d.remove(e)
	d.addSub(-1)
	dropLinks(sub, 2)
	return nil
}

// close makes an empty directory refuse new names.
func (d *dir) close() bool {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	d.cleared = len(d.names) == 0
	return d.cleared
}

// clear frees everything below d.
func (d *dir) clear() {
	for _, x := range d.takeAll() {
		if sub, ok := x.(*dir); ok {
			sub.clear()
			d.addSub(-1)
			dropLinks(sub, 2)
		} else {
			lost(x)
		}
	}
}

// takeAll removes all names and returns what they stood for.
func (d *dir) takeAll() []node {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	all := make([]node, 0, len(d.names))
	for _, e := range d.names {
		all = append(all, e.node)
	}
	d.names, d.order, d.gone, d.cleared = nil, nil, 0, true
	return all
}

// Rename moves or exchanges names.
func (d *dir) Rename(c vfs.Caller, oldName string, newDir vfs.Dir, newName string, flags uint32) error {
	to := newDir.(*dir)
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	if to != d {
		to.namesMu.Lock()
		defer to.namesMu.Unlock()
	}
	e, old := d.names[oldName], to.names[newName]
	if e == nil || to.cleared {
		return abi.ENOENT
	}
	x := e.node
	_, moves := x.(*dir)
	if flags&abi.RENAME_EXCHANGE != 0 {
		if old == nil {
			return abi.ENOENT
		}
		y := old.node
		_, comes := y.(*dir)
		d.remove(e)
		to.remove(old)
		d.add(oldName, y)
		to.add(newName, x)
		d.moved(to, moves, comes)
		y.base().ctimeNow()
		x.base().ctimeNow()
		return nil
	}
	if old != nil {
		replace := to.unlinkName
		if moves {
			replace = to.rmdirName
		}
		if err := replace(newName); err != nil {
			return err
		}
	}
	d.remove(e)
	to.add(newName, x)
	d.moved(to, moves, false)
	x.base().ctimeNow()
	return nil
}

// moved keeps the link counts of directories right when a directory moves from
// d to another one, or comes from there.
func (d *dir) moved(to *dir, moves, comes bool) {
	d.changed()
	to.changed()
	if d == to || moves == comes {
		return
	}
	if moves {
		d.addSub(-1)
		to.addSub(1)
	} else {
		d.addSub(1)
		to.addSub(-1)
	}
}

// ReadDir lists the names, the newest first as Linux does.
func (d *dir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	d.namesMu.RLock()
	defer d.namesMu.RUnlock()
	n := sort.Search(len(d.order), func(i int) bool { return d.order[i].pos < pos })
	for n--; n >= 0; n-- {
		e := d.order[n]
		if e.node == nil {
			continue
		}
		b := e.node.base()
		if !emit(vfs.DirEntry{Name: e.name, Ino: b.ino, Type: vfs.DType(b.mode.Load()), Next: e.pos + 1}) {
			return e.pos, nil
		}
		pos = e.pos + 1
	}
	return pos, nil
}

// Open opens the directory for reading.
func (d *dir) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return vfs.NoFile{}, nil }

func (d *dir) free() {}
