//go:build baremetal

package boot

import (
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/x86"
)

// protectImage takes the right to write from the direct map where the kernel's
// own mapping has it not: text and constants have no writable alias. It reports
// whether there was memory for the smaller pages that this takes. Boot context.
func protectImage() bool {
	pdpt := direct.Table(ipi.KernelRoot)[uint64(layout.KernelBase)>>39&511]
	for i := range 512 {
		pd := child(pdpt, i)
		for j := 0; pd&layout.PTEPresent != 0 && j < 512; j++ {
			pt := child(pd, j)
			for k := 0; pt&layout.PTEPresent != 0 && k < 512; k++ {
				e := child(pt, k)
				if e&layout.PTEPresent != 0 && e&layout.PTEWrite == 0 && !protectAlias(e&layout.PTEFrame) {
					return false
				}
			}
		}
	}
	// Kernel translations are global: only a change of CR4.PGE drops them.
	cr4 := x86.ReadCR4()
	x86.WriteCR4(cr4 &^ x86.CR4PGE)
	x86.WriteCR4(cr4)
	return true
}

// child returns entry i of the table that e, an entry of the level above, leads
// to. Below a large page the entries are those of the small pages it stands for.
func child(e uint64, i int) uint64 {
	if e&layout.PTEHuge != 0 { // of 2 MiB: boot tables have no larger ones
		return e&^layout.PTEHuge + uint64(i)<<12
	}
	return direct.Table(e & layout.PTEFrame)[i&511]
}

// protectAlias makes the page at pa read-only in the direct map, and the large
// page that it is part of a table of small ones.
func protectAlias(pa uint64) bool {
	root := direct.Table(ipi.KernelRoot)
	pdpt := direct.Table(root[direct.Base>>39&511] & layout.PTEFrame)
	e := &direct.Table(pdpt[pa>>30&511] & layout.PTEFrame)[pa>>21&511]
	if *e&layout.PTEHuge != 0 {
		f, err := frame.AllocReserved()
		if err != nil {
			return false
		}
		table := direct.Table(uint64(f))
		for i := range table {
			table[i] = child(*e, i)
		}
		*e = uint64(f) | layout.PTEPresent | layout.PTEWrite
	}
	direct.Table(*e & layout.PTEFrame)[pa>>12&511] &^= layout.PTEWrite
	return true
}
