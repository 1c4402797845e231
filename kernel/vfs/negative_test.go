package vfs_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// A farDir is a directory of a file system for which looking for a name is slow,
// in front of one of a tmpfs.
type farDir struct {
	vfs.Dir
	fs      *vfs.Super
	lookups atomic.Int32
	look    func(name string) // called by Lookup
	change  func()            // called by Unlink, Rmdir and Rename
}

func newFar(t *testing.T) *farDir {
	t.Helper()
	s, err := tmpfs.New(tmpfs.Options{})
	must(t, err)
	d := &farDir{Dir: s.Root.(vfs.Dir)}
	d.fs = &vfs.Super{Dev: s.Dev, FSType: "far", Root: d, Medium: vfs.Memory, Negative: true}
	return d
}

func (d *farDir) FS() *vfs.Super { return d.fs }

func (d *farDir) Lookup(c vfs.Caller, name string) (vfs.Inode, error) {
	d.lookups.Add(1)
	if d.look != nil {
		d.look(name)
	}
	return d.Dir.Lookup(c, name)
}

func (d *farDir) changing() {
	if d.change != nil {
		d.change()
	}
}

func (d *farDir) Unlink(c vfs.Caller, name string) error {
	d.changing()
	return d.Dir.Unlink(c, name)
}

func (d *farDir) Rmdir(c vfs.Caller, name string) error {
	d.changing()
	return d.Dir.Rmdir(c, name)
}

func (d *farDir) Rename(c vfs.Caller, oldName string, newDir vfs.Dir, newName string, flags uint32) error {
	d.changing()
	return d.Dir.Rename(c, oldName, newDir.(*farDir).Dir, newName, flags)
}

// TestNegative checks that a name which is not there is looked for once, until it
// comes to be.
func TestNegative(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	d := newFar(t)
	must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
	missing := func(name string) {
		t.Helper()
		for range 3 {
			_, err := c.stat(name)
			want(t, name, err, abi.ENOENT)
		}
	}
	present := func(name string) {
		t.Helper()
		_, err := c.stat(name)
		want(t, name, err, nil)
	}
	free := vfs.FreeNames()
	missing("far/a")
	missing("far/b")
	missing("far/c")
	missing("far/d")
	if n := vfs.FreeNames() - free; n != 4 {
		t.Errorf("%d more names are known to be free, want 4", n)
	}
	if n := d.lookups.Load(); n != 4 {
		t.Errorf("looked %d times for four names", n)
	}
	want(t, "unlink", c.unlink("far/a"), abi.ENOENT)
	want(t, "rename", c.rename("far/a", "far/b", 0), abi.ENOENT)
	must(t, c.mkdir("far/a", 0o755))
	if n := vfs.FreeNames() - free; n != 3 {
		t.Errorf("%d more names are known to be free, want 3", n)
	}
	present("far/a")
	c.write(t, "far/b", "")
	present("far/b")
	must(t, c.rename("far/b", "far/c", 0))
	present("far/c")
	missing("far/b")
	must(t, c.link("far/c", "far/d"))
	present("far/d")
	must(t, c.unlink("far/c"))
	missing("far/c")
	must(t, c.symlink("d", "far/c"))
	present("far/c")
	must(t, c.rmdir("far/a"))
	missing("far/a")
	must(t, c.umount("far", 0))
}

// TestNegativeBounded checks that asking for ever new names costs no memory.
func TestNegativeBounded(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	d := newFar(t)
	must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
	vfs.SetDentryLimit(100)
	defer vfs.SetDentryLimit(8192)
	for i := range 5000 {
		_, err := c.stat(fmt.Sprint("far/", i))
		want(t, "stat", err, abi.ENOENT)
	}
	if n := vfs.DentryCount(); n > 200 {
		t.Errorf("%d dentries cached", n)
	}
}

// TestParallelLookups checks that a slow lookup in a directory is not in the way
// of others there.
func TestParallelLookups(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("far", 0o755))
	d := newFar(t)
	must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
	c.write(t, "far/known", "")
	var inside sync.WaitGroup // until two lookups are under way
	inside.Add(2)
	d.look = func(name string) {
		inside.Done()
		inside.Wait()
	}
	done := make(chan error)
	for _, name := range []string{"far/a", "far/b"} {
		x := c.fork()
		go func() {
			_, err := x.stat(name)
			done <- err
		}()
	}
	_, err := c.stat("far/known")
	want(t, "a known name meanwhile", err, nil)
	for range 2 {
		select {
		case err := <-done:
			want(t, "a slow lookup", err, abi.ENOENT)
		case <-time.After(20 * time.Second):
			t.Fatal("one lookup waits for the other")
		}
	}
}
