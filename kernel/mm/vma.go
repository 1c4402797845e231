package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

const (
	pageShift         = frame.Shift
	pageSize  uintptr = frame.Size
	pageMask          = pageSize - 1
)

func pageDown(addr uintptr) uintptr { return addr &^ pageMask }

// pageUp rounds up to a page boundary: to 0 if addr is in the last page.
func pageUp(addr uintptr) uintptr { return (addr + pageMask) &^ pageMask }

type vmaFlags uint16

const (
	vmShared      vmaFlags = 1 << iota
	vmGrowsDown            // a stack: faults below it extend it
	vmNoReserve            // not counted as committed memory
	vmLocked               // mlock
	vmLockOnFault          // mlock2 with MLOCK_ONFAULT: locked, but not populated
	vmDontFork
	vmWipeOnFork
	vmDontDump
	vmSequential
	vmRandom
	vmMergeable
	vmHugePage
	vmNoHugePage
)

const protMask = abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC

// A vma is a virtual memory area: pages in a row that are alike.
type vma struct {
	start, end uintptr  // page-aligned, not empty
	m          *Mapping // the object mapped, or nil for private anonymous memory
	offset     uint64   // page index in the object that start maps
	name       string   // in brackets, for areas that are no files; or ""
	prot       uint8    // abi.PROT_*: what the user asked for
	maxProt    uint8    // what mprotect may give
	flags      vmaFlags
}

func (v *vma) shared() bool { return v.flags&vmShared != 0 }

func (v *vma) pages() int64 { return int64((v.end - v.start) >> pageShift) }

// index returns the page index in v's object of the page at addr.
func (v *vma) index(addr uintptr) uint64 {
	return v.offset + uint64((addr-v.start)>>pageShift)
}

// executeOnly reports whether v can be executed and not be read. Without
// protection keys that cannot be.
func (v *vma) executeOnly() bool { return v.prot == abi.PROT_EXEC && pagetable.ExecuteOnly() }

// rights returns what page-table entries of v may allow. PROT_* and
// pagetable's rights are the same bits, and writing includes reading.
func (v *vma) rights() pagetable.Prot {
	const fromWrite = pagetable.Write / pagetable.Read
	return pagetable.Prot(v.prot) | pagetable.Prot(v.prot)/fromWrite&pagetable.Read
}

// allows reports whether the user may access v so. Write and execute permission
// include read, unless v is executeOnly.
func (v *vma) allows(write, exec bool) bool {
	switch {
	case write:
		return v.prot&abi.PROT_WRITE != 0
	case exec:
		return v.prot&abi.PROT_EXEC != 0
	default:
		return v.prot != 0 && !v.executeOnly()
	}
}

// guardedStart returns the first address that belongs to v or to the gap that
// stays free below a stack.
func (v *vma) guardedStart() uintptr {
	if v.flags&vmGrowsDown == 0 {
		return v.start
	}
	if v.start < stackGuardGap {
		return 0
	}
	return v.start - stackGuardGap
}

// isData reports whether RLIMIT_DATA counts v.
func (v *vma) isData() bool {
	return v.prot&abi.PROT_WRITE != 0 && v.flags&(vmShared|vmGrowsDown) == 0
}

func (v *vma) isText() bool {
	return v.prot&(abi.PROT_WRITE|abi.PROT_EXEC) == abi.PROT_EXEC && v.flags&vmGrowsDown == 0
}

// isCommitted reports whether v's pages may all need memory of their own.
func (v *vma) isCommitted() bool {
	return v.prot&abi.PROT_WRITE != 0 && v.flags&(vmShared|vmNoReserve) == 0
}

// continues reports whether w, which begins where v ends, can be one area
// with it.
func (v *vma) continues(w *vma) bool {
	return v.end == w.start && v.m == w.m && v.prot == w.prot && v.maxProt == w.maxProt &&
		v.flags == w.flags && v.name == w.name &&
		(v.m == nil || v.offset+uint64(v.pages()) == w.offset)
}
