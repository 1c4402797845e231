package mm

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"kevlar/kernel/abi"
)

// check fails t unless s is as its rules want it, and returns its VMAs.
func (s *vmaSet) check(t *testing.T) (all []vma) {
	t.Helper()
	var leaves []*vmaNode
	var walk func(n *vmaNode, height int)
	heights := map[int]bool{}
	walk = func(n *vmaNode, height int) {
		if n != &s.root && n.size() == 0 || n.size() > fanOut || n.kids != nil && n.vmas != nil {
			t.Fatalf("a node with %d VMAs and %d kids", len(n.vmas), len(n.kids))
		}
		if n.kids == nil {
			heights[height] = true
			leaves = append(leaves, n)
			all = append(all, n.vmas...)
		}
		for i := range n.kids {
			kid := n.kids[i]
			if kid != kid.node.asKid() {
				t.Fatalf("kid %+v should be %+v", kid, kid.node.asKid())
			}
			walk(kid.node, height+1)
		}
	}
	walk(&s.root, 0)
	if len(heights) != 1 {
		t.Fatalf("leaves at %d heights", len(heights))
	}
	for i, leaf := range leaves {
		var prev, next *vmaNode
		if i > 0 {
			prev = leaves[i-1]
		}
		if i < len(leaves)-1 {
			next = leaves[i+1]
		}
		if leaf.prev != prev || leaf.next != next {
			t.Fatalf("leaf %d of %d is not linked to its neighbours", i, len(leaves))
		}
	}
	if len(all) != s.n {
		t.Fatalf("%d VMAs, counted as %d", len(all), s.n)
	}
	for i := range all {
		if all[i].start >= all[i].end || i > 0 && all[i-1].end > all[i].start {
			t.Fatalf("VMA %d, %#x to %#x, is empty or overlaps", i, all[i].start, all[i].end)
		}
	}
	return all
}

// height returns how many nodes a search passes.
func (s *vmaSet) height() int {
	h := 1
	for n := &s.root; n.kids != nil; n = n.kids[0].node {
		h++
	}
	return h
}

// A vmaList is a vmaSet as simple as can be.
type vmaList []vma

func (l vmaList) overlaps(start, end uintptr) bool {
	return slices.ContainsFunc(l, func(v vma) bool { return v.start < end && start < v.end })
}

func (l vmaList) cut(addr uintptr) vmaList {
	for i, v := range l {
		if v.start < addr && addr < v.end {
			high := v
			high.start, high.offset = addr, v.index(addr)
			l[i].end = addr
			return slices.Insert(l, i+1, high)
		}
	}
	return l
}

func (l vmaList) remove(start, end uintptr) vmaList {
	return slices.DeleteFunc(l.cut(start).cut(end), func(v vma) bool { return v.start >= start && v.end <= end })
}

func (l vmaList) add(v vma) vmaList {
	i := 0
	for i < len(l) && l[i].start < v.start {
		i++
	}
	l = slices.Insert(l, i, v)
	return l.merge(v.start, v.end)
}

func (l vmaList) merge(start, end uintptr) vmaList {
	for i := len(l) - 1; i > 0; i-- {
		if at := l[i].start; at >= start && at <= end && l[i-1].continues(&l[i]) {
			l[i-1].end = l[i].end
			l = slices.Delete(l, i, i+1)
		}
	}
	return l
}

// gaps returns the lowest and the highest place for n bytes in [low, high].
func (l vmaList) gaps(n, low, high uintptr) (lowest, highest uintptr) {
	floor := low
	for i := 0; i <= len(l); i++ {
		ceiling := high
		if i < len(l) {
			ceiling = min(high, l[i].guardedStart())
		}
		if hole(floor, ceiling) >= n {
			if lowest == 0 {
				lowest = floor
			}
			highest = ceiling - n
		}
		if i < len(l) {
			floor = max(low, l[i].end)
		}
	}
	return lowest, highest
}

