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
	names   vfs.Names[*entry]
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
	charge
}

// newEntry returns an entry for a name that stands for nothing yet: ENOSPC. It
// must be added, or its charge dropped.
func newEntry(c vfs.Caller, name string) (*entry, error) {
	ch, err := newCharge(c, entryCost+int64(len(name)))
	if err != nil {
		return nil, err
	}
	return &entry{name: strings.Clone(name), charge: ch}, nil
}

// endPos is the position behind the oldest entry there may be.
const endPos = 1 << 62

func newDir(fs *fileSystem, c vfs.Caller, parent *inode, mode uint32) *dir {
	d := &dir{lastPos: endPos}
	d.init(fs, c, parent, mode|abi.S_IFDIR)
	d.nlink = 2
	return d
}

// insert gives x, which has been counted by newInode, the name of e.
func (d *dir) insert(e *entry, x node) error {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	if d.cleared {
		return abi.ENOENT
	}
	d.add(e, x)
	return nil
}

// add gives x the name of e, which is free. The caller holds d.namesMu.
func (d *dir) add(e *entry, x node) {
	d.lastPos--
	e.node, e.pos = x, d.lastPos
	d.names.Set(e.name, e)
	d.order = append(d.order, e)
	d.changed()
}

// find returns the entry of a name, or nil. The caller holds d.namesMu.
func (d *dir) find(name string) *entry {
	e, _ := d.names.Get(name)
	return e
}

// remove takes the name of e away. The caller holds d.namesMu.
func (d *dir) remove(e *entry) {
	d.names.Delete(e.name)
	e.drop()
	e.name, e.node = "", nil
	d.gone++
	if d.gone > len(d.order)/2 && d.gone > 8 {
		kept := make([]*entry, 0, d.names.Len())
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
	a.Size = 20 * int64(2+d.names.Len())
	return a
}

// Lookup finds a name.
func (d *dir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	d.namesMu.RLock()
	defer d.namesMu.RUnlock()
	if e := d.find(name); e != nil {
		return e.node, nil
	}
	return nil, abi.ENOENT
}

// Create makes a regular file.
func (d *dir) Create(c vfs.Caller, name string, mode uint32) (vfs.Inode, error) {
	return d.make(c, name, fileCost, func() (node, error) { return d.newFile(c, mode), nil })
}

// Mkdir makes a directory.
func (d *dir) Mkdir(c vfs.Caller, name string, mode uint32) (vfs.Inode, error) {
	x, err := d.make(c, name, dirCost, func() (node, error) {
		return newDir(d.fs, c, &d.inode, mode&^abi.S_IFMT), nil
	})
	if err == nil {
		d.addSub(1)
	}
	return x, err
}

// Mknod makes a device node, FIFO or socket.
func (d *dir) Mknod(c vfs.Caller, name string, mode uint32, rdev uint64) (vfs.Inode, error) {
	return d.make(c, name, specialCost, func() (node, error) {
		s := &special{rdev: rdev}
		s.init(d.fs, c, &d.inode, mode)
		return s, nil
	})
}

// Symlink makes a symbolic link.
func (d *dir) Symlink(c vfs.Caller, name, target string) (vfs.Inode, error) {
	return d.make(c, name, symlinkCost+int64(min(len(target), shortLink)), func() (node, error) {
		s := new(symlink)
		s.init(d.fs, c, &d.inode, abi.S_IFLNK|0o777)
		return s, s.setText(strings.Clone(target))
	})
}

// make adds what mk makes, which takes cost bytes of the heap, and counts it.
func (d *dir) make(c vfs.Caller, name string, cost int64, mk func() (node, error)) (vfs.Inode, error) {
	e, err := newEntry(c, name)
	if err != nil {
		return nil, err
	}
	ch, err := d.fs.newInode(c, cost)
	if err != nil {
		e.drop()
		return nil, err
	}
	x, err := mk()
	if err == nil {
		x.base().charge = ch
		if err = d.insert(e, x); err != nil {
			x.free()
		}
	}
	if err != nil {
		e.drop()
		d.fs.freeInode(ch)
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
	ch, err := d.fs.newInode(c, fileCost)
	if err != nil {
		return nil, err
	}
	f := d.newFile(c, mode)
	f.charge, f.nlink, f.linkable = ch, 0, linkable
	return f, nil
}

// Link gives target another name. Each name counts as an inode, so that the
// limit of inodes limits names.
func (d *dir) Link(c vfs.Caller, name string, target vfs.Inode) error {
	x := target.(node)
	e, err := newEntry(c, name)
	if err != nil {
		return err
	}
	if err := d.fs.countInode(); err != nil {
		e.drop()
		return err
	}
	first, err := x.base().addLink()
	if first || err != nil { // the inode itself has been counted already
		d.fs.inodes.Add(-1)
	}
	if err != nil {
		e.drop()
		return err
	}
	if err := d.insert(e, x); err != nil {
		e.drop()
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
	e := d.find(name)
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
		x.base().fs.inodes.Add(-1)
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
	e := d.find(name)
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
	d.cleared = d.names.Len() == 0
	return d.cleared
}

// clear frees everything below d, however deep that is.
func (d *dir) clear() {
	for todo := []*dir{d}; len(todo) > 0; {
		top := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, x := range top.takeAll() {
			if sub, ok := x.(*dir); ok {
				top.addSub(-1)
				todo = append(todo, sub)
			} else {
				lost(x)
			}
		}
		if top != d {
			dropLinks(top, 2)
		}
	}
}

// takeAll removes all names and returns what they stood for.
func (d *dir) takeAll() []node {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	all := make([]node, 0, d.names.Len())
	d.names.Each(func(_ string, e *entry) {
		all = append(all, e.node)
		e.drop()
	})
	d.names, d.order, d.gone, d.cleared = vfs.Names[*entry]{}, nil, 0, true
	return all
}

// Rename moves or exchanges names.
func (d *dir) Rename(c vfs.Caller, oldName string, newDir vfs.Dir, newName string, flags uint32) error {
	to := newDir.(*dir)
	there, err := newEntry(c, newName)
	if err != nil {
		return err
	}
	var here *entry // what comes in exchange
	if flags&abi.RENAME_EXCHANGE != 0 {
		if here, err = newEntry(c, oldName); err != nil {
			there.drop()
			return err
		}
	}
	if err := d.rename(oldName, to, there, here); err != nil {
		there.drop()
		if here != nil {
			here.drop()
		}
		return err
	}
	return nil
}

// rename moves what has a name of d to the entry there of directory to, and in
// exchange, if here is an entry, what was there to here.
func (d *dir) rename(oldName string, to *dir, there, here *entry) error {
	d.namesMu.Lock()
	defer d.namesMu.Unlock()
	if to != d {
		to.namesMu.Lock()
		defer to.namesMu.Unlock()
	}
	e, old := d.find(oldName), to.find(there.name)
	if e == nil || to.cleared {
		return abi.ENOENT
	}
	x := e.node
	_, moves := x.(*dir)
	if here != nil {
		if old == nil {
			return abi.ENOENT
		}
		y := old.node
		_, comes := y.(*dir)
		d.remove(e)
		to.remove(old)
		d.add(here, y)
		to.add(there, x)
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
		if err := replace(there.name); err != nil {
			return err
		}
	}
	d.remove(e)
	to.add(there, x)
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
func (d *dir) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return vfs.MemoryFile{}, nil }

func (d *dir) free() {}
