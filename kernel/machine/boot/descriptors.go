//go:build baremetal

package boot

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/spin"
)

// descriptors are the addresses at which a CPU finds its descriptor tables.
type descriptors struct{ gdt, interrupts uintptr }

// mapDescriptors maps the tables of CPU i read-only from layout.Descriptors on:
// these addresses tell nothing about where the image is. ok is false if memory is
// short.
func mapDescriptors(i int) (d descriptors, ok bool) {
	gdt, gdtSize, interrupts, interruptsSize := cpu.Get(i).Descriptors()
	const pair = 2 * pageSize
	if d.interrupts, ok = mapTable(layout.Descriptors, interrupts, interruptsSize); !ok {
		return d, false
	}
	d.gdt, ok = mapTable(layout.Descriptors+pair*uintptr(1+i), gdt, gdtSize)
	return d, ok
}

// mapTable maps the pages of a table of size bytes, at most two, from the page at
// on, and returns where the table is there.
func mapTable(at, table, size uintptr) (uintptr, bool) {
	first := table &^ (pageSize - 1)
	for page := first; page < table+size; page += pageSize {
		if !goruntime.MapReadOnly(at+page-first, layout.Physical(page)) {
			return 0, false
		}
	}
	return at + table - first, true
}

// use makes c, the CPU that runs the caller, find its tables where d says.
//
//go:nosplit
func (d descriptors) use(c *cpu.CPU) {
	flags := spin.Disable()
	c.UseDescriptors(d.gdt, d.interrupts)
	spin.Restore(flags)
}
