package proc

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// fdDir is /proc/PID/fd: a link for each descriptor, or, as info,
// /proc/PID/fdinfo: a file for each.
type fdDir struct {
	taskNode
	info  bool
	entry int // that it is itself, for inode numbers
}

const (
	fdEntry     = 0x60
	fdInfoEntry = 0x61
)

func newFDDir(v *view, n pseudo.Node) vfs.Inode {
	return &fdDir{taskNode: taskNode{Node: n, view: *v}, entry: fdEntry}
}

func newFDInfoDir(v *view, n pseudo.Node) vfs.Inode {
	return &fdDir{taskNode: taskNode{Node: n, view: *v}, info: true, entry: fdInfoEntry}
}

// Permission checks the permission bits, and for fdinfo that the caller may look
// into the process; its own descriptors a process may always see. Whose
// credentials are the process's very own may be the process, or share them after
// a fork: Open tells these apart.
func (d *fdDir) Permission(cred *vfs.Cred, mask uint32) error {
	mode, uid, gid := d.Owner()
	err := vfs.ModePermission(cred, mode, uid, gid, mask)
	if own := cred == d.task.Cred(); own && !d.info && mask&vfs.MayWrite == 0 {
		return nil
	} else if err == nil && d.info && !own && !d.allowedTo(cred) {
		return abi.EACCES
	}
	return err
}

// Open implements vfs.Inode.
func (d *fdDir) Open(c vfs.Caller, f *vfs.File) (vfs.FileOps, error) {
	v := d.view
	v.c = c
	if d.info && !v.allowed() {
		return nil, abi.EACCES
	}
	if tgid, _, ok := Self(c); !ok || tgid != d.task.TGID() {
		mode, uid, gid := d.Owner()
		if err := vfs.ModePermission(c.Cred(), mode, uid, gid, vfs.MayRead); err != nil {
			return nil, err
		}
	}
	return d.taskNode.Open(c, f)
}

// Attr implements vfs.Inode: the size is the number of descriptors.
func (d *fdDir) Attr() vfs.Attr {
	a := d.Node.Attr()
	a.Nlink = 2
	if !d.info {
		a.Size = int64(len(d.descriptors()))
	}
	return a
}

// descriptors returns the numbers in use, ascending.
func (d *fdDir) descriptors() []int {
	files := d.task.AcquireFDs()
	if files == nil {
		return nil
	}
	defer files.Unref()
	var fds []int
	files.Each(func(fd int, _ *vfs.File, _ bool) { fds = append(fds, fd) })
	slices.Sort(fds)
	return fds
}

// Lookup implements vfs.Dir.
func (d *fdDir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	fd, ok := parseID(name)
	if !ok {
		return nil, abi.ENOENT
	}
	f, _, _ := d.file(fd)
	if f == nil {
		return nil, abi.ENOENT
	}
	defer f.Put()
	if d.info {
		return d.infoFile(fd), nil
	}
	return d.link(fd, f), nil
}

// file returns descriptor fd with a reference for the caller, or nil, and the
// table that it is in, without a reference: nobody's exit waits for a reader.
func (d *fdDir) file(fd int) (f *vfs.File, cloexec bool, table *vfs.FDTable) {
	files := d.task.AcquireFDs()
	if files == nil {
		return nil, false, nil
	}
	defer files.Unref()
	f, err := files.Get(fd)
	if err != nil {
		return nil, false, nil
	}
	flags, _ := files.Flags(fd)
	return f, flags&abi.FD_CLOEXEC != 0, files
}

// link returns the link of a descriptor. Its permissions show how the file is
// open.
func (d *fdDir) link(fd int, f *vfs.File) vfs.Inode {
	mode := uint32(abi.S_IFLNK)
	if f.Readable() {
		mode |= 0o500
	}
	if f.Writable() {
		mode |= 0o300
	}
	n := d.node(mode, d.entry, fd)
	n.SetSize(64)
	as := func(c vfs.Caller) *view {
		v := d.view
		v.c = c
		return &v
	}
	return pseudo.NewMagicLink(n,
		func(c vfs.Caller) (string, error) {
			p, err := d.path(as(c), fd)
			if err != nil {
				return "", err
			}
			return as(c).pathName(p)
		},
		func(c vfs.Caller) (vfs.Path, error) { return d.path(as(c), fd) })
}

