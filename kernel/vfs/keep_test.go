package vfs_test

import (
	"fmt"
	"math/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// ending tells how often the file system of d has ended.
func (d *farDir) ending() *atomic.Int32 {
	n := new(atomic.Int32)
	d.fs.Shutdown = func() { n.Add(1) }
	return n
}

// TestEndOfFileSystem checks that a file system ends once, when the last of all
// that uses it has gone, and no earlier.
func TestEndOfFileSystem(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	for what, use := range map[string]func() (leave func()){
		"nothing": func() func() { return func() {} },
		"a file": func() func() {
			f, err := c.open("far/f", abi.O_CREAT|abi.O_RDWR, 0o644)
			must(t, err)
			return f.Put
		},
		"a file that is only a place": func() func() {
			f, err := c.open("far", abi.O_PATH, 0)
			must(t, err)
			return f.Put
		},
		"a working directory": func() func() {
			x := c.fork()
			must(t, x.chdir("far"))
			return x.fs.Put
		},
		"a copy of a root directory": func() func() {
			x := c.jail(t, "far", "/")
			y := x.fork()
			x.fs.Put()
			return y.fs.Put
		},
		"a path": func() func() {
			p, err := vfs.Resolve(c, c.fs, c.fs.Cwd(), "far/.", 0)
			must(t, err)
			return p.Put
		},
		"another mount": func() func() {
			must(t, c.mkdir("again", 0o755))
			must(t, c.mount("far", "again", "", abi.MS_BIND, ""))
			return func() { must(t, c.umount("again", 0)) }
		},
	} {
		d := newFar(t)
		ended := d.ending()
		must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
		leave := use()
		base := mustResolve(t, c, "far")
		must(t, c.umount("far", abi.MNT_DETACH))
		if n := ended.Load(); n != 0 && what != "nothing" {
			t.Errorf("%s: the file system has ended %d times", what, n)
		}
		leave()
		if n := ended.Load(); n != 1 {
			t.Errorf("after %s: the file system has ended %d times", what, n)
		}
		_, err := vfs.Resolve(c, c.fs, base, ".", 0)
		want(t, "a path that nothing keeps", err, abi.ENOENT)
		_, err = vfs.Resolve(c, c.fs, base, "", vfs.LookupEmpty)
		want(t, "the place itself", err, abi.ENOENT)
		_, err = vfs.OpenPath(c, base, abi.O_RDONLY)
		want(t, "open it", err, abi.ENOENT)
	}
}

// TestEndDuringWalk takes a file system away while a walk is in it.
func TestEndDuringWalk(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	d := newFar(t)
	ended := d.ending()
	must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
	d.look = func(string) {
		d.look = nil
		must(t, c.umount("far", abi.MNT_DETACH))
		if ended.Load() != 0 {
			t.Error("the file system ends with a walk in it")
		}
	}
	f, err := c.open("far/f", abi.O_CREAT|abi.O_RDWR, 0o644)
	must(t, err)
	if ended.Load() != 0 {
		t.Error("the file system ends with an open file")
	}
	f.Put()
	if ended.Load() != 1 {
		t.Error("the file system does not end")
	}
}

// TestReferencesBalance has threads do everything to a file system, successfully
// or not, that is mounted and taken away all the time: each one ends once.
func TestReferencesBalance(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("m", 0o755))
	must(t, c.mkdir("x", 0o755))
	var begun, ended atomic.Int32
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		x, r := c.fork(), rand.New(rand.NewSource(int64(i)))
		wg.Go(func() {
			names := []string{"m/f", "m/d", "m/l", "m/d/..", "m/f/f", "x/f", "m/../m/d", "m/.", "m/none/f", ""}
			name := func() string { return names[r.Intn(len(names))] }
			for {
				select {
				case <-stop:
					x.fs.Put()
					return
				default:
				}
				switch r.Intn(12) {
				case 0:
					if f, err := x.open(name(), abi.O_CREAT|abi.O_RDWR*r.Intn(2)|abi.O_EXCL*r.Intn(2)|abi.O_TRUNC*r.Intn(2), 0o644); err == nil {
						f.Put()
					}
				case 1:
					if f, err := x.open(name(), abi.O_PATH*r.Intn(2)|abi.O_DIRECTORY*r.Intn(2), 0); err == nil {
						f.Put()
					}
				case 2:
					if f, err := x.open("m", abi.O_TMPFILE|abi.O_RDWR, 0o600); err == nil {
						f.Put()
					}
				case 3:
					x.mkdir(name(), 0o755)
				case 4:
					x.rmdir(name())
				case 5:
					x.unlink(name())
				case 6:
					x.link(name(), name())
				case 7:
					x.rename(name(), name(), abi.RENAME_EXCHANGE*r.Intn(2))
				case 8:
					x.symlink("d/f", name())
				case 9:
					x.stat(name())
				case 10:
					if x.chdir(name()) == nil {
						x.stat("..")
						x.chdir("/")
					}
				case 11:
					if x, err := vfs.OpenExec(x, x.fs, x.fs.Cwd(), name(), 0); err == nil {
						x.Put()
					}
					vfs.ReadlinkAt(x, x.fs, x.fs.Cwd(), name())
				}
			}
		})
	}
	for range 100 {
		s, err := tmpfs.New(tmpfs.Options{})
		must(t, err)
		begun.Add(1)
		end := s.Shutdown
		s.Shutdown = func() { ended.Add(1); end() }
		must(t, vfs.MountSuper(s, "none", mustResolve(t, c, "m"), 0))
		runtime.Gosched()
		time.Sleep(time.Millisecond)
		must(t, c.umount("m", abi.MNT_DETACH))
	}
	close(stop)
	wg.Wait()
	if b, e := begun.Load(), ended.Load(); b != e {
		t.Errorf("%d file systems began, %d ended", b, e)
	}
}

