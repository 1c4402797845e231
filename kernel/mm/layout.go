package mm

import (
	"kevlar/kernel/abi"
)

const (
	// UserTop is the end of what users may map.
	UserTop uintptr = 0x7ffffffff000
	// MinAddress is the lowest address users may map: proc_sys_vm(5),
	// mmap_min_addr.
	MinAddress uintptr = 65536

	// stackGuardGap stays free below a stack.
	stackGuardGap = 256 * pageSize

	// Random displacements: of the stack 16 GiB at most, of the area for
	// mmap 1 TiB, of the heap 32 MiB, as on Linux.
	stackRandomPages = 1 << 22
	mmapRandomPages  = 1 << 28
	brkRandomPages   = 1 << 13

	// The stack's limit, by which the area for mmap begins below it, counts
	// within these bounds.
	minStackGap = 128 << 20
	maxStackGap = UserTop / 6 * 5

	// bottomUpBase is where the search goes on when there is no room below
	// the stack.
	bottomUpBase = UserTop / 3

	// pieBase is where programs that can run anywhere are loaded.
	pieBase = UserTop / 3 * 2
)

// Random returns 64 random bits. The kernel sets it before the first New;
// without it, address spaces are all laid out alike.
var Random = func() uint64 { return 0 }

// layout is where the parts of an address space are.
type layout struct {
	randomize bool
	mmapBase  uintptr // mmap goes down from here
	stackTop  uintptr // the end of the stack
	brkStart  uintptr
	brk       uintptr
}

func newLayout() layout {
	l := layout{randomize: true}
	l.place(8 << 20)
	return l
}

// place chooses the places of the stack, which may grow to stackLimit bytes,
// and of the area for mmap.
func (l *layout) place(stackLimit uint64) {
	l.stackTop = UserTop - l.random(stackRandomPages)
	gap := uintptr(min(stackLimit, uint64(maxStackGap)))
	gap = max(pageUp(gap), minStackGap) + stackGuardGap
	if l.randomize {
		gap += stackRandomPages << pageShift
	}
	gap = min(gap, maxStackGap)
	l.mmapBase = UserTop - gap - l.random(mmapRandomPages)
}

// random returns a displacement of less than pages pages.
func (l *layout) random(pages uint64) uintptr {
	if !l.randomize {
		return 0
	}
	return uintptr(Random()%pages) << pageShift
}

// SetRandomize turns the randomisation of addresses on or off
// (personality(2), ADDR_NO_RANDOMIZE) before anything is mapped.
func (as *AddressSpace) SetRandomize(on bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.layout.randomize = on
	as.layout.place(as.limit(abi.RLIMIT_STACK))
}

// PIEBase returns an address at which to load a program that can run
// anywhere.
func (as *AddressSpace) PIEBase() uintptr {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return pageDown(pieBase) + as.layout.random(mmapRandomPages)
}

// StackTop returns the end of the stack.
func (as *AddressSpace) StackTop() uintptr {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return as.layout.stackTop
}
