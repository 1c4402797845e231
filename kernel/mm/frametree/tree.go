// Package frametree keeps the pages of memory objects: sparse arrays of page
// frames, such as a file's contents or memory that processes share.
package frametree

import "kevlar/kernel/machine/frame"

// A Tree is a sparse map from page numbers to frames, on each of which it holds
// a reference. The first pages stand in the tree itself, so that a small file
// needs nothing else; the others in leaves of 64 below as many levels of 64-way
// branches as the largest number asks for. The zero value is empty. The owner
// has the lock, and charges what the tree takes of the heap.
type Tree struct {
	direct [directPages]frame.Frame
	root   branch
	height int // levels of branches above the leaves; 0 if root.leaf is all
	n      int64
	heap   int64 // bytes of the heap that nodes and leaves take
}

const (
	directPages = 2
	treeBits    = 6
	treeWidth   = 1 << treeBits
	leafSize    = treeWidth * 8
	nodeSize    = treeWidth * 16
)

// A branch is a subtree: a node, or a leaf on the lowest level, or nothing.
type branch struct {
	node *[treeWidth]branch
	leaf *[treeWidth]frame.Frame
}

// Len returns the number of frames.
func (t *Tree) Len() int64 { return t.n }

// Heap returns how many bytes of the heap the tree takes, itself not included.
func (t *Tree) Heap() int64 { return t.heap }

// span returns how many pages a branch with the given number of levels has.
// Trees are at most nine levels high, for file offsets are 63 bits.
func span(height int) uint64 { return 1 << (treeBits * (height + 1)) }

// Get returns the frame of page i, without a reference, or 0.
func (t *Tree) Get(i uint64) frame.Frame {
	if i < directPages {
		return t.direct[i]
	}
	if leaf := t.leaf(i); leaf != nil {
		return leaf[i%treeWidth]
	}
	return 0
}

// leaf returns the leaf that page i, not among the first, belongs to, or nil.
func (t *Tree) leaf(i uint64) *[treeWidth]frame.Frame {
	if i >= span(t.height) {
		return nil
	}
	b := t.root
	for h := t.height; h > 0; h-- {
		if b.node == nil {
			return nil
		}
		b = b.node[i>>(treeBits*h)%treeWidth]
	}
	return b.leaf
}

// Run sets out to the frames of the pages from i on, like Get.
func (t *Tree) Run(i uint64, out []frame.Frame) {
	for len(out) > 0 && i < directPages {
		out[0] = t.direct[i]
		out, i = out[1:], i+1
	}
	for len(out) > 0 {
		n := min(len(out), int(treeWidth-i%treeWidth))
		if leaf := t.leaf(i); leaf != nil {
			copy(out[:n], leaf[i%treeWidth:])
		} else {
			clear(out[:n])
		}
		out, i = out[n:], i+uint64(n)
	}
}

// Need returns how many bytes of the heap Set takes for page i.
func (t *Tree) Need(i uint64) int64 {
	if i < directPages {
		return 0
	}
	h, bytes := t.height, int64(0)
	for ; i >= span(h); h++ {
		bytes += nodeSize
	}
	if h > t.height { // the way to i leaves that of all pages at the new root
		if t.root == (branch{}) {
			return int64(h)*nodeSize + leafSize
		}
		return bytes + int64(h-1)*nodeSize + leafSize
	}
	b := t.root
	for ; h > 0 && b.node != nil; h-- {
		b = b.node[i>>(treeBits*h)%treeWidth]
	}
	if b.leaf != nil {
		return 0
	}
	return int64(h)*nodeSize + leafSize
}

// Set puts f, whose reference it takes over, at page i, where there is none.
func (t *Tree) Set(i uint64, f frame.Frame) {
	t.n++
	if i < directPages {
		t.direct[i] = f
		return
	}
	for i >= span(t.height) {
		if t.root != (branch{}) {
			t.root = branch{node: &[treeWidth]branch{t.root}}
			t.heap += nodeSize
		}
		t.height++
	}
	b := &t.root
	for h := t.height; h > 0; h-- {
		if b.node == nil {
			b.node = new([treeWidth]branch)
			t.heap += nodeSize
		}
		b = &b.node[i>>(treeBits*h)%treeWidth]
	}
	if b.leaf == nil {
		b.leaf = new([treeWidth]frame.Frame)
		t.heap += leafSize
	}
	b.leaf[i%treeWidth] = f
}

// Remove gives up the frames of pages first to last-1 and returns how many
// there were.
func (t *Tree) Remove(first, last uint64) int64 {
	before := t.n
	for i := first; i < min(last, directPages); i++ {
		if f := t.direct[i]; f != 0 {
			t.direct[i] = 0
			t.n--
			f.Put()
		}
	}
	last = min(last, span(t.height))
	if first < last {
		t.prune(&t.root, t.height, 0, first, last)
	}
	if t.root == (branch{}) {
		t.height = 0
	}
	return before - t.n
}

// prune is Remove for the branch whose first page is base, and reports whether
// the branch is empty now.
func (t *Tree) prune(b *branch, height int, base, first, last uint64) bool {
	empty := true
	switch {
	case b.leaf != nil:
		for i := range b.leaf {
			f := b.leaf[i]
			if n := base + uint64(i); f != 0 && n >= first && n < last {
				b.leaf[i] = 0
				t.n--
				f.Put()
			} else if f != 0 {
				empty = false
			}
		}
	case b.node != nil:
		width := span(height - 1)
		for i := range b.node {
			start := base + uint64(i)*width
			kid := &b.node[i]
			if start < last && start+width > first {
				if !t.prune(kid, height-1, start, first, last) {
					empty = false
				}
			} else if *kid != (branch{}) {
				empty = false
			}
		}
	}
	if empty {
		switch {
		case b.leaf != nil:
			t.heap -= leafSize
		case b.node != nil:
			t.heap -= nodeSize
		}
		*b = branch{}
	}
	return empty
}

// Next returns the first page from i to last-1 that there is or, if hole is
// set, that there is not; last if none.
func (t *Tree) Next(i, last uint64, hole bool) uint64 {
	for i < last {
		if (t.Get(i) == 0) == hole {
			return i
		}
		i++
		if !hole { // leave out what is missing as a whole
			i = t.skip(i, last)
		}
	}
	return last
}

// skip returns the first page from i on that is not in a missing branch; at
// most last.
func (t *Tree) skip(i, last uint64) uint64 {
	for i >= directPages && i < last {
		if i >= span(t.height) {
			return last
		}
		b, h := t.root, t.height
		for ; h > 0 && b.node != nil; h-- {
			b = b.node[i>>(treeBits*h)%treeWidth]
		}
		if b != (branch{}) {
			return i
		}
		i = (i/span(h) + 1) * span(h)
	}
	return min(i, last)
}
