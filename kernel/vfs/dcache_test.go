package vfs

import (
	"runtime"
	"testing"

	"kevlar/kernel/kmem"
)

// plainInode is an inode that only differs from others.
type plainInode struct {
	Inode
	n int
}

// Whoever makes room takes a dentry off the list before he forgets it. What comes
// in between must not put it there for ever.
func TestForgettingWhatIsReplaced(t *testing.T) {
	old := &plainInode{n: 1}
	for name, c := range map[string]struct {
		inode   Inode                        // of the dentry to be forgotten
		between func(dir, d *Dentry) *Dentry // returns a dentry that is listed then
	}{
		"a free name is taken": {nil, func(dir, d *Dentry) *Dentry { return dir.add("x", &plainInode{n: 2}) }},
		"a file moves to a free name": {nil, func(dir, d *Dentry) *Dentry {
			moved := dir.add("y", &plainInode{n: 2})
			move(moved, dir, dir, "x")
			return moved
		}},
		"another inode is found": {old, func(dir, d *Dentry) *Dentry { return dir.add("x", &plainInode{n: 2}) }},
		"it is found again":      {old, func(dir, d *Dentry) *Dentry { return dir.add("x", old) }},
	} {
		t.Run(name, func(t *testing.T) {
			super := &Super{}
			dir := newDentry(super, nil, "", nil)
			dir.sub = &children{}
			d := dir.add("x", c.inode)
			dcache.mu.Lock() // as look does
			dcache.unlink(d)
			dcache.mu.Unlock()
			listed := c.between(dir, d)
			if !d.forget() {
				t.Error("it stays on the list")
			}
			// Forgotten and listed, it goes when it is looked at again.
			if listed == d && !d.forget() {
				t.Error("it stays on the list the second time")
			}
			kmem.Machine.Uncharge(dentryCost)
			dcache.remove(listed)
		})
	}
}

// TestForgettingAgainAndAgain: a dentry that somebody holds may be forgotten and
// found again for ever, and takes no more memory for it.
func TestForgettingAgainAndAgain(t *testing.T) {
	inode := &plainInode{n: 1}
	dir := newDentry(&Super{}, nil, "", nil)
	dir.sub = &children{}
	d := dir.add("x", inode)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for range 20000 {
		if !d.forget() {
			t.Fatal("it is not forgotten")
		}
		if dir.add("x", inode) != d {
			t.Fatal("another one is found")
		}
	}
	if n := heap() - before; n > 256<<10 {
		t.Errorf("%d bytes more are in use", n)
	}
	dcache.remove(d)
	runtime.KeepAlive(d)
}