// TestMountCharges checks that mounts are charged to who makes them.
func TestMountCharges(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	account := kmem.OfUser(1003)
	cred := *vfs.RootCred
	cred.Account = account
	c.cred = &cred
	must(t, c.mkdir("d", 0o755))
	must(t, c.mkdir("e", 0o755))
	before := account.Used()
	must(t, c.mount("none", "d", "tmpfs", 0, ""))
	one := account.Used() - before
	if one < 1000 {
		t.Errorf("a file system costs %d bytes", one)
	}
	must(t, c.mkdir("d/sub", 0o755))
	must(t, c.mount("d/sub", "d/sub", "", abi.MS_BIND, ""))
	used := account.Used()
	account.SetLimit(used + 700)
	want(t, "a mount too many", c.mount("none", "e", "tmpfs", 0, ""), abi.ENOSPC)
	want(t, "a tree too many", c.mount("d", "e", "", abi.MS_BIND|abi.MS_REC, ""), abi.ENOSPC)
	if n := account.Used(); n != used {
		t.Errorf("%d bytes charged for what was refused", n-used)
	}
	must(t, c.mount("d", "e", "", abi.MS_BIND, ""))
	account.SetLimit(0)
	must(t, c.umount("e", 0))
	must(t, c.umount("d", abi.MNT_DETACH))
	if n := account.Used(); n != before {
		t.Errorf("%d bytes charged for no mounts", n-before)
	}
}

// TestDentriesShrink checks that cached names make room when memory is short, and
// that names are found all the same.
func TestDentriesShrink(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for i := range 1000 {
		must(t, c.mkdir(fmt.Sprint(i), 0o755))
	}
	cached := vfs.DentryCount()
	kmem.Machine.SetLimit(kmem.Machine.Used())
	defer kmem.Machine.SetLimit(0)
	for i := range 300 {
		must(t, c.mkdir(fmt.Sprint("0/", i), 0o755))
	}
	if n := vfs.DentryCount(); n > cached {
		t.Errorf("%d dentries cached, %d before", n, cached)
	}
	kmem.Machine.SetLimit(1) // nothing can be charged at all
	vfs.SetDentryLimit(0)
	vfs.SetDentryLimit(8192)
	cached = vfs.DentryCount() // those that cannot be forgotten
	for i := range 300 {
		_, err := c.stat(fmt.Sprint("0/", i))
		want(t, "a name", err, nil)
	}
	want(t, "one more", c.mkdir("0/more", 0o755), abi.ENOSPC)
	if n := vfs.DentryCount(); n > cached {
		t.Errorf("%d dentries are cached without memory", n)
	}
}

// TestPanicLeavesNothing has a file system panic in the middle of a walk: what the
// walk kept is given up on the way out.
func TestPanicLeavesNothing(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	d := newFar(t)
	ended := d.ending()
	must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
	for what, do := range map[string]func(){
		"resolve": func() { vfs.Resolve(c, c.fs, c.fs.Cwd(), "far/a", 0) },
		"open":    func() { c.open("far/b", abi.O_CREAT|abi.O_RDWR, 0o644) },
		"exec":    func() { vfs.OpenExec(c, c.fs, c.fs.Cwd(), "far/c", 0) },
		"mkdir":   func() { c.mkdir("far/d", 0o755) },
		"unlink":  func() { c.unlink("far/e") },
		"rename":  func() { c.rename("far/f", "far/g", 0) },
		"link":    func() { c.link("far/h", "far/i") },
	} {
		d.look = func(string) { panic(what) }
		func() {
			defer func() {
				if recover() != what {
					t.Errorf("%s does not panic", what)
				}
			}()
			do()
		}()
	}
	d.look = nil
	must(t, c.mkdir("far/d", 0o755)) // no lock is held
	must(t, c.umount("far", 0))
	if n := ended.Load(); n != 1 {
		t.Errorf("the file system has ended %d times", n)
	}
}

// A brittle is a file that cannot be changed without a panic.
type brittle struct {
	vfs.Inode
	vfs.Stateful
}

func (brittle) SetAttr(vfs.Caller, vfs.SetAttr) error { panic("changed") }

// TestPanicInTruncation has the truncation of open(2) panic: nobody has the file
// then, and so it is closed.
func TestPanicInTruncation(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	c.write(t, "f", "x")
	file := mustResolve(t, c, "f").Inode()
	d := newDynamic()
	d.set("f", brittle{file, file.(vfs.Stateful)})
	must(t, c.mkdir("d", 0o755))
	must(t, vfs.MountSuper(d.fs, "d", mustResolve(t, c, "d"), 0))
	before, _ := vfs.OpenFiles()
	for _, mode := range []int{abi.O_RDONLY, abi.O_RDWR} {
		func() {
			defer func() {
				if recover() != "changed" {
					t.Error("no panic")
				}
			}()
			c.open("d/f", mode|abi.O_TRUNC, 0)
		}()
	}
	if n, _ := vfs.OpenFiles(); n != before {
		t.Errorf("%d files are open, %d before", n, before)
	}
	must(t, c.umount("d", 0))
}
