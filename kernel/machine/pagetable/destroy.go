package pagetable

import (
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/tlb"
)

// A Teardown frees a table and all that it holds: Begin, then Span for every
// range that has pages, in ascending order, then End. Nothing outside of the
// spans is looked at. Nobody may use the table meanwhile, or afterwards.
type Teardown struct {
	t      *Table
	leafOf uintptr // an address that the leaf being emptied maps, or none
	c      Counts
}

const none = UserEnd

// Begin takes t from every CPU.
func (d *Teardown) Begin(t *Table) {
	tlb.Evict(t.Root())
	*d = Teardown{t: t, leafOf: none}
}

// Span frees the pages in [start, end).
func (d *Teardown) Span(start, end uintptr) {
	for va := start; va < end; {
		pt, span := d.t.leaf(va)
		if pt == nil {
			va = nextSpan(va, span)
			continue
		}
		if d.leafOf != none && !d.t.ragged.Load() {
			d.t.unlink(d.leafOf, va)
		}
		d.leafOf = va
		first, last, next := leafRange(va, end)
		d.c.putAll(pt[first:last])
		va = next
	}
}

// End frees the tables and tells what the pages were.
func (d *Teardown) End() Counts {
	t := d.t
	if t.ragged.Load() {
		freeTables(t.root, rootLevel, entries/2)
	} else {
		if d.leafOf != none {
			t.unlink(d.leafOf, ^uintptr(0))
		}
		t.root.Put()
	}
	t.root = 0
	total.Add(-t.pages.Load())
	t.pages.Store(0)
	return d.c
}

// freeTables frees the table f of the given level, and the tables that its
// first n entries name.
func freeTables(f frame.Frame, level, n int) {
	if level > leafLevel {
		for _, e := range direct.Table(uint64(f))[:n] {
			if e != 0 {
				freeTables(frameOf(e), level-1, entries)
			}
		}
	}
	f.Put()
}

// unlink frees those tables below the root that map va and do not map next.
// Tables of lower addresses are gone.
func (t *Table) unlink(va, next uintptr) {
	if va/LeafSpan == next/LeafSpan {
		return
	}
	var path [rootLevel + 1]*[entries]uint64
	path[rootLevel] = direct.Table(uint64(t.root))
	for level := rootLevel; level > leafLevel; level-- {
		path[level-1] = direct.Table(path[level][slot(va, level)] & addrMask)
	}
	for level := leafLevel + 1; level <= rootLevel && va>>shift(level) != next>>shift(level); level++ {
		e := &path[level][slot(va, level)]
		frameOf(*e).Put()
		*e = 0
	}
}

// putAll drops the references that the entries of a leaf hold.
func (c *Counts) putAll(es []uint64) {
	for _, e := range es {
		if e == 0 || e&unowned != 0 {
			continue
		}
		freed := frameOf(e).Put()
		if e&anon == 0 {
			c.Object++
			continue
		}
		c.Anon++
		if freed {
			c.Freed++
		}
	}
}
