// Package devpts is the file system of pseudo-terminals: pts(4). There is one
// instance, which every mount shows.
package devpts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

// Inode numbers; slave N has firstSlaveIno+N.
const (
	rootIno       = 1
	ptmxIno       = 2
	firstSlaveIno = 3
)

// options are the mount options.
type options struct {
	setUID, setGID bool // otherwise slaves belong to who opens the master
	uid, gid       uint32
	mode           uint32 // of slaves
	ptmxMode       uint32
}

// A fileSystem is the root directory with all that is in it.
type fileSystem struct {
	super vfs.Super
	root  dir
	ptmx  node

	born sync.Once // stamps the root and ptmx with the time of the first mount

	mu     sync.Mutex
	opts   options       // guarded by mu
	slaves map[int]*node // by number; guarded by mu
}

var fs = newFileSystem()

func newFileSystem() *fileSystem {
	fs := &fileSystem{slaves: make(map[int]*node), opts: options{mode: 0o600}}
	fs.super = vfs.Super{
		Medium: vfs.Memory,
		Dev:    vfs.NewDev(), FSType: "devpts", Source: "devpts", Root: &fs.root, NoCache: true,
		StatFS: statFS, Options: fs.showOptions, Remount: fs.remount,
	}
	fs.root.init(fs, rootIno, abi.S_IFDIR|0o755, 0)
	fs.root.attr.Nlink = 2
	fs.ptmx.init(fs, ptmxIno, abi.S_IFCHR, abi.MakeDev(5, 2))
	return fs
}

const superMagic = 0x1cd1

func statFS() abi.Statfs {
	return abi.Statfs{Type: superMagic, Bsize: 4096, Namelen: 255, Frsize: 4096}
}

// Type is devpts for mount(2).
type Type struct{}

// Name returns "devpts".
func (Type) Name() string { return "devpts" }

// Mount returns the one instance with new options.
func (Type) Mount(_ vfs.Caller, source, data string, flags int) (*vfs.Super, error) {
	if err := fs.remount(data); err != nil {
		return nil, err
	}
	fs.born.Do(func() {
		fs.root.stamp()
		fs.ptmx.stamp()
	})
	return &fs.super, nil
}

func init() { vfs.RegisterFS(Type{}) }

func (fs *fileSystem) remount(data string) error {
	o, err := parse(data)
	if err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.opts = o
	fs.ptmx.setMode(o.ptmxMode)
	return nil
}

// parse reads mount options.
func parse(data string) (options, error) {
	o := options{mode: 0o600}
	for opt := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(opt, "=")
		base := 10
		if name == "mode" || name == "ptmxmode" {
			base = 8
		}
		v, err := strconv.ParseUint(value, base, 32)
		switch name {
		case "", "newinstance":
			err = nil
		case "uid":
			o.setUID, o.uid = true, uint32(v)
		case "gid":
			o.setGID, o.gid = true, uint32(v)
		case "mode":
			o.mode = uint32(v) & 0o7777
		case "ptmxmode":
			o.ptmxMode = uint32(v) & 0o7777
		default:
			return o, abi.EINVAL
		}
		if err != nil {
			return o, abi.EINVAL
		}
	}
	return o, nil
}

func (fs *fileSystem) showOptions() string {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var b strings.Builder
	if fs.opts.setUID {
		fmt.Fprintf(&b, ",uid=%d", fs.opts.uid)
	}
	if fs.opts.setGID {
		fmt.Fprintf(&b, ",gid=%d", fs.opts.gid)
	}
	fmt.Fprintf(&b, ",mode=%03o,ptmxmode=%03o", fs.opts.mode, fs.opts.ptmxMode)
	return b.String()
}

// OpenMaster opens ptmx: it makes a pseudo-terminal, whose slave appears here.
func OpenMaster(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
	var p *tty.Pty
	p, err := tty.NewPty(c.Cred().Account, func() { fs.remove(p.Index()) })
	if err != nil {
		return nil, err
	}
	fs.add(c.Cred(), p.Index())
	return p.Master(f), nil
}

