package mm

import "slices"

// fanOut is how much a node of a vmaSet holds at most. Most programs have no
// more VMAs than that: their sets are a sorted array.
const fanOut = 32

// A vmaNode is a node of the B+ tree that a vmaSet is: a leaf with VMAs, or an
// inner node with subtrees of equal height. None but the root is empty, and no
// two neighbours below one node are so empty that half of a node holds what
// both have.
type vmaNode struct {
	kids []vmaKid // nil in a leaf

	vmas       []vma
	next, prev *vmaNode // leaf, in the order of addresses
}

// A vmaKid is a subtree, with what a search must know to pass it over.
type vmaKid struct {
	node       *vmaNode
	start, end uintptr // of all its VMAs; the first one's guard gap is included
	gap        uintptr // the largest hole between two of its VMAs
}

// hole returns how many bytes there are from floor to ceiling.
func hole(floor, ceiling uintptr) uintptr {
	if ceiling < floor {
		return 0
	}
	return ceiling - floor
}

// size returns how much n holds, of fanOut.
func (n *vmaNode) size() int { return len(n.vmas) + len(n.kids) }

// leafFor returns the leaf below n with the first VMA that ends behind addr, or
// the last leaf.
func (n *vmaNode) leafFor(addr uintptr) *vmaNode {
	for n.kids != nil {
		n = n.kids[n.kidFor(addr)].node
	}
	return n
}

// vmaFor returns the index of the first of vmas that ends behind addr.
func vmaFor(vmas []vma, addr uintptr) int {
	lo, hi := 0, len(vmas)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if vmas[mid].end <= addr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// kidFor returns the index of the first kid that ends behind addr, or of the
// last one.
func (n *vmaNode) kidFor(addr uintptr) int {
	lo, hi := 0, len(n.kids)-1
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if n.kids[mid].end <= addr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// asKid returns n, which is not empty, as a kid.
func (n *vmaNode) asKid() vmaKid {
	k := vmaKid{node: n}
	for i := range n.vmas {
		v := &n.vmas[i]
		k.extend(v.guardedStart(), v.end, 0)
	}
	for i := range n.kids {
		kid := &n.kids[i]
		k.extend(kid.start, kid.end, kid.gap)
	}
	return k
}

// extend counts what comes next in k.
func (k *vmaKid) extend(start, end, gap uintptr) {
	if k.end == 0 {
		k.start = start
	} else {
		gap = max(gap, hole(k.end, start))
	}
	k.end = end
	k.gap = max(k.gap, gap)
}

// refresh brings up to date what the nodes above the VMA at addr know of it.
func (n *vmaNode) refresh(addr uintptr) {
	if n.kids == nil {
		return
	}
	kid := &n.kids[n.kidFor(addr)]
	kid.node.refresh(addr)
	*kid = kid.node.asKid()
}

// insert adds v below n. If that makes n too large, it gives the upper part to
// a new node, which it returns.
func (n *vmaNode) insert(v *vma) (right *vmaNode) {
	if n.kids == nil {
		return n.insertVMA(vmaFor(n.vmas, v.start), v)
	}
	i := n.kidFor(v.start)
	kid := n.kids[i].node
	added := kid.insert(v)
	n.kids[i] = kid.asKid()
	if added == nil {
		return nil
	}
	return n.insertKid(i+1, added.asKid())
}

// splitPoint returns where to split a full node in which something is to be
// inserted at i. What grows at its end leaves full nodes behind.
func splitPoint(i int) int {
	if i == fanOut {
		return fanOut
	}
	return fanOut / 2
}

func (n *vmaNode) insertVMA(i int, v *vma) (right *vmaNode) {
	if v.start >= v.end || i > 0 && n.vmas[i-1].end > v.start || i < len(n.vmas) && n.vmas[i].start < v.end {
		panic("mm: empty or overlapping VMA")
	}
	if len(n.vmas) < fanOut {
		n.vmas = slices.Insert(n.vmas, i, *v)
		return nil
	}
	half := splitPoint(i)
	right = &vmaNode{vmas: append(make([]vma, 0, fanOut), n.vmas[half:]...), next: n.next, prev: n}
	n.vmas = slices.Delete(n.vmas, half, fanOut)
	if n.next != nil {
		n.next.prev = right
	}
	n.next = right
	if i > half || half == fanOut {
		right.insertVMA(i-half, v)
	} else {
		n.insertVMA(i, v)
	}
	return right
}

func (n *vmaNode) insertKid(i int, kid vmaKid) (right *vmaNode) {
	if len(n.kids) < fanOut {
		n.kids = slices.Insert(n.kids, i, kid)
		return nil
	}
	half := splitPoint(i)
	right = &vmaNode{kids: append(make([]vmaKid, 0, fanOut), n.kids[half:]...)}
	n.kids = slices.Delete(n.kids, half, fanOut)
	if i > half || half == fanOut {
		right.insertKid(i-half, kid)
	} else {
		n.insertKid(i, kid)
	}
	return right
}

// remove takes out the VMAs below n that are in [start, end), and returns how
// many there were.
func (n *vmaNode) remove(start, end uintptr) int {
	if n.kids == nil {
		first := vmaFor(n.vmas, start)
		last := first
		for last < len(n.vmas) && n.vmas[last].start < end {
			last++
		}
		n.vmas = slices.Delete(n.vmas, first, last)
		return last - first
	}
	removed := 0
	first := n.kidFor(start)
	last := first
	for ; last < len(n.kids) && n.kids[last].start < end; last++ {
		kid := n.kids[last].node
		removed += kid.remove(start, end)
		n.kids[last] = kid.asKid()
	}
	n.tidy(first, last)
	return removed
}

// tidy drops the empty ones of the kids [first, last), and joins them with
// each other and their neighbours where little is left.
func (n *vmaNode) tidy(first, last int) {
	first, last = max(first-1, 0), min(last+1, len(n.kids))
	to := first
	for from := first + 1; from < last; from++ {
		low, high := n.kids[to].node, n.kids[from].node
		if a, b := low.size(), high.size(); a == 0 || b == 0 || a+b <= fanOut/2 {
			low.absorb(high)
			n.kids[to] = low.asKid()
			continue
		}
		to++
		n.kids[to] = n.kids[from]
	}
	n.kids = slices.Delete(n.kids, to+1, last)
	if only := n.kids[0].node; len(n.kids) == 1 && only.size() == 0 {
		only.unlink()
		n.kids = n.kids[:0]
	}
}

// absorb moves what high has, the node that follows n, to n.
func (n *vmaNode) absorb(high *vmaNode) {
	n.kids = append(n.kids, high.kids...)
	n.vmas = append(n.vmas, high.vmas...)
	high.unlink()
}

// unlink takes a leaf out of the order of leaves.
func (n *vmaNode) unlink() {
	if n.prev != nil {
		n.prev.next = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
}
