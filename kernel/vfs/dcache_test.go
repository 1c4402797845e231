package vfs

import (
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
