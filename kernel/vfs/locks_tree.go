package vfs

import "math/rand/v2"

// A lockTree holds record locks in the order of their first bytes and finds
// those that have bytes in a range. It is a treap, a binary search tree that
// random priorities keep balanced, in which every node knows the last byte
// locked by any node below it and how many there are. The zero value is empty.
type lockTree struct{ root *lockNode }

// A lockNode is a lock's place in one tree.
type lockNode struct {
	lock        *recordLock
	left, right *lockNode
	priority    uint32 // not lower than those of left and right
	count       uint32 // of the locks here and below
	last        int64  // the greatest end of the locks here and below
}

// before reports whether a comes before b. Locks of several owners may begin
// at the same byte.
func (a *recordLock) before(b *recordLock) bool {
	return a.start < b.start || a.start == b.start && a.id < b.id
}

// update computes what n knows of the nodes below.
func (n *lockNode) update() *lockNode {
	n.last, n.count = n.lock.end, 1
	if n.left != nil {
		n.last = max(n.last, n.left.last)
		n.count += n.left.count
	}
	if n.right != nil {
		n.last = max(n.last, n.right.last)
		n.count += n.right.count
	}
	return n
}

// len returns how many locks there are.
func (t *lockTree) len() int {
	if t.root == nil {
		return 0
	}
	return int(t.root.count)
}

// at returns the lock that i others come before. There is one.
func (t *lockTree) at(i int) *recordLock {
	for n := t.root; ; {
		before := 0
		if n.left != nil {
			before = int(n.left.count)
		}
		switch {
		case i < before:
			n = n.left
		case i == before:
			return n.lock
		default:
			i -= before + 1
			n = n.right
		}
	}
}

// insert adds n, whose lock is set.
func (t *lockTree) insert(n *lockNode) {
	n.priority, n.left, n.right = rand.Uint32(), nil, nil
	t.root = t.root.insert(n.update())
}

func (n *lockNode) insert(x *lockNode) *lockNode {
	switch {
	case n == nil:
		return x
	case x.priority > n.priority:
		x.left, x.right = n.split(x.lock)
		return x.update()
	case x.lock.before(n.lock):
		n.left = n.left.insert(x)
	default:
		n.right = n.right.insert(x)
	}
	return n.update()
}

// split divides the nodes from n down into those before k and the others.
func (n *lockNode) split(k *recordLock) (before, behind *lockNode) {
	if n == nil {
		return nil, nil
	}
	if n.lock.before(k) {
		n.right, behind = n.right.split(k)
		return n.update(), behind
	}
	before, n.left = n.left.split(k)
	return before, n.update()
}

// remove takes out x, which is there.
func (t *lockTree) remove(x *lockNode) { t.root = t.root.remove(x) }

func (n *lockNode) remove(x *lockNode) *lockNode {
	switch {
	case n == x:
		return join(n.left, n.right)
	case x.lock.before(n.lock):
		n.left = n.left.remove(x)
	default:
		n.right = n.right.remove(x)
	}
	return n.update()
}

// join is the nodes of a followed by those of b.
func join(a, b *lockNode) *lockNode {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		a.right = join(a.right, b)
		return a.update()
	}
	b.left = join(a, b.left)
	return b.update()
}

// first returns the first lock with bytes from start to end that accept takes,
// or nil.
func (t *lockTree) first(start, end int64, accept func(*recordLock) bool) *recordLock {
	return t.root.first(start, end, accept)
}

func (n *lockNode) first(start, end int64, accept func(*recordLock) bool) *recordLock {
	for n != nil && n.last >= start {
		if l := n.left.first(start, end, accept); l != nil {
			return l
		}
		if n.lock.start > end {
			return nil
		}
		if n.lock.end >= start && accept(n.lock) {
			return n.lock
		}
		n = n.right
	}
	return nil
}
