package mm

// A vmaSet holds the VMAs of an address space in the order of their
// addresses. No two overlap. The zero value is empty. Pointers and cursors
// into it are good until the next change, other than of what is no address.
type vmaSet struct {
	root vmaNode // the whole set while that is small
	n    int

	visits int // nodes that searches for gaps have looked at, for tests
}

func (s *vmaSet) len() int { return s.n }

// A cursor is a place in a vmaSet: at a VMA, or behind the last.
type cursor struct {
	leaf *vmaNode
	i    int // less than the leaf's VMAs, but at the end of the last leaf
}

// vma returns the VMA at c, or nil at the end.
func (c cursor) vma() *vma {
	if c.i < len(c.leaf.vmas) {
		return &c.leaf.vmas[c.i]
	}
	return nil
}

// next moves c, which must not be at the end, to the VMA that follows, which
// it returns.
func (c *cursor) next() *vma {
	if c.i++; c.i == len(c.leaf.vmas) && c.leaf.next != nil {
		*c = cursor{leaf: c.leaf.next}
	}
	return c.vma()
}

// before returns the VMA before c, or nil.
func (c cursor) before() *vma {
	switch prev := c.leaf.prev; {
	case c.i > 0:
		return &c.leaf.vmas[c.i-1]
	case prev != nil:
		return &prev.vmas[len(prev.vmas)-1]
	}
	return nil
}

// search returns the place of the first VMA that ends behind addr: the one
// that contains addr, or the next.
func (s *vmaSet) search(addr uintptr) cursor {
	leaf := &s.root
	if leaf.kids != nil {
		leaf = leaf.leafFor(addr)
	}
	return cursor{leaf, vmaFor(leaf.vmas, addr)}
}

// at returns the VMA that contains addr, or nil. Every fault comes this way: the
// search ends as soon as it meets the VMA.
func (s *vmaSet) at(addr uintptr) *vma {
	leaf := &s.root
	if leaf.kids != nil {
		leaf = leaf.leafFor(addr)
	}
	vmas := leaf.vmas
	lo, hi := 0, len(vmas)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch v := &vmas[mid]; {
		case v.end <= addr:
			lo = mid + 1
		case v.start > addr:
			hi = mid
		default:
			return v
		}
	}
	return nil
}

// overlaps reports whether any VMA has an address in [start, end).
func (s *vmaSet) overlaps(start, end uintptr) bool {
	v := s.search(start).vma()
	return v != nil && v.start < end
}

// covered reports whether every address in [start, end) is in a VMA.
func (s *vmaSet) covered(start, end uintptr) bool {
	c := s.search(start)
	for v := c.vma(); start < end; v = c.next() {
		if v == nil || v.start > start {
			return false
		}
		start = v.end
	}
	return true
}

// reserve makes an empty set ready for n VMAs to come.
func (s *vmaSet) reserve(n int) { s.root.vmas = make([]vma, 0, min(n, fanOut)) }

// insert adds v. It panics if v overlaps another VMA.
func (s *vmaSet) insert(v *vma) { s.insertAt(s.search(v.start), v) }

// push adds v, which must lie behind all others.
func (s *vmaSet) push(v *vma) { s.insertAt(cursor{&s.root, len(s.root.vmas)}, v) }

// insertAt is insert for v whose place is c, if that is in the root.
func (s *vmaSet) insertAt(c cursor, v *vma) {
	s.n++
	if root := &s.root; c.leaf == root && root.kids == nil && len(root.vmas) < fanOut {
		root.insertVMA(c.i, v)
		return
	}
	right := s.root.insert(v)
	if right == nil {
		return
	}
	left := new(vmaNode)
	*left = s.root
	if left.next != nil {
		right.prev = left
	}
	s.root = vmaNode{kids: append(make([]vmaKid, 0, fanOut), left.asKid(), right.asKid())}
}

// add adds v, with the rule of insert, by extending the neighbours that it
// continues, if any do. Mappings' counts of VMAs follow.
func (s *vmaSet) add(v vma) {
	c := s.search(v.start)
	low, high := c.before(), c.vma()
	joinsLow := low != nil && low.continues(&v)
	joinsHigh := high != nil && v.continues(high)
	switch {
	case joinsLow && joinsHigh:
		s.join(low, high)
	case joinsLow:
		s.resize(low, low.start, v.end)
	case joinsHigh:
		high.offset = v.offset
		s.resize(high, v.start, high.end)
	default:
		if v.m != nil {
			v.m.vmas++
		}
		s.insertAt(c, &v)
	}
}

// resize changes the bounds of v, which must not run into its neighbours.
func (s *vmaSet) resize(v *vma, start, end uintptr) {
	v.start, v.end = start, end
	s.root.refresh(start)
}

