package pagetable

import (
	"sync/atomic"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/tlb"
)

// Counts tells what an operation did to pages. Unowned frames count nowhere.
type Counts struct {
	Anon   int // pages marked Anon
	Object int // pages of memory objects
	// Freed is how many frames marked Anon lost their last reference.
	Freed int
}

// Add adds d to c.
func (c *Counts) Add(d Counts) {
	c.Anon += d.Anon
	c.Object += d.Object
	c.Freed += d.Freed
}

func (c *Counts) count(e uint64) {
	switch {
	case e&unowned != 0:
	case e&anon != 0:
		c.Anon++
	default:
		c.Object++
	}
}

// leafRange returns the slots of the leaf of va that lie in [va, end), and the
// address where the next leaf begins.
func leafRange(va, end uintptr) (first, last int, next uintptr) {
	next = va&^(LeafSpan-1) + LeafSpan
	first = slot(va, leafLevel)
	if next > end {
		return first, slot(end, leafLevel), next
	}
	return first, entries, next
}

// nextSpan returns the start of the span after the one around va.
func nextSpan(va, span uintptr) uintptr { return va&^(span-1) + span }

// Unmap removes every page in [start, end) and the levels that become empty.
func (t *Table) Unmap(start, end uintptr) Counts { return t.unmap(start, end, 0) }

// UnmapObject is like Unmap but leaves pages marked Anon alone.
func (t *Table) UnmapObject(start, end uintptr) Counts { return t.unmap(start, end, anon) }

// unmap is Unmap but for entries with a bit of keep.
func (t *Table) unmap(start, end uintptr, keep uint64) Counts {
	g := newGather(t)
	var c Counts
	for va := start; va < end; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		first, last, next := leafRange(va, end)
		for i := first; i < last; i++ {
			e := atomic.LoadUint64(&pt[i])
			if e == 0 || e&keep != 0 {
				continue
			}
			atomic.StoreUint64(&pt[i], 0)
			c.count(e)
			g.cleared(va+uintptr(i-first)*PageSize, e)
		}
		if last-first == entries && keep == 0 || isEmpty(pt) {
			t.prune(va, g)
		}
		va = next
	}
	c.Freed = g.finish()
	return c
}

// prune unlinks the empty leaf of va, and the levels above it that become
// empty thereby.
func (t *Table) prune(va uintptr, g *gather) {
	var path [rootLevel + 1]*[entries]uint64
	path[rootLevel] = direct.Table(uint64(t.root))
	for level := rootLevel; level > leafLevel+1; level-- {
		path[level-1] = direct.Table(path[level][slot(va, level)] & addrMask)
	}
	for level := leafLevel + 1; level <= rootLevel; level++ {
		e := &path[level][slot(va, level)]
		f := frameOf(*e)
		atomic.StoreUint64(e, 0)
		g.pruned(va, f)
		if level == rootLevel || !isEmpty(path[level]) {
			return
		}
	}
}

func isEmpty(pt *[entries]uint64) bool {
	for _, e := range pt {
		if e != 0 {
			return false
		}
	}
	return true
}

// Protect gives the pages in [start, end) the rights p. A page that was not
// writable becomes so only if it is Anon and its frame has no other
// reference: the others wait for a fault, by which the owner decides.
func (t *Table) Protect(start, end uintptr, p Prot) {
	changed := false
	for va := start; va < end; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		first, last, next := leafRange(va, end)
		for i := first; i < last; i++ {
			for {
				e := atomic.LoadUint64(&pt[i])
				if e == 0 {
					break
				}
				f, old := decode(e)
				q := p&access | old&^access
				if q&Write != 0 && old&Write == 0 && (old&Anon == 0 || f.Refs() != 1) {
					q &^= Write
				}
				if atomic.CompareAndSwapUint64(&pt[i], e, encode(f, q)) {
					changed = changed || old&^q&access != 0
					break
				}
			}
		}
		va = next
	}
	if changed {
		tlb.FlushRange(t.Root(), start, end)
	}
}

// CopyRange shares the pages in [start, end) with dst, which has none there
// and which nobody uses yet; only those marked Anon if onlyAnon is set. If cow
// is set the pages lose the right to be written in both tables, and the caller
// must call Flush before anybody relies on that; it may copy other ranges
// first. If it fails, with ENOMEM, some pages may be shared already.
func (t *Table) CopyRange(dst *Table, start, end uintptr, cow, onlyAnon bool) (Counts, error) {
	var c Counts
	var want, drop uint64
	if onlyAnon {
		want = anon
	}
	if cow {
		drop = writable | dirty
	}
	for va := start; va < end; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		first, last, next := leafRange(va, end)
		var to []uint64
		for i, e := range pt[first:last] {
			if e == 0 || e&want != want {
				continue
			}
			if to == nil {
				leaf, err := dst.makeLeaf(va)
				if err != nil {
					return c, err
				}
				to = leaf[first:last]
			}
			if e&unowned == 0 {
				frameOf(e).Get()
			}
			if e&drop&writable != 0 {
				e &^= drop
				atomic.StoreUint64(&pt[first+i], e)
			}
			to[i] = e
			c.count(e)
		}
		va = next
	}
	return c, nil
}

// Flush makes every CPU forget all translations of t.
func (t *Table) Flush() { tlb.FlushAll(t.Root()) }

// Move moves the pages in [start, start+n) to the pages from to on, where
// there must be none. The ranges may not overlap. If it fails, with ENOMEM,
// nothing has moved, but levels that are empty may have been added at to.
func (t *Table) Move(start, to, n uintptr) error {
	if err := t.makeRoom(start, to, n); err != nil {
		return err
	}
	g := newGather(t)
	defer g.finish()
	for va := start; va < start+n; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		first, last, next := leafRange(va, start+n)
		for i := first; i < last; i++ {
			e := atomic.LoadUint64(&pt[i])
			if e == 0 {
				continue
			}
			from := va + uintptr(i-first)*PageSize
			atomic.StoreUint64(&pt[i], 0)
			g.touched(from)
			dst, _ := t.leaf(from - start + to)
			atomic.StoreUint64(&dst[slot(from-start+to, leafLevel)], e)
		}
		va = next
	}
	// Only now that everything is in its place: a leaf that a part of the
	// source has left may be where a later part goes.
	t.pruneRange(start, start+n, g)
	return nil
}

// pruneRange unlinks the empty leaves of [start, end).
func (t *Table) pruneRange(start, end uintptr, g *gather) {
	for va := start; va < end; {
		pt, span := t.leaf(va)
		if pt != nil && isEmpty(pt) {
			t.prune(va, g)
		}
		va = nextSpan(va, span)
	}
}

// makeRoom adds the levels that Move needs at to.
func (t *Table) makeRoom(start, to, n uintptr) error {
	for va := start; va < start+n; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		next := min(nextSpan(va, LeafSpan), start+n)
		for _, at := range [...]uintptr{va, next - PageSize} {
			if _, err := t.makeLeaf(at - start + to); err != nil {
				return err
			}
		}
		va = next
	}
	return nil
}

// Each calls f for every page in [start, end), in order, until f returns
// false.
func (t *Table) Each(start, end uintptr, f func(va uintptr, fr frame.Frame, p Prot) bool) {
	for va := start; va < end; {
		pt, span := t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		first, last, next := leafRange(va, end)
		for i := first; i < last; i++ {
			if e := atomic.LoadUint64(&pt[i]); e != 0 {
				fr, p := decode(e)
				if !f(va+uintptr(i-first)*PageSize, fr, p) {
					return
				}
			}
		}
		va = next
	}
}
