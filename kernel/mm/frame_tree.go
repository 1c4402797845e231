package mm

import (
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
)

// A frameTree is a sparse array of page frames, kept in page frames of its
// own: a radix tree of fixed height. The zero value is empty.
type frameTree struct{ root frame.Frame }

const (
	treeHeight = 3
	treeBits   = 9
	treeSlots  = 1 << treeBits

	// maxTreePages is how many pages a frameTree can index: 512 GiB.
	maxTreePages = 1 << (treeHeight * treeBits)
)

// treeSlot returns the slot of idx in a node of the given level; leaves have
// level 0.
func treeSlot(idx uint64, level int) uint64 {
	return idx >> (level * treeBits) % treeSlots
}

// get returns the frame at idx, or 0. It takes no reference.
func (t *frameTree) get(idx uint64) frame.Frame {
	f := t.root
	for level := treeHeight - 1; level >= 0 && f != 0; level-- {
		f = frame.Frame(direct.Table(uint64(f))[treeSlot(idx, level)])
	}
	return f
}

// set puts f at idx, where there must be none, and takes over the caller's
// reference unless it fails with ENOMEM.
func (t *frameTree) set(idx uint64, f frame.Frame) error {
	if t.root == 0 {
		root, err := frame.AllocZero()
		if err != nil {
			return err
		}
		t.root = root
	}
	node := t.root
	for level := treeHeight - 1; level > 0; level-- {
		p := &direct.Table(uint64(node))[treeSlot(idx, level)]
		if *p == 0 {
			n, err := frame.AllocZero()
			if err != nil {
				return err
			}
			*p = uint64(n)
		}
		node = frame.Frame(*p)
	}
	direct.Table(uint64(node))[treeSlot(idx, 0)] = uint64(f)
	return nil
}

// drop gives up the frames in [first, last) and the nodes that become empty.
// It returns the number of frames.
func (t *frameTree) drop(first, last uint64) int {
	if t.root == 0 || first >= last {
		return 0
	}
	n, empty := dropNode(t.root, treeHeight-1, 0, first, last)
	if empty {
		t.root.Put()
		t.root = 0
	}
	return n
}

// dropNode is drop for the node of the given level whose first index is base.
func dropNode(node frame.Frame, level int, base, first, last uint64) (n int, empty bool) {
	table := direct.Table(uint64(node))
	span := uint64(1) << (level * treeBits)
	empty = true
	for i := range table {
		start := base + uint64(i)*span
		child := frame.Frame(table[i])
		if child == 0 {
			continue
		}
		gone := false
		if start < last && start+span > first {
			gone = level == 0
			k := 1
			if level > 0 {
				k, gone = dropNode(child, level-1, start, first, last)
			}
			n += k
		}
		if gone {
			table[i] = 0
			child.Put()
		} else {
			empty = false
		}
	}
	return n, empty
}