// join makes low, which high continues with a gap or without one, end where
// high does, and takes high out.
func (s *vmaSet) join(low, high *vma) {
	if high.m != nil {
		high.m.vmas--
	}
	start, end := low.start, high.end
	s.remove(high.start, end)
	s.resize(s.at(start), start, end)
}

// split makes addr a boundary: a VMA that contains it in its middle becomes
// two.
func (s *vmaSet) split(addr uintptr) {
	v := s.at(addr)
	if v == nil || v.start == addr {
		return
	}
	high := *v
	high.start, high.offset = addr, v.index(addr)
	v.end = addr // insert comes by here and sees it
	s.insert(&high)
	if high.m != nil {
		high.m.vmas++
	}
}

// splits returns how many VMAs carve would add for [start, end).
func (s *vmaSet) splits(start, end uintptr) int {
	n := 0
	for _, addr := range [...]uintptr{start, end} {
		if v := s.at(addr); v != nil && v.start < addr {
			n++
		}
	}
	return n
}

// carve makes start and end boundaries, and returns the place of the first VMA
// from start on.
func (s *vmaSet) carve(start, end uintptr) cursor {
	s.split(start)
	s.split(end)
	return s.search(start)
}

// remove takes out the VMAs in [start, end), which must be boundaries.
func (s *vmaSet) remove(start, end uintptr) {
	s.n -= s.root.remove(start, end)
	for len(s.root.kids) == 1 {
		s.root = *s.root.kids[0].node
	}
	if s.n == 0 {
		s.root = vmaNode{vmas: s.root.vmas}
	}
}

// merge joins VMAs that continue each other at the boundaries from start, which
// is one, to end.
func (s *vmaSet) merge(start, end uintptr) {
	c := s.search(start)
	for high := c.vma(); high != nil && high.start <= end; {
		low := c.before()
		if low == nil || !low.continues(high) {
			high = c.next()
			continue
		}
		to := high.end
		s.join(low, high)
		c = s.search(to)
		high = c.vma()
	}
}

// gapBelow returns the highest start of n free bytes that end at or below
// high and begin at or above low. What a VMA's guard gap covers is not free.
func (s *vmaSet) gapBelow(n, low, high uintptr) (uintptr, bool) {
	start, limit := s.searchDown(&s.root, n, low, high, high)
	if start != 0 {
		return start, true
	}
	if hole(low, limit) >= n {
		return limit - n, true
	}
	return 0, false
}

// searchDown is gapBelow for what the VMAs below node have above them: below
// limit, which the next VMA above keeps free. It returns 0 if there is no such
// gap, and the limit for what comes below.
func (s *vmaSet) searchDown(node *vmaNode, n, low, high, limit uintptr) (start, next uintptr) {
	s.visits++
	for i := len(node.vmas) - 1; i >= 0; i-- {
		v := &node.vmas[i]
		if hole(max(low, v.end), limit) >= n {
			return limit - n, limit
		}
		limit = min(high, v.guardedStart())
		if v.start <= low {
			break
		}
	}
	for i := len(node.kids) - 1; i >= 0; i-- {
		kid := &node.kids[i]
		if hole(max(low, kid.end), limit) >= n {
			return limit - n, limit
		}
		if kid.gap >= n && kid.start < high && kid.end > low {
			if start, limit = s.searchDown(kid.node, n, low, high, limit); start != 0 {
				return start, limit
			}
		}
		limit = min(high, kid.start)
		if kid.end <= low {
			break
		}
	}
	return 0, limit
}

// gapAbove is like gapBelow but returns the lowest start.
func (s *vmaSet) gapAbove(n, low, high uintptr) (uintptr, bool) {
	start, floor := s.searchUp(&s.root, n, low, high, low)
	if start != 0 {
		return start, true
	}
	if hole(floor, high) >= n {
		return floor, true
	}
	return 0, false
}

// searchUp is gapAbove for what the VMAs below node have below them, from
// floor on, and returns the floor for what comes above.
func (s *vmaSet) searchUp(node *vmaNode, n, low, high, floor uintptr) (start, next uintptr) {
	s.visits++
	for i := 0; i < len(node.vmas) && floor < high; i++ {
		v := &node.vmas[i]
		if hole(floor, min(high, v.guardedStart())) >= n {
			return floor, floor
		}
		floor = max(low, v.end)
	}
	for i := 0; i < len(node.kids) && floor < high; i++ {
		kid := &node.kids[i]
		if hole(floor, min(high, kid.start)) >= n {
			return floor, floor
		}
		if kid.gap >= n && kid.start < high && kid.end > low {
			if start, floor = s.searchUp(kid.node, n, low, high, floor); start != 0 {
				return start, floor
			}
		}
		floor = max(low, kid.end)
	}
	return 0, floor
}