// OpenSlave opens the slave with a device number: EIO if there is none.
func OpenSlave(c vfs.Caller, f *vfs.File, rdev uint64) (vfs.FileOps, error) {
	p := tty.PtyByIndex(int(abi.Minor(rdev)))
	if p == nil {
		return nil, abi.EIO
	}
	return p.Slave().Open(c, f, tty.Ordinary)
}

func (fs *fileSystem) add(cred *vfs.Cred, index int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := new(node)
	n.init(fs, firstSlaveIno+uint64(index), abi.S_IFCHR|fs.opts.mode, tty.SlaveDev(index))
	n.attr.UID, n.attr.GID = cred.FSUID, cred.FSGID
	if fs.opts.setUID {
		n.attr.UID = fs.opts.uid
	}
	if fs.opts.setGID {
		n.attr.GID = fs.opts.gid
	}
	fs.slaves[index] = n
}

func (fs *fileSystem) remove(index int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.slaves, index)
}

// A node is an inode.
type node struct {
	fs   *fileSystem
	mu   sync.Mutex
	attr vfs.Attr // guarded by mu
}

func (n *node) init(fs *fileSystem, ino uint64, mode uint32, rdev uint64) {
	n.fs = fs
	n.attr = vfs.Attr{
		Dev: fs.super.Dev, Ino: ino, Mode: mode, Nlink: 1, Rdev: rdev, BlkSize: 1024,
	}
	n.stamp()
}

// stamp sets all times to now.
func (n *node) stamp() {
	now := ktime.Real()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.Atime, n.attr.Mtime, n.attr.Ctime, n.attr.Btime = now, now, now, now
}

func (n *node) setMode(perm uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.Mode = n.attr.Mode&abi.S_IFMT | perm
}

// Attr returns the attributes.
func (n *node) Attr() vfs.Attr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.attr
}

// SetAttr changes attributes.
func (n *node) SetAttr(_ vfs.Caller, s vfs.SetAttr) error {
	if s.Mask&vfs.AttrSize != 0 {
		return abi.EINVAL
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Apply(&n.attr)
	return nil
}

// FS returns the file system.
func (n *node) FS() *vfs.Super { return &n.fs.super }

// Open opens the device.
func (n *node) Open(c vfs.Caller, f *vfs.File) (vfs.FileOps, error) {
	return vfs.OpenSpecial(c, f, n)
}

// A dir is the root directory.
type dir struct {
	node
	vfs.ReadOnlyDir
}

// Open opens the directory.
func (d *dir) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return vfs.MemoryFile{}, nil }

// Lookup finds ptmx and the slaves by number.
func (d *dir) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	if name == "ptmx" {
		return &d.fs.ptmx, nil
	}
	index, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(index) != name {
		return nil, abi.ENOENT
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if n := d.fs.slaves[index]; n != nil {
		return n, nil
	}
	return nil, abi.ENOENT
}

// ReadDir lists the slaves by number, and ptmx at the end.
func (d *dir) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	for _, e := range d.entries() {
		if e.Next > pos && !emit(e) {
			return e.Next - 1, nil
		}
	}
	return max(pos, endPos), nil
}

// endPos is behind the last entry, ptmx.
const endPos = vfs.FirstPos + tty.MaxPtys + 1

func (d *dir) entries() []vfs.DirEntry {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	es := []vfs.DirEntry{{Name: "ptmx", Ino: ptmxIno, Type: abi.DT_CHR, Next: endPos}}
	for index := range d.fs.slaves {
		es = append(es, vfs.DirEntry{
			Name: strconv.Itoa(index), Ino: firstSlaveIno + uint64(index), Type: abi.DT_CHR,
			Next: vfs.FirstPos + int64(index) + 1,
		})
	}
	slices.SortFunc(es, func(a, b vfs.DirEntry) int { return cmp.Compare(a.Next, b.Next) })
	return es
}