// TestVMASetModel does random things to a vmaSet and to a list.
func TestVMASetModel(t *testing.T) {
	const first, pages = 16, 6000
	for seed := range uint64(3) {
		var s vmaSet
		var l vmaList
		r := rand.New(rand.NewPCG(seed, 9))
		for step := range 12000 {
			addr := (first + r.Uint64N(pages)) << pageShift
			start := uintptr(addr)
			end := start + uintptr(1+r.IntN(4))*pageSize
			growing := step/3000%2 == 0
			switch op := r.IntN(10); {
			case op < 5 == growing:
				if s.overlaps(start, end) != l.overlaps(start, end) {
					t.Fatalf("overlaps(%#x, %#x) = %v", start, end, s.overlaps(start, end))
				}
				if l.overlaps(start, end) {
					continue
				}
				v := vma{start: start, end: end, prot: uint8(r.IntN(3))}
				if r.IntN(10) == 0 {
					v.flags = vmGrowsDown
				}
				l = l.add(v)
				s.add(v)
			case op < 8:
				if r.IntN(20) == 0 {
					end += 200 * pageSize
				}
				l = l.remove(start, end)
				s.carve(start, end)
				s.remove(start, end)
			case op == 8:
				l = l.cut(start).cut(end)
				s.carve(start, end)
			default:
				l = l.cut(start).cut(end).merge(start, end)
				s.carve(start, end)
				s.merge(start, end)
			}
			if v := s.at(start); (v != nil) != l.overlaps(start, start+1) {
				t.Fatalf("step %d: at(%#x) = %v", step, start, v)
			}
			n := uintptr(1+r.IntN(30)) * pageSize
			low := uintptr(first+r.IntN(pages)) << pageShift
			high := low + uintptr(r.IntN(pages))<<pageShift
			lowest, highest := l.gaps(n, low, high)
			if got, ok := s.gapBelow(n, low, high); got != highest || ok != (highest != 0) {
				t.Fatalf("step %d: gapBelow(%#x, %#x, %#x) = %#x, want %#x", step, n, low, high, got, highest)
			}
			if got, ok := s.gapAbove(n, low, high); got != lowest || ok != (lowest != 0) {
				t.Fatalf("step %d: gapAbove(%#x, %#x, %#x) = %#x, want %#x", step, n, low, high, got, lowest)
			}
			if step%200 == 0 && !slices.Equal(s.check(t), l) {
				t.Fatalf("step %d: the sets differ", step)
			}
		}
		s.carve(0, UserTop)
		s.remove(0, UserTop)
		if all := s.check(t); len(all) != 0 || s.root.kids != nil {
			t.Fatalf("%d VMAs in an empty set", len(all))
		}
	}
}

// TestManyVMAsAreCheap maps as many areas as there may be, and checks that
// finding a place, and an area, took steps that grow with the logarithm.
func TestManyVMAsAreCheap(t *testing.T) {
	as := newTestSpace(t)
	protect := []int{abi.PROT_READ, rw}
	const n = MaxMapCount - 100
	for i := range n {
		if _, err := as.Mmap(&MmapArgs{Length: pageSize, Prot: protect[i%2], Flags: anonymous}); err != nil {
			t.Fatal(err)
		}
	}
	as.vmas.check(t)
	limit := 2 * (bits.Len(uint(n)) + 3) / 4 // a node has a quarter of fanOut at least
	if h := as.vmas.height(); h > limit {
		t.Errorf("%d areas make a tree of height %d, more than %d", n, h, limit)
	}
	if got := as.vmas.visits; got > n*limit {
		t.Errorf("%d searches looked at %d nodes, more than %d each", n, got, limit)
	}

	// Holes that are too small are passed over by the dozen.
	for v := as.vmas.search(0); v.vma() != nil; {
		start := v.vma().start
		as.Munmap(start, pageSize)
		v = as.vmas.search(start + 2*pageSize)
	}
	as.vmas.check(t)
	as.vmas.visits = 0
	for range 100 {
		if _, err := as.Mmap(&MmapArgs{Length: 2 * pageSize, Prot: rw, Flags: anonymous}); err != nil {
			t.Fatal(err)
		}
	}
	if got := as.vmas.visits; got > 100*4*limit {
		t.Errorf("100 searches past small holes looked at %d nodes", got)
	}

	child := fork(t, as)
	if !slices.Equal(child.vmas.check(t), as.vmas.check(t)) {
		t.Error("the child's areas are others")
	}
	as.Munmap(0, UserTop)
	child.Munmap(0, UserTop)
	if as.vmas.n != 0 || child.vmas.n != 0 {
		t.Errorf("%d and %d areas are left", as.vmas.n, child.vmas.n)
	}
}

// TestManyMappings maps many objects, and forks: each of the child's mappings
// must be its own, and one for each of the parent's.
func TestManyMappings(t *testing.T) {
	as := newTestSpace(t)
	const n = 5 * lookedThrough
	objects := make([]*testObject, n)
	for i := range objects {
		objects[i] = newTestObject(t, 4)
		for k := range uintptr(2) {
			mapAt(t, as, base+(uintptr(i)*4+2*k)*pageSize, 1, abi.PROT_READ, abi.MAP_SHARED, objects[i])
		}
	}
	child := fork(t, as)
	for _, space := range []*AddressSpace{as, child} {
		if space.mappings.n != n || len(space.mappings.index) != n {
			t.Errorf("%d mappings, %d of them in the index; want %d", space.mappings.n, len(space.mappings.index), n)
		}
		for m := space.mappings.head; m != nil; m = m.nextHere {
			if m.space != space || m.vmas != 2 || m.copy != nil || space.mappings.find(m.mappingKey) != m {
				t.Errorf("mapping %+v", m)
			}
		}
	}
	for i, o := range objects {
		if o.n != 2 {
			t.Errorf("object %d has %d mappings", i, o.n)
		}
		as.Munmap(base+uintptr(i)*4*pageSize, 4*pageSize)
	}
	if as.mappings.n != 0 || as.mappings.index != nil || child.mappings.n != n {
		t.Errorf("%d and %d mappings are left", as.mappings.n, child.mappings.n)
	}
}
