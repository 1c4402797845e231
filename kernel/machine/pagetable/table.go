package pagetable

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/tlb"
)

const (
	entries = 512

	// PageSize is what one entry of the last level maps.
	PageSize = frame.Size
	// LeafSpan is what one table of the last level maps.
	LeafSpan = entries * PageSize

	// UserEnd is the end of the half of the address space that tables here
	// map for users.
	UserEnd uintptr = 1 << 47
)

// KernelRoot is the root of the kernel's own table, whose upper half every new
// table shares. It is set once at boot; while 0, upper halves stay empty.
var KernelRoot frame.Frame

// A Table is one tree of page tables.
type Table struct {
	root frame.Frame

	pages atomic.Int64 // page-table pages, the root included

	// ragged tells that there may be tables that nothing is below of: a
	// level was added, but for the next there was no memory.
	ragged atomic.Bool
}

// total counts the page-table pages of all tables.
var total atomic.Int64

// TotalPages returns the number of frames that all user page tables take.
func TotalPages() int64 { return total.Load() }

// New returns an empty table.
func New() (*Table, error) {
	root, err := frame.Alloc()
	if err != nil {
		return nil, err
	}
	root.Zero()
	if KernelRoot != 0 {
		copy(direct.Table(uint64(root))[entries/2:], direct.Table(uint64(KernelRoot))[entries/2:])
	}
	t := &Table{root: root}
	t.pages.Store(1)
	total.Add(1)
	return t, nil
}

// Root returns the physical address of the top level: what CR3 is loaded with.
//
//go:nosplit
func (t *Table) Root() uint64 { return uint64(t.root) }

// Pages returns the number of frames that the table itself takes.
func (t *Table) Pages() int64 { return t.pages.Load() }

// Shifts of the four levels: an entry of level l maps 1<<shift(l) bytes.
const (
	rootLevel = 3
	leafLevel = 0
)

func shift(level int) uint { return (frame.Shift + 9*uint(level)) & 63 }

func slot(va uintptr, level int) int { return int(va>>shift(level)) & (entries - 1) }

// leaf returns the last-level table that maps va, or nil and the size of the
// aligned span around va in which there is none. Every fault comes this way:
// the levels are spelled out.
func (t *Table) leaf(va uintptr) (pt *[entries]uint64, span uintptr) {
	e := atomic.LoadUint64(&direct.Table(uint64(t.root))[va>>39%entries])
	if e == 0 {
		return nil, 1 << 39
	}
	e = atomic.LoadUint64(&direct.Table(e & addrMask)[va>>30%entries])
	if e == 0 {
		return nil, 1 << 30
	}
	e = atomic.LoadUint64(&direct.Table(e & addrMask)[va>>21%entries])
	if e == 0 {
		return nil, LeafSpan
	}
	return direct.Table(e & addrMask), LeafSpan
}

// makeLeaf is like leaf but adds the levels that are missing.
func (t *Table) makeLeaf(va uintptr) (*[entries]uint64, error) {
	if pt, _ := t.leaf(va); pt != nil {
		return pt, nil
	}
	pt := direct.Table(uint64(t.root))
	for level := rootLevel; level > leafLevel; level-- {
		p := &pt[slot(va, level)]
		e := atomic.LoadUint64(p)
		if e == 0 {
			f, err := frame.Alloc()
			if err != nil {
				t.ragged.Store(true)
				return nil, err
			}
			f.Zero()
			if atomic.CompareAndSwapUint64(p, 0, uint64(f)|tableBits) {
				t.addPages(1)
				e = uint64(f)
			} else {
				f.Put()
				e = atomic.LoadUint64(p)
			}
		}
		pt = direct.Table(e & addrMask)
	}
	return pt, nil
}

func (t *Table) addPages(n int64) {
	t.pages.Add(n)
	total.Add(n)
}

// Lookup returns the frame at va with its rights, and false if there is none.
// It takes no reference.
func (t *Table) Lookup(va uintptr) (frame.Frame, Prot, bool) {
	pt, _ := t.leaf(va)
	if pt == nil {
		return 0, 0, false
	}
	e := atomic.LoadUint64(&pt[slot(va, leafLevel)])
	if e == 0 {
		return 0, 0, false
	}
	f, p := decode(e)
	return f, p, true
}

// Map makes f the page at va. The caller's reference on f goes to the table,
// unless Map fails: with EEXIST if there is a page at va already, or ENOMEM.
func (t *Table) Map(va uintptr, f frame.Frame, p Prot) error {
	pt, err := t.makeLeaf(va)
	if err != nil {
		return err
	}
	if !atomic.CompareAndSwapUint64(&pt[slot(va, leafLevel)], 0, encode(f, p)) {
		return abi.EEXIST
	}
	return nil
}

// MapRange maps the frames of fs, those that are not 0, at the pages from va
// on, all within one leaf span. Where there is a page already it stays. Every
// reference in fs is consumed. It returns how many pages were mapped.
func (t *Table) MapRange(va uintptr, fs []frame.Frame, p Prot) (int, error) {
	pt, err := t.makeLeaf(va)
	if err != nil {
		for _, f := range fs {
			if f != 0 {
				f.Put()
			}
		}
		return 0, err
	}
	n := 0
	bits := encode(0, p)
	to := pt[slot(va, leafLevel):][:len(fs)]
	for i, f := range fs {
		if f == 0 {
			continue
		}
		if atomic.CompareAndSwapUint64(&to[i], 0, uint64(f)|bits) {
			n++
		} else {
			f.Put()
		}
	}
	return n, nil
}

// Replace makes f the page at va if old is there now, and then drops the
// table's reference on old. It reports whether it did; only then does the
// caller's reference on f go to the table. It also reports whether old was
// marked Anon and is free now.
func (t *Table) Replace(va uintptr, old, f frame.Frame, p Prot) (ok, freed bool) {
	e, ok := t.exchange(va, old, f, p)
	if !ok {
		return false, false
	}
	tlb.FlushRange(t.Root(), va, va+PageSize)
	if e&unowned == 0 {
		freed = old.Put() && e&anon != 0
	}
	return true, freed
}

// Upgrade gives the page at va the rights p, which must not be less than it
// has, if f is there. It reports whether it did. A CPU that still knows the
// lesser rights takes a fault and looks again.
func (t *Table) Upgrade(va uintptr, f frame.Frame, p Prot) bool {
	_, ok := t.exchange(va, f, f, p)
	return ok
}

// exchange replaces the entry of old at va and returns what it was.
func (t *Table) exchange(va uintptr, old, f frame.Frame, p Prot) (uint64, bool) {
	pt, _ := t.leaf(va)
	if pt == nil {
		return 0, false
	}
	entry := &pt[slot(va, leafLevel)]
	for {
		e := atomic.LoadUint64(entry)
		if e == 0 || frameOf(e) != old {
			return 0, false
		}
		if atomic.CompareAndSwapUint64(entry, e, encode(f, p)) {
			return e, true
		}
	}
}
