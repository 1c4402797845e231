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
