//go:build baremetal

package goruntime

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// vm is the runtime's address space. Pages are filled with zeroes when first
// touched: the runtime reserves more than a gigabyte and touches little of it.
var vm struct {
	lock  spin.Lock // guards everything here and the kernel's page tables
	areas areas
	pages uint64
}

// initVM prepares the top-level entries of the kernel half, so that every
// address space can copy them once and never change them.
//
//go:nosplit
func initVM() bool {
	p := &layout.Placed
	vm.areas.init(p.GoArena, layout.SlotEnd(p.GoArena), p.GoOther, layout.SlotEnd(p.GoOther))
	root := direct.Table(ipi.KernelRoot)
	for _, base := range [...]uintptr{p.GoArena, p.GoOther, p.Stacks, layout.Descriptors} {
		if root[base>>39&511] != 0 {
			continue // the image is there, too
		}
		f, err := frame.AllocReserved()
		if err != nil {
			return false
		}
		f.Zero()
		root[base>>39&511] = uint64(f) | layout.PTEPresent | layout.PTEWrite
	}
	return true
}

// entry returns a pointer to the page-table entry for va, making tables on the
// way if grow is set; nil if there is no table or no memory. vm.lock is held.
//
//go:nosplit
func entry(va uintptr, grow bool) *uint64 {
	table := ipi.KernelRoot
	for shift := uint(39); shift > 12; shift -= 9 {
		e := &direct.Table(table)[va>>shift&511]
		if *e&layout.PTEPresent == 0 {
			if !grow {
				return nil
			}
			f, err := frame.AllocReserved()
			if err != nil {
				return nil
			}
			f.Zero()
			*e = uint64(f) | layout.PTEPresent | layout.PTEWrite
		}
		table = *e & layout.PTEFrame
	}
	return &direct.Table(table)[va>>12&511]
}

// populate maps a zeroed frame at va if nothing is mapped there. It reports
// whether va is now mapped.
//
//go:nosplit
func populate(va uintptr) bool {
	flags := vm.lock.Lock()
	ok := false
	if e := entry(va, true); e != nil {
		ok = *e&layout.PTEPresent != 0
		if !ok {
			if f, err := frame.AllocHeap(); err == nil {
				f.Zero()
				*e = uint64(f) | layout.PTEPresent | layout.PTEWrite | layout.PTEGlobal | layout.PTENoExec |
					layout.PTEAccessed | layout.PTEDirty
				vm.pages++
				ok = true
			}
		}
	}
	vm.lock.Unlock(flags)
	return ok
}

// reserved reports whether va lies in memory that the runtime has mapped.
//
//go:nosplit
func reserved(va uintptr) bool { return vm.areas.has(va) }

// mmap grants anonymous memory: mmap(2). A hint is honoured only where the
// heap may grow next; the runtime copes with a refusal, and after its hints in
// the lower half have failed it takes what it is given.
func mmap(addr, size, mapFlags uintptr) uintptr {
	const fixed, anonymous = 0x10, 0x20
	if mapFlags&anonymous == 0 {
		return errInval
	}
	if mapFlags&fixed == 0 && addr != 0 && addr < layout.UserEnd {
		return errNoMem // the runtime asks for a heap there first of all, 128 times
	}
	size = (size + pageSize - 1) &^ (pageSize - 1)
	flags := vm.lock.Lock()
	defer unlockVM(flags)
	if mapFlags&fixed != 0 {
		return addr // within a reservation, which is usable throughout
	}
	if start := vm.areas.take(addr, size); start != 0 {
		return start
	}
	return errNoMem
}

func unlockVM(flags spin.Flags) { vm.lock.Unlock(flags) }

// munmap gives a range back: munmap(2). Its addresses are used again, but for
// those of the heap, which the runtime asks for by a hint.
func munmap(addr, size uintptr) uintptr {
	size = (size + pageSize - 1) &^ (pageSize - 1)
	discard(addr, size)
	flags := vm.lock.Lock()
	defer unlockVM(flags)
	vm.areas.give(addr, size)
	return 0
}

// madvise frees the pages that the runtime no longer needs: madvise(2). They
// read as zero afterwards, which the runtime relies on.
func madvise(addr, size, advice uintptr) uintptr {
	const dontNeed, lazyFree, hugePage, noHugePage, collapse = 4, 8, 14, 15, 25
	switch advice {
	case dontNeed, lazyFree:
		discard(addr, size)
		return 0
	case hugePage, noHugePage:
		return 0
	case collapse:
		return errInval
	}
	return errInval
}

