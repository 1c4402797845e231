// Package imagemap makes the page tables with which the kernel starts at the
// places chosen for a boot: they map the direct map and the kernel's image. It
// works in boot context.
package imagemap

import (
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/layout"
)

const pageSize = 4096

// Tables are page tables that are being made.
type Tables struct {
	Root uint64 // the physical address of the top level
	next uint64 // that of the first page that is not in use
}

// Pages returns how many pages of tables there are at most for an image of size
// bytes: for the direct map the root, two more levels, and one table for every
// 2 MiB with pages that the image has or had; for the image as many again.
func Pages(size uint64) uint64 {
	const directories = layout.DirectMapBoot >> 30
	pieces := size>>21 + 2
	return 1 + (2 + directories + 2*pieces) + (1 + 2 + pieces)
}

// New returns empty tables. They take pages from physical address at on, as
// many as Pages tells.
func New(at, pages uint64) Tables {
	for i := range pages {
		frame.Frame(at + i*pageSize).Zero()
	}
	return Tables{Root: at, next: at + pageSize}
}

// take returns a page.
func (t *Tables) take() uint64 {
	t.next += pageSize
	return t.next - pageSize
}

// table returns the table whose entries map 1<<shift bytes each and which maps
// va, and makes it if it is missing.
func (t *Tables) table(va uintptr, shift uint) *[512]uint64 {
	table := direct.Table(t.Root)
	for s := uint(39); s > shift; s -= 9 {
		e := &table[va>>s&511]
		if *e == 0 {
			*e = t.take() | layout.PTEPresent | layout.PTEWrite
		}
		table = direct.Table(*e & layout.PTEFrame)
	}
	return table
}

// none is a table that maps nothing.
var none [512]uint64

// find returns the table of 4 KiB pages for va below root.
func find(root uint64, va uintptr) *[512]uint64 {
	table := direct.Table(root)
	for s := uint(39); s > 12; s -= 9 {
		e := table[va>>s&511]
		if e == 0 {
			return &none
		}
		table = direct.Table(e & layout.PTEFrame)
	}
	return table
}

// Mapped reports whether the tables below root map the page at va, which is in
// no large one.
func Mapped(root uint64, va uintptr) bool { return find(root, va)[va>>12&511] != 0 }

// direct2MiB are the bits of the direct map's entries for 2 MiB each.
const direct2MiB = layout.PTEPresent | layout.PTEWrite | layout.PTEHuge | layout.PTEGlobal | layout.PTENoExec

// fill sets the entries of a table, the first to e and each next one to step
// more.
func fill(table *[512]uint64, e, step uint64) {
	for i := range table {
		table[i] = e
		e += step
	}
}

// MapDirect maps the first 4 GiB of physical memory from base on. The second
// slot of the direct map gets its table, as later page tables share it.
func (t *Tables) MapDirect(base uintptr) {
	for pa := uint64(0); pa < layout.DirectMapBoot; pa += 1 << 30 {
		fill(t.table(base+uintptr(pa), 21), pa|direct2MiB, 2<<20)
	}
	devices := t.table(base+layout.Uncached, 21)
	for i := layout.Uncached >> 21 & 511; i < len(devices); i++ {
		devices[i] |= layout.PTEUncached
	}
	t.table(base+layout.Slot-1, 30)
}

// MapImage maps the image, which has size bytes, at its place, each page with
// the rights that it has in the tables below boot, where it is as it was linked
// and loaded. It takes the right to write from the same pages of the direct map.
// The first stay bytes of the image are not at to.ImagePhysical but stay where
// they were loaded.
func (t *Tables) MapImage(boot uint64, to layout.Places, stay, size uint64) {
	const loaded = layout.KernelImage - layout.KernelBase
	for at := uint64(0); at < size; {
		va, old := to.Image+uintptr(at), layout.KernelImage+uintptr(at)
		pa, end := to.ImagePhysical+at, size
		if at < stay {
			pa, end = loaded+at, stay
		}
		t.split(to.Direct + uintptr(pa))
		from, own, alias := find(boot, old), t.table(va, 12), t.table(to.Direct+uintptr(pa), 12)
		// The pages that are in the same three tables.
		i, j, k := int(old>>12&511), int(va>>12&511), int(pa>>12&511)
		n := min(512-max(i, j, k), int((end-at)>>12))
		o, a := own[j:j+n], alias[k:k+n]
		for p, e := range from[i : i+n] {
			if rights := e &^ layout.PTEFrame; rights != 0 { // else it is between two segments
				o[p] = pa | rights
				a[p] &= rights | ^uint64(layout.PTEWrite)
			}
			pa += pageSize
		}
		at += uint64(n) << 12
	}
}

// split makes the large page that maps va, if one does, a table of small ones.
func (t *Tables) split(va uintptr) {
	e := &t.table(va, 21)[va>>21&511]
	if *e&layout.PTEHuge == 0 {
		return
	}
	page := t.take()
	fill(direct.Table(page), *e&^layout.PTEHuge, pageSize)
	*e = page | layout.PTEPresent | layout.PTEWrite
}
