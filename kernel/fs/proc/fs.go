// Package proc is the proc file system: processes and the kernel as files.
// proc(5) is its specification, Linux 6.1 its model: what a file shows is
// true, and what would not be true has no file.
//
// The package knows the rest of the kernel through the interfaces System and
// Task.
package proc

import (
	"bytes"
	"fmt"
	"strconv"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// An FS is the file system. There is one, mounted as often as anyone likes.
type FS struct {
	super   *vfs.Super
	system  System
	numbers pseudo.Numberer
	root    *root
	sys     *pseudo.Dir // /proc/sys
	filling pseudo.Deferred
}

// New returns the file system that shows s.
func New(s System) *FS {
	fs := &FS{system: s}
	fs.super = &vfs.Super{
		Medium:  vfs.Memory,
		Dev:     vfs.NewDev(),
		FSType:  "proc",
		Source:  "proc",
		NoCache: true,
		StatFS: func() abi.Statfs {
			return abi.Statfs{Type: abi.PROC_SUPER_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: 255}
		},
	}
	fs.root = &root{dir: fs.newDir(), fs: fs}
	fs.super.Root = fs.root
	fs.filling.Do(func() {
		fs.addSystemFiles()
		fs.sys = fs.mkdir(&fs.root.dir.Dir, "sys")
	})
	fs.addSysctls()
	return fs
}

// Super returns the file system for mounting.
func (fs *FS) Super() *vfs.Super {
	fs.filling.Begin()
	return fs.super
}

// Name implements vfs.FileSystemType.
func (fs *FS) Name() string { return "proc" }

// Mount implements vfs.FileSystemType.
func (fs *FS) Mount(_ vfs.Caller, source, data string, flags int) (*vfs.Super, error) {
	if data != "" {
		return nil, abi.EINVAL
	}
	return fs.Super(), nil
}

// dir is a directory with fixed entries. Nothing can be made in it: proc
// answers ENOENT, as no name can come to be.
type dir struct{ pseudo.Dir }

func (*dir) Create(vfs.Caller, string, uint32) (vfs.Inode, error) { return nil, abi.ENOENT }
func (*dir) Mkdir(vfs.Caller, string, uint32) (vfs.Inode, error)  { return nil, abi.ENOENT }
func (*dir) Mknod(vfs.Caller, string, uint32, uint64) (vfs.Inode, error) {
	return nil, abi.ENOENT
}
func (*dir) Symlink(vfs.Caller, string, string) (vfs.Inode, error) { return nil, abi.ENOENT }

const dirMode = abi.S_IFDIR | 0o555

func (fs *FS) newDir() *dir {
	return &dir{*pseudo.NewDir(fs.node(dirMode))}
}

// node returns a node for a file that is always there.
func (fs *FS) node(mode uint32) pseudo.Node {
	return pseudo.NewNode(fs.super, pseudo.Attributes{Ino: fs.numbers.Next(), Mode: mode})
}

// Add adds a file to /proc that show makes the text of.
func (fs *FS) Add(name string, mode uint32, show func(w *bytes.Buffer) error) {
	fs.filling.Do(func() { fs.addText(name, mode, show) })
}

func (fs *FS) addText(name string, mode uint32, show func(w *bytes.Buffer) error) {
	fs.root.dir.Add(name, pseudo.NewText(fs.node(abi.S_IFREG|mode), pseudo.View{
		Show:    func(_ vfs.Caller, w *bytes.Buffer) error { return show(w) },
		NoStore: abi.EIO,
		NoMap:   abi.EIO,
	}))
}

// addRecords adds a file to /proc that is made record by record: see
// pseudo.View.
func (fs *FS) addRecords(name string, records func(pos int64, w *bytes.Buffer, more func(int64) bool) error) {
	fs.root.dir.Add(name, pseudo.NewText(fs.node(abi.S_IFREG|0o444), pseudo.View{
		Records: func(_ vfs.Caller, pos int64, w *bytes.Buffer, more func(int64) bool) error {
			return records(pos, w, more)
		},
		NoStore: abi.EIO,
		NoMap:   abi.EIO,
	}))
}

func (fs *FS) addLink(name string, read func(c vfs.Caller) (string, error)) {
	fs.root.dir.Add(name, pseudo.NewLink(fs.node(abi.S_IFLNK|0o777), read))
}

// root is /proc: fixed files, then the processes.
type root struct {
	*dir
	fs *FS
}

// Lookup implements vfs.Dir. A thread is found by its ID even if it is not
// the first of its process; ReadDir shows processes only.
func (r *root) Lookup(c vfs.Caller, name string) (vfs.Inode, error) {
	if tid, ok := parseID(name); ok {
		t := r.fs.system.Task(tid)
		if t == nil {
			return nil, abi.ENOENT
		}
		return r.fs.taskDir(t, true), nil
	}
	return r.dir.Lookup(c, name)
}

// firstPID is the position of process 0 in /proc; fixed files come before.
const firstPID = 1 << 16

// ReadDir implements vfs.Dir.
func (r *root) ReadDir(c vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	if pos < firstPID {
		more := true
		pos, _ = r.dir.ReadDir(c, pos, func(e vfs.DirEntry) bool {
			more = emit(e)
			return more
		})
		if !more {
			return pos, nil
		}
		pos = firstPID
	}
	for _, pid := range r.fs.system.PIDs() {
		at := int64(firstPID + pid)
		if at < pos {
			continue
		}
		e := vfs.DirEntry{
			Name: strconv.Itoa(pid), Ino: taskIno(pid, true, 0, 0), Type: vfs.DType(abi.S_IFDIR), Next: at + 1,
		}
		if !emit(e) {
			return at, nil
		}
		pos = at + 1
	}
	return pos, nil
}

// Attr implements vfs.Inode: the number of links counts the processes.
func (r *root) Attr() vfs.Attr {
	a := r.dir.Attr()
	a.Nlink += uint32(len(r.fs.system.PIDs()))
	return a
}

// parseID parses a process, thread or descriptor number the way Linux does:
// digits only, and no leading zero.
func parseID(name string) (int, bool) {
	if len(name) > 9 || len(name) > 1 && name[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(name) {
		c := name[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(name) > 0
}

func selfLink(c vfs.Caller) (string, error) {
	tgid, _, ok := Self(c)
	if !ok {
		return "", abi.ENOENT
	}
	return strconv.Itoa(tgid), nil
}

func threadSelfLink(c vfs.Caller) (string, error) {
	tgid, tid, ok := Self(c)
	if !ok {
		return "", abi.ENOENT
	}
	return fmt.Sprintf("%d/task/%d", tgid, tid), nil
}
