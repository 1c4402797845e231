package vfs_test

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// A dynamic is a directory whose entries come and go by themselves, as in
// /proc.
type dynamic struct {
	vfs.ReadOnlyDir
	fs    *vfs.Super
	mu    sync.Mutex
	names map[string]vfs.Inode
	hook  func() // called once, by the next lookup
}

// during has the next lookup of a name call f.
func (d *dynamic) during(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hook = f
}

func newDynamic() *dynamic {
	d := &dynamic{names: map[string]vfs.Inode{}}
	d.fs = &vfs.Super{Dev: vfs.NewDev(), FSType: "dynamic", Root: d, Medium: vfs.Memory, NoCache: true}
	return d
}

func (d *dynamic) set(name string, x vfs.Inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x == nil {
		delete(d.names, name)
	} else {
		d.names[name] = x
	}
}

func (d *dynamic) Attr() vfs.Attr                                  { return vfs.Attr{Mode: abi.S_IFDIR | 0o555, Nlink: 2} }
func (d *dynamic) SetAttr(vfs.Caller, vfs.SetAttr) error           { return abi.EPERM }
func (d *dynamic) FS() *vfs.Super                                  { return d.fs }
func (d *dynamic) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return vfs.NoFile{}, nil }

func (d *dynamic) Lookup(_ vfs.Caller, name string) (vfs.Inode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hook != nil {
		d.hook()
		d.hook = nil
	}
	if x := d.names[name]; x != nil {
		return x, nil
	}
	return nil, abi.ENOENT
}

func (d *dynamic) ReadDir(_ vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	return pos, nil
}

// sub makes another directory of the same file system.
func (d *dynamic) sub() *dynamic { return &dynamic{fs: d.fs, names: map[string]vfs.Inode{}} }

// A magicLink is a link to a place.
type magicLink struct {
	fs *vfs.Super
	to vfs.Path
}

func (l *magicLink) Attr() vfs.Attr                        { return vfs.Attr{Mode: abi.S_IFLNK | 0o777} }
func (l *magicLink) SetAttr(vfs.Caller, vfs.SetAttr) error { return abi.EPERM }
func (l *magicLink) FS() *vfs.Super                        { return l.fs }
func (l *magicLink) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) {
	return nil, abi.ELOOP
}
func (l *magicLink) Readlink(vfs.Caller) (string, error) { return "somewhere", nil }
func (l *magicLink) Target(vfs.Caller) (vfs.Path, error) { return l.to, nil }

func TestDynamic(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("p", 0o755))
	d := newDynamic()
	must(t, vfs.MountSuper(d.fs, "p", mustResolve(t, c, "p"), 0))
	_, err := c.stat("p/1")
	want(t, "before it is there", err, abi.ENOENT)
	one := d.sub()
	one.set("fd", d.sub())
	d.set("1", one)
	p := mustResolve(t, c, "p/1/fd")
	if q := mustResolve(t, c, "p/1/fd"); q != p {
		t.Error("the same directory is another place")
	}
	must(t, c.chdir("p/1"))
	d.set("1", nil)
	_, err = c.stat("/p/1")
	want(t, "after it has gone", err, abi.ENOENT)
	_, err = vfs.Getcwd(c.fs)
	want(t, "working directory that has gone", err, abi.ENOENT)
	must(t, c.chdir("/"))
	d.set("1", d.sub())
	_, err = c.stat("p/1/fd")
	want(t, "another one of the name", err, abi.ENOENT)
	want(t, "mkdir", c.mkdir("p/new", 0o755), abi.EPERM)
	_, err = c.open("p/new", abi.O_CREAT|abi.O_RDWR, 0o644)
	want(t, "create", err, abi.EACCES)
	want(t, "rename", c.rename("p/1", "p/2", 0), abi.EPERM)

	// A directory that something is mounted on stays.
	must(t, c.mount("none", "p/1", "tmpfs", 0, ""))
	c.write(t, "p/1/f", "")
	d.set("1", d.sub())
	_, err = c.stat("p/1/f")
	want(t, "on the mount", err, nil)
	must(t, c.umount("p/1", 0))
	must(t, c.umount("p", 0))
}

// TestDynamicNotKept checks that names which come and go do not pile up, nor
// what they stood for.
func TestDynamicNotKept(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("p", 0o755))
	d := newDynamic()
	must(t, vfs.MountSuper(d.fs, "p", mustResolve(t, c, "p"), 0))
	before := vfs.DentryCount()
	const n = 2000
	var freed atomic.Int32
	for i := range n {
		name := strconv.Itoa(i)
		one := d.sub()
		one.set("fd", d.sub())
		d.set(name, one)
		if _, err := c.stat("p/" + name + "/fd"); err != nil {
			t.Fatal(err)
		}
		d.set(name, nil)
		runtime.AddCleanup(one, func(int) { freed.Add(1) }, 0)
		if i%100 == 0 {
			runtime.GC()
		}
	}
	if now := vfs.DentryCount(); now > before+300 {
		t.Errorf("%d dentries cached, %d before", now, before)
	}
	for range 5 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	if kept := n - freed.Load(); kept > 300 {
		t.Errorf("%d of %d directories are kept alive", kept, n)
	}
	must(t, c.umount("p", 0))
}

func TestMagicLinks(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("p", 0o755))
	must(t, c.mkdir("d", 0o755))
	c.write(t, "d/f", "contents")
	d := newDynamic()
	must(t, vfs.MountSuper(d.fs, "p", mustResolve(t, c, "p"), 0))
	link := func(name string, to vfs.Path) { d.set(name, &magicLink{d.fs, to}) }
	link("dir", mustResolve(t, c, "d"))
	f, err := c.open("d/f", abi.O_RDONLY, 0)
	must(t, err)
	link("file", f.Path())
	pipe, _ := vfs.NewAnonInode("pipe", abi.S_IFIFO|0o600).NewFile(vfs.Kernel, vfs.NoFile{}, abi.O_RDONLY)
	link("pipe", pipe.Path())
	must(t, c.unlink("d/f"))

	g, err := c.open("p/file", abi.O_RDONLY, 0) // though it has no name
	must(t, err)
	if s := c.readAll(t, g); s != "contents" {
		t.Errorf("%q", s)
	}
	g.Put()
	if s, err := vfs.ReadlinkAt(c, c.fs, c.fs.Cwd(), "p/file"); s != "somewhere" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	c.write(t, "p/dir/new", "")
	_, err = c.stat("d/new")
	want(t, "created by way of the link", err, nil)
	_, err = c.stat("p/dir/..")
	want(t, "..", err, nil)
	_, err = c.stat("p/file/x")
	want(t, "below a file", err, abi.ENOTDIR)
	if a, err := c.stat("p/pipe"); err != nil || a.Mode != abi.S_IFIFO|0o600 {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = c.open("p/file", abi.O_RDONLY|abi.O_NOFOLLOW, 0)
	want(t, "O_NOFOLLOW", err, abi.ELOOP)
	_, err = vfs.OpenAt2(c, c.fs, c.fs.Cwd(), "p/file", abi.O_RDONLY, 0, vfs.LookupNoMagicLinks)
	want(t, "without magic links", err, abi.ELOOP)
	f.Put()
	pipe.Put()
	_, err = c.open("p/file", abi.O_RDONLY, 0)
	want(t, "when the contents have gone", err, abi.ENOENT)
}