// path returns what descriptor fd stands for now.
func (d *fdDir) path(v *view, fd int) (vfs.Path, error) {
	if err := v.mayRead(); err != nil {
		return vfs.Path{}, err
	}
	f, _, _ := d.file(fd)
	if f == nil {
		return vfs.Path{}, abi.ENOENT
	}
	defer f.Put()
	return f.Path(), nil
}

// An Informer is a vfs.FileOps that has more to say in /proc/PID/fdinfo.
type Informer interface {
	// FDInfo writes the records from the one at pos on: see
	// pseudo.View.Records.
	FDInfo(pos int64, w *bytes.Buffer, more func(next int64) bool)
}

func (d *fdDir) infoFile(fd int) vfs.Inode {
	return pseudo.NewText(d.node(abi.S_IFREG|0o444, d.entry, fd), pseudo.View{
		Plain: true,
		Check: func(c vfs.Caller) error {
			v := d.view
			v.c = c
			return v.mayRead()
		},
		Records: func(_ vfs.Caller, pos int64, w *bytes.Buffer, more func(int64) bool) error {
			return d.infoRecords(fd, pos, w, more)
		},
	})
}

// infoRecords shows what all files have at position 0, the locks at positive
// ones, and behind them, at negative ones, what an Informer adds:
// proc_pid_fdinfo(5).
func (d *fdDir) infoRecords(fd int, pos int64, w *bytes.Buffer, more func(int64) bool) error {
	f, cloexec, table := d.file(fd)
	if f == nil {
		return abi.ENOENT
	}
	defer f.Put()
	if pos == 0 {
		flags := f.Flags()
		if cloexec {
			flags |= abi.O_CLOEXEC
		}
		fmt.Fprintf(w, "pos:\t%d\nflags:\t0%o\n", f.Pos(), flags)
		if m := f.Path().Mount; m != nil {
			fmt.Fprintf(w, "mnt_id:\t%d\n", m.ID())
		}
		fmt.Fprintf(w, "ino:\t%d\n", f.Inode().Attr().Ino)
		if pos++; !more(pos) {
			return nil
		}
	}
	if pos > 0 {
		if !lockRecords(table, f, pos, w, more) {
			return nil
		}
		pos = ^0
	}
	if i, ok := f.Ops().(Informer); ok {
		i.FDInfo(^pos, w, func(next int64) bool { return more(^next) })
	}
	return nil
}

// lockRecords shows the locks that were taken through a descriptor of table,
// which f is, and returns false when more does. A position tells how many
// have been shown, in its upper half, and the number that FDTable.NextLock goes
// on with.
func lockRecords(table *vfs.FDTable, f *vfs.File, pos int64, w *bytes.Buffer, more func(int64) bool) bool {
	shown, number := pos>>32, int(uint32(pos))-1
	for {
		l, found, next := table.NextLock(f, number)
		if next < 0 {
			return true
		}
		number = next
		if !found {
			continue
		}
		shown++
		fmt.Fprintf(w, "lock:\t%d: ", shown)
		writeLock(w, f.Inode(), &l)
		if !more(shown<<32 | int64(number+1)) {
			return false
		}
	}
}

// writeLock writes a lock on inode as the lines of proc_locks(5) have it after
// the number.
func writeLock(w *bytes.Buffer, inode vfs.Inode, l *vfs.LockInfo) {
	mode := "READ"
	if l.Write {
		mode = "WRITE"
	}
	dev := inode.FS().Dev
	fmt.Fprintf(w, "%-6s ADVISORY  %s %d %02x:%02x:%d %d ",
		l.Kind, mode, l.PID, abi.Major(dev), abi.Minor(dev), inode.Attr().Ino, l.Start)
	if l.End == math.MaxInt64 {
		w.WriteString("EOF\n")
	} else {
		fmt.Fprintf(w, "%d\n", l.End)
	}
}

// ReadDir implements vfs.Dir. The position of a descriptor is its number.
func (d *fdDir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	if err := d.alive(); err != nil {
		return pos, err
	}
	kind := uint32(abi.S_IFLNK)
	if d.info {
		kind = abi.S_IFREG
	}
	for _, fd := range d.descriptors() {
		at := int64(vfs.FirstPos + fd)
		if at < pos {
			continue
		}
		e := vfs.DirEntry{
			Name: strconv.Itoa(fd), Ino: taskIno(d.task.TID(), d.whole, d.entry, fd), Type: vfs.DType(kind), Next: at + 1,
		}
		if !emit(e) {
			return at, nil
		}
		pos = at + 1
	}
	return pos, nil
}