// discard unmaps the pages of [addr, addr+size) and frees their frames: clear
// the entries, flush every CPU, then free.
func discard(addr, size uintptr) {
	const batch = 64
	var frames [batch]frame.Frame
	end := addr + size
	for va := addr &^ (pageSize - 1); va < end; {
		first, n := va, 0
		flags := vm.lock.Lock()
		for va < end && n < batch {
			e := entry(va, false)
			if e == nil {
				va = (va + 2<<20) &^ (2<<20 - 1)
				continue
			}
			if *e&layout.PTEPresent != 0 {
				frames[n] = frame.Frame(*e & layout.PTEFrame)
				*e = 0
				n++
			}
			va += pageSize
		}
		vm.pages -= uint64(n)
		vm.lock.Unlock(flags)
		if n == 0 {
			continue
		}
		ipi.Call(ipi.All, ipi.FlushKernel, 0, uint64(first), uint64(va))
		for i := 0; i < n; i++ {
			frame.FreeHeap(frames[i])
		}
	}
}

// MapStack maps size bytes of trap stack whose guard page lies below, as stack
// number n of the kernel, and returns its end; 0 if memory is short.
func MapStack(n int) (end uintptr) {
	size := cpu.StackSize()
	slot := layout.Placed.Stacks + uintptr(n)*(size+pageSize)
	for va := slot + pageSize; va < slot+pageSize+size; va += pageSize {
		if !populate(va) {
			return 0
		}
	}
	return slot + pageSize + size
}

// MapReadOnly maps the page frame at pa at va, too, where nothing is mapped. It
// reports whether there was memory for page tables.
//
//go:nosplit
func MapReadOnly(va uintptr, pa uint64) bool {
	flags := vm.lock.Lock()
	e := entry(va, true)
	if e != nil {
		*e = pa | layout.PTEPresent | layout.PTEGlobal | layout.PTENoExec | layout.PTEAccessed
	}
	vm.lock.Unlock(flags)
	return e != nil
}

// Pages returns how many page frames the Go runtime has in use.
//
//go:nosplit
func Pages() uint64 {
	flags := vm.lock.Lock()
	n := vm.pages
	vm.lock.Unlock(flags)
	return n
}

// directEntry returns the entry for the GiB of the direct map with pa. Boot
// code has made the tables that hold them.
//
//go:nosplit
func directEntry(pa uint64) *uint64 {
	va := direct.Addr(pa)
	return &direct.Table(direct.Table(ipi.KernelRoot)[va>>39&511] & layout.PTEFrame)[va>>30&511]
}

// MapDirect maps the physical memory [start, end), both multiples of 2 MiB,
// into the direct map; boot code does for what lies beyond the boot tables.
func MapDirect(start, end uint64, allocate func() uint64) {
	for pa := start; pa < end; pa += 2 << 20 {
		e := directEntry(pa)
		if *e&layout.PTEPresent == 0 {
			*e = allocate() | layout.PTEPresent | layout.PTEWrite
		}
		direct.Table(*e & layout.PTEFrame)[pa>>21&511] = pa | layout.PTEPresent | layout.PTEWrite |
			layout.PTEHuge | layout.PTEGlobal | layout.PTENoExec
	}
	x86.WriteCR3(x86.ReadCR3())
}

// MapDevice makes the direct map cover [pa, pa+size) without caching. Below 4
// GiB the boot tables do.
func MapDevice(pa, size uint64) error {
	if pa+size <= layout.DirectMapBoot {
		return nil
	}
	if pa+size > layout.Slot {
		return abi.ENOMEM
	}
	return mapDevice(pa, size)
}

// mapDevice is MapDevice for what the boot tables do not cover.
//
//go:nosplit
func mapDevice(pa, size uint64) (err error) {
	const huge = 2 << 20
	flags := vm.lock.Lock()
	for at := pa &^ (huge - 1); at < pa+size; at += huge {
		e := directEntry(at)
		if *e&layout.PTEPresent == 0 {
			var f frame.Frame
			if f, err = frame.AllocReserved(); err != nil {
				break
			}
			f.Zero()
			*e = uint64(f) | layout.PTEPresent | layout.PTEWrite
		}
		direct.Table(*e & layout.PTEFrame)[at>>21&511] = at | layout.PTEPresent | layout.PTEWrite |
			layout.PTEHuge | layout.PTEGlobal | layout.PTENoExec | layout.PTEUncached
	}
	vm.lock.Unlock(flags)
	return err
}
