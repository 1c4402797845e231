package mm

import "kevlar/kernel/abi"

// SetBrk sets where the heap begins: after end, the end of the program's
// data, by a random distance. The heap is empty.
func (as *AddressSpace) SetBrk(end uintptr) {
	as.mu.Lock()
	defer as.mu.Unlock()
	start := pageUp(end) + as.layout.random(brkRandomPages)
	as.layout.brkStart, as.layout.brk = start, start
}

// Brk moves the end of the heap to addr for c, if it can: brk(2). It returns the end
// as it is then.
func (as *AddressSpace) Brk(c Caller, addr uintptr) uintptr {
	brk, grown, locked := as.moveBrk(c, addr)
	if locked {
		as.populate(c, pageUp(brk)-grown, pageUp(brk))
	}
	return brk
}

func (as *AddressSpace) moveBrk(c Caller, addr uintptr) (brk, grown uintptr, locked bool) {
	as.mu.Lock()
	defer as.unlock()
	l := &as.layout
	if addr < l.brkStart || addr > UserTop {
		return l.brk, 0, false
	}
	old, new := pageUp(l.brk), pageUp(addr)
	switch {
	case new < old:
		if as.room(as.splitsInside(new, old)) != nil {
			return l.brk, 0, false
		}
		as.unmap(new, old)
	case new > old:
		v := vma{
			start: old, end: new,
			prot: abi.PROT_READ | abi.PROT_WRITE, maxProt: protMask,
			flags: as.lockAll,
		}
		if !as.mayGrowHeap(c, &v, addr) {
			return l.brk, 0, false
		}
		as.addVMA(v)
		grown = new - old
		locked = v.flags&(vmLocked|vmLockOnFault) == vmLocked
	}
	l.brk = addr
	return addr, grown, locked
}

// mayGrowHeap checks whether v may be added so that the heap ends at brk.
func (as *AddressSpace) mayGrowHeap(c Caller, v *vma, brk uintptr) bool {
	return uint64(brk-as.layout.brkStart) <= as.limit(abi.RLIMIT_DATA) &&
		as.isFree(v.start, v.end+pageSize) &&
		as.room(1) == nil &&
		as.mayExpand(v, v.pages()) == nil &&
		(v.flags&vmLocked == 0 || as.mayLock(v.pages(), c))
}

// Heap returns where the heap begins and ends.
func (as *AddressSpace) Heap() (start, end uintptr) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return as.layout.brkStart, as.layout.brk
}
