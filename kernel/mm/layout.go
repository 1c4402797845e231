package mm

import (
	"kevlar/kernel/abi"
	machine "kevlar/kernel/machine/layout"
	"kevlar/kernel/random"
)

const (
	// UserTop is the end of what users may map.
	UserTop uintptr = machine.UserEnd
	// MinAddress is the lowest address users may map: proc_sys_vm(5),
	// mmap_min_addr.
	MinAddress uintptr = 65536

	// stackGuardGap stays free below a stack.
	stackGuardGap = 256 * pageSize

	// Random displacements: of the stack 16 GiB at most, of the area for
	// mmap 1 TiB, of the heap 1 GiB, as on Linux.
	stackRandomPages = 1 << 22
	mmapRandomPages  = 1 << 28
	brkRandomPages   = 1 << 18

	// The area for mmap begins below what the stack may take, by its limit
	// and its displacement, but that counts within these bounds.
	minStackGap = 128 << 20
	maxStackGap = UserTop / 6 * 5

	// bottomUpBase is where the search goes on when there is no room below
	// the stack.
	bottomUpBase = UserTop / 3

	// What MAP_32BIT asks for, and its random displacement.
	bottom32Bit      = 1 << 30
	top32Bit         = 1 << 31
	random32BitPages = 1 << 13

	// pieBase is where programs that can run anywhere are loaded.
	pieBase = UserTop / 3 * 2
)

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
	gap := uintptr(min(stackLimit, uint64(maxStackGap))) + stackGuardGap
	if l.randomize {
		gap += stackRandomPages << pageShift
	}
	gap = min(max(gap, minStackGap), maxStackGap)
	l.mmapBase = pageUp(UserTop-gap) - l.random(mmapRandomPages)
}

// random returns a displacement of less than pages pages.
func (l *layout) random(pages uint64) uintptr {
	if !l.randomize {
		return 0
	}
	return uintptr(random.Uint64()%pages) << pageShift
}

// RandomOffset returns a number below n by which to move something in the
// address space: 0 if that is not randomized.
func (as *AddressSpace) RandomOffset(n uint64) uintptr {
	as.mu.RLock()
	defer as.mu.RUnlock()
	if !as.layout.randomize {
		return 0
	}
	return uintptr(random.Uint64() % n)
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

// HeapBase returns where the heap of a program begins that lies in the area for
// mmap and ends at end: the heap would leave little room there, so it is where
// other programs that can run anywhere have it, if addresses are random.
func (as *AddressSpace) HeapBase(end uintptr) uintptr {
	as.mu.RLock()
	defer as.mu.RUnlock()
	if !as.layout.randomize {
		return end
	}
	return pageDown(pieBase)
}

// AboveStack returns an address for n bytes between the stack and the end of
// the 2 MiB that it ends in, at random; what the stack leaves there may be too
// little.
func (as *AddressSpace) AboveStack(n uintptr) uintptr {
	const span = 2 << 20
	as.mu.RLock()
	defer as.mu.RUnlock()
	start := as.layout.stackTop
	end := min((start+span-1)&^(span-1), UserTop)
	if end-start <= n {
		return start
	}
	return start + as.layout.random(uint64((end-start-n)>>pageShift)+1)
}

// StackTop returns the end of the stack.
func (as *AddressSpace) StackTop() uintptr {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return as.layout.stackTop
}
