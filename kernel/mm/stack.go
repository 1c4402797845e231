package mm

import "kevlar/kernel/abi"

// initialStack is how much of the stack is mapped from the start: Linux's
// figure. Faults below extend it.
const initialStack = 132 << 10

// SetStack maps the stack, which may later grow to limit bytes, and places the
// area for mmap below it. The stack ends at top, or at a random place if top
// is 0. It is the first thing to be mapped.
func (as *AddressSpace) SetStack(top uintptr, limit uint64) error {
	as.mu.Lock()
	defer as.unlock()
	as.layout.place(limit)
	if top != 0 {
		as.layout.stackTop = pageUp(top)
	}
	size := min(uintptr(initialStack), max(pageDown(uintptr(limit)), pageSize))
	v := vma{
		start: as.layout.stackTop - size, end: as.layout.stackTop,
		prot: abi.PROT_READ | abi.PROT_WRITE, maxProt: protMask,
		flags: vmGrowsDown,
	}
	if as.vmas.overlaps(v.start, v.end) {
		return abi.EEXIST
	}
	if err := as.room(1); err != nil {
		return err
	}
	if err := as.mayExpand(&v, v.pages()); err != nil {
		return err
	}
	as.addVMA(v)
	return nil
}

// growStack extends the stack above addr down to it. It reports whether addr
// is mapped then.
func (as *AddressSpace) growStack(addr uintptr) bool {
	as.mu.Lock()
	defer as.unlock()
	c := as.vmas.search(addr)
	v := c.vma()
	if v == nil {
		return false
	}
	if v.start <= addr {
		return true // another thread was faster
	}
	start := pageDown(addr)
	if v.flags&vmGrowsDown == 0 || start < MinAddress {
		return false
	}
	// The gap keeps a stack from running into what somebody put below it.
	// Areas that nobody can touch, and other stacks, need none.
	if below := c.before(); below != nil {
		if below.prot != 0 && below.flags&vmGrowsDown == 0 && start-below.end < stackGuardGap {
			return false
		}
	}
	n := int64((v.start - start) >> pageShift)
	if uint64(v.end-start) > as.limit(abi.RLIMIT_STACK) {
		return false
	}
	if v.flags&vmLocked != 0 && !as.mayLock(n, nil) {
		return false
	}
	if as.mayExpand(v, n) != nil {
		return false
	}
	as.usage.add(v, n)
	as.vmas.resize(v, start, v.end)
	return true
}
