package tmpfs

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCosts makes many files of each kind and compares what is charged with what
// the heap has grown by. Inodes are made without package vfs, whose names have
// costs of their own.
func TestCosts(t *testing.T) {
	account := kmem.OfUser(1001)
	const n = 4000
	for _, x := range []struct {
		kind string
		make func(d *dir, c vfs.Caller, name string) error
	}{
		{"file", func(d *dir, c vfs.Caller, name string) error { _, err := d.Create(c, name, 0o644); return err }},
		{"directory", func(d *dir, c vfs.Caller, name string) error { _, err := d.Mkdir(c, name, 0o755); return err }},
		{"directory with an entry", func(d *dir, c vfs.Caller, name string) error {
			sub, err := d.Mkdir(c, name, 0o755)
			if err == nil {
				err = sub.(*dir).Link(c, "link", d.find("target").node)
			}
			return err
		}},
		{"FIFO", func(d *dir, c vfs.Caller, name string) error {
			_, err := d.Mknod(c, name, abi.S_IFIFO|0o644, 0)
			return err
		}},
		{"link", func(d *dir, c vfs.Caller, name string) error { return d.Link(c, name, d.find("target").node) }},
		{"long name", func(d *dir, c vfs.Caller, name string) error {
			return d.Link(c, name+strings.Repeat("x", 240), d.find("target").node)
		}},
		{"symbolic link", func(d *dir, c vfs.Caller, name string) error { _, err := d.Symlink(c, name, "to"); return err }},
		{"longer symbolic link", func(d *dir, c vfs.Caller, name string) error {
			_, err := d.Symlink(c, name, strings.Repeat("x", shortLink))
			return err
		}},
	} {
		u := newUser(t, Options{Inodes: 1 << 20})
		u.charged(account)
		d := u.fs.Root().Inode().(*dir)
		d.Create(vfs.Kernel, "target", 0o644)
		before, charged := heap(), account.Used()
		for i := range n {
			must(t, x.make(d, u, fmt.Sprint("name", i)))
		}
		grown, cost := (heap()-before)/n, (account.Used()-charged)/n
		t.Logf("%s: %d bytes of heap, %d charged", x.kind, grown, cost)
		if grown > cost || cost > 2*grown {
			t.Errorf("%s: %d bytes of heap, %d are charged", x.kind, grown, cost)
		}
		runtime.KeepAlive(u)
		d.fs.super.Shutdown()
		if n := account.Used(); n != 0 {
			t.Fatalf("%d bytes charged without files", n)
		}
	}
}

// TestNamesGiveBack checks that a directory in which much was gives the memory of
// its names back.
func TestNamesGiveBack(t *testing.T) {
	u := newUser(t, Options{Inodes: 1 << 20})
	d := u.fs.Root().Inode().(*dir)
	before := heap()
	const n = 20000
	for i := range n {
		_, err := d.Create(u, fmt.Sprint(i), 0o644)
		must(t, err)
	}
	for i := range n {
		must(t, d.Unlink(u, fmt.Sprint(i)))
	}
	if left := heap() - before; left > 20<<10 {
		t.Errorf("%d bytes are left of %d files", left, n)
	}
	runtime.KeepAlive(u)
}

// TestRefusedCharges checks that a user without kernel memory makes nothing, and
// that nothing is counted then.
func TestRefusedCharges(t *testing.T) {
	u := newUser(t, Options{})
	account := kmem.OfUser(1002)
	u.charged(account)
	base := u.fs.Cwd()
	d := base.Inode().(*dir)
	must(t, vfs.MkdirAt(u, u.fs, base, "d", 0o755))
	u.open(t, "f", abi.O_CREAT|abi.O_RDWR).Put()
	inodes := d.fs.inodes.Load()
	account.SetLimit(account.Used())
	defer account.SetLimit(0)
	// Enough for a name, but not for the inode; then not even that.
	for _, room := range []int64{entryCost + 10, 0} {
		used := account.Used()
		account.SetLimit(used + room)
		_, err := vfs.OpenAt(u, u.fs, base, "new", abi.O_CREAT|abi.O_RDWR, 0o644)
		for what, err := range map[string]error{
			"create":  err,
			"mkdir":   vfs.MkdirAt(u, u.fs, base, "new", 0o755),
			"mknod":   vfs.MknodAt(u, u.fs, base, "new", abi.S_IFIFO|0o644, 0),
			"symlink": vfs.SymlinkAt(u, u.fs, "to", base, "new"),
			"tmpfile": func() error {
				_, err := vfs.OpenAt(u, u.fs, base, ".", abi.O_TMPFILE|abi.O_RDWR, 0o644)
				return err
			}(),
		} {
			if err != abi.ENOSPC {
				t.Errorf("%s with %d bytes: %v, want ENOSPC", what, room, err)
			}
		}
		if n := account.Used(); n != used {
			t.Errorf("%d bytes charged for what was refused", n-used)
		}
	}
	for what, err := range map[string]error{
		"link":     vfs.LinkAt(u, u.fs, base, "f", base, "new", 0),
		"rename":   vfs.RenameAt(u, u.fs, base, "f", base, "new", 0),
		"exchange": vfs.RenameAt(u, u.fs, base, "f", base, "d", abi.RENAME_EXCHANGE),
	} {
		if err != abi.ENOSPC {
			t.Errorf("%s: %v, want ENOSPC", what, err)
		}
	}
	if n := d.fs.inodes.Load(); n != inodes {
		t.Errorf("%d inodes, %d before", n, inodes)
	}
	d.audit(t)
	account.SetLimit(0)
	must(t, vfs.RenameAt(u, u.fs, base, "f", base, "new", 0))
}

// TestSparsePagesAreCharged writes pages so far apart that each has a way of its
// own through the tree.
func TestSparsePagesAreCharged(t *testing.T) {
	u := newUser(t, Options{})
	account := kmem.OfUser(1004)
	u.charged(account)
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	empty := account.Used()
	before := heap()
	offs := []int64{0, 1 << 13, 1 << 20, 1 << 30, 1 << 62, 1<<62 - 1, 5 << 40}
	for i := range int64(100) {
		offs = append(offs, (2*i+1)<<50, i<<40, i<<33)
	}
	for _, off := range offs {
		if n, err := u.writeAt(f, []byte("x"), off); n != 1 || err != nil {
			t.Fatalf("write at %#x: %d, %v", off, n, err)
		}
	}
	tree, grown := &f.Inode().(*file).pages, heap()-before
	if n := account.Used() - empty; n != tree.Heap() || grown > n+n/8 {
		t.Errorf("%d bytes charged, the tree says %d, and the heap has grown by %d", n, tree.Heap(), grown)
	}
	used, pages := account.Used(), Pages()
	account.SetLimit(used)
	if _, err := u.writeAt(f, []byte("x"), 999<<33); err != abi.ENOSPC {
		t.Errorf("write without memory for the tree: %v, want ENOSPC", err)
	}
	if _, err := f.Inode().(*file).Page((999<<33)>>pageShift, true); err != abi.ENOSPC {
		t.Errorf("fault without memory for the tree: %v, want ENOSPC", err)
	}
	if err := f.Allocate(u, 0, 1999<<33, 1); err != abi.ENOSPC {
		t.Errorf("fallocate without memory for the tree: %v, want ENOSPC", err)
	}
	account.SetLimit(0)
	if account.Used() != used || Pages() != pages {
		t.Errorf("%d bytes and %d pages for what was refused", account.Used()-used, Pages()-pages)
	}
	must(t, f.Truncate(u, 1<<32))
	if n := account.Used() - empty; n != tree.Heap() {
		t.Errorf("after truncation %d bytes charged, the tree says %d", n, tree.Heap())
	}
	must(t, f.Truncate(u, 0))
	if n := account.Used(); n != empty {
		t.Errorf("%d bytes charged for an empty file", n-empty)
	}
}

// TestMemoryOfOpenFiles checks what those who have a file open are told to hold.
func TestMemoryOfOpenFiles(t *testing.T) {
	u := newUser(t, Options{})
	f := u.open(t, "f", abi.O_CREAT|abi.O_RDWR)
	defer f.Put()
	u.write(f, make([]byte, 10*pageSize))
	memory := func(f *vfs.File) int64 { return f.Ops().(vfs.MemoryUser).KernelMemory() }
	if n := memory(f); n != 0 {
		t.Errorf("%d bytes with a name", n)
	}
	u.unlink(t, "f")
	all := memory(f)
	if all < 10*pageSize || all > 11*pageSize {
		t.Errorf("%d bytes, want 10 pages and a little", all)
	}
	g, err := vfs.OpenPath(u, f.Path(), abi.O_RDONLY)
	must(t, err)
	if n := memory(f) + memory(g); n < all-1 || n > all {
		t.Errorf("%d bytes for both, want %d", n, all)
	}
	g.Put()
}
