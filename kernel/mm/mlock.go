package mm

import (
	"kevlar/kernel/abi"
)

// Nothing here is ever paged out: a memory lock brings pages in, and counts.

// Mlock locks the pages in [addr, addr+n): mlock2(2). With onFault it locks
// each one when it is first touched.
func (as *AddressSpace) Mlock(c Caller, addr, n uintptr, onFault bool) error {
	set := vmLocked
	if onFault {
		set |= vmLockOnFault
	}
	if !mayLockAny(c) && as.lockLimit() == 0 {
		return abi.EPERM
	}
	start, n := pageDown(addr), pageUp(n+addr&pageMask)
	if err := as.lockRange(c, start, n, set, vmLockOnFault&^set); err != nil {
		return err
	}
	if onFault {
		return nil
	}
	return lockError(as.populate(c, start, start+n))
}

// Munlock unlocks the pages in [addr, addr+n): munlock(2).
func (as *AddressSpace) Munlock(addr, n uintptr) error {
	return as.lockRange(nil, pageDown(addr), pageUp(n+addr&pageMask), 0, vmLocked|vmLockOnFault)
}

// MlockAll locks everything that is mapped, or will be: mlockall(2).
func (as *AddressSpace) MlockAll(c Caller, flags int) error {
	if flags == 0 || flags&^(abi.MCL_CURRENT|abi.MCL_FUTURE|abi.MCL_ONFAULT) != 0 || flags == abi.MCL_ONFAULT {
		return abi.EINVAL
	}
	if !mayLockAny(c) && as.lockLimit() == 0 {
		return abi.EPERM
	}
	if err := as.lockEverything(c, flags); err != nil {
		return err
	}
	if flags&(abi.MCL_CURRENT|abi.MCL_ONFAULT) == abi.MCL_CURRENT {
		as.populateAll(c)
	}
	return nil
}

// MunlockAll undoes all memory locks: munlockall(2).
func (as *AddressSpace) MunlockAll() {
	as.mu.Lock()
	defer as.unlock()
	as.lockAll = 0
	as.flagAll(0, vmLocked|vmLockOnFault)
}

func (as *AddressSpace) lockLimit() uint64 {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return as.limit(abi.RLIMIT_MEMLOCK)
}

// lockRange changes the locks of the pages in [start, start+n), all of which
// must be mapped.
func (as *AddressSpace) lockRange(c Caller, start, n uintptr, set, reset vmaFlags) error {
	as.mu.Lock()
	defer as.unlock()
	end := start + n
	if set != 0 && !as.mayLock(int64(n>>pageShift)-as.lockedPages(start, end), c) {
		return abi.ENOMEM
	}
	if end < start {
		return abi.EINVAL
	}
	for at := start; at < end; {
		v := as.vmas.at(at)
		if v == nil {
			return abi.ENOMEM
		}
		to := min(end, v.end)
		if err := as.setFlags(v, at, to, set, reset); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// lockedPages returns how many pages of [start, end) are locked.
func (as *AddressSpace) lockedPages(start, end uintptr) int64 {
	n := int64(0)
	c := as.vmas.search(start)
	for v := c.vma(); v != nil && v.start < end; v = c.next() {
		if v.flags&vmLocked != 0 {
			n += int64((min(end, v.end) - max(start, v.start)) >> pageShift)
		}
	}
	return n
}

func (as *AddressSpace) lockEverything(c Caller, flags int) error {
	as.mu.Lock()
	defer as.unlock()
	set := vmLocked
	if flags&abi.MCL_ONFAULT != 0 {
		set |= vmLockOnFault
	}
	if flags&abi.MCL_CURRENT != 0 && !as.mayLock(as.usage.total-as.usage.locked, c) {
		return abi.ENOMEM
	}
	as.lockAll = 0
	if flags&abi.MCL_FUTURE != 0 {
		as.lockAll = set
	}
	if flags&abi.MCL_CURRENT != 0 {
		as.flagAll(set, vmLockOnFault&^set)
	}
	return nil
}

// flagAll changes the flags of every VMA.
func (as *AddressSpace) flagAll(set, reset vmaFlags) {
	c := as.vmas.search(0)
	for v := c.vma(); v != nil; v = c.next() {
		as.usage.add(v, -v.pages())
		v.flags = v.flags&^reset | set
		as.usage.add(v, v.pages())
	}
	as.vmas.merge(0, UserTop)
}

// populateAll brings in everything that is mapped, as far as that goes.
func (as *AddressSpace) populateAll(c Caller) {
	for at := uintptr(0); !killed(c); {
		start, end, ok := as.next(at)
		if !ok {
			return
		}
		as.populate(c, start, end)
		at = end
	}
}

// next returns the first VMA that ends behind addr.
func (as *AddressSpace) next(addr uintptr) (start, end uintptr, ok bool) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.search(addr).vma()
	if v == nil {
		return 0, 0, false
	}
	return v.start, v.end, true
}

// lockError turns an error of populate into mlock's: ENOMEM if a page cannot
// be touched, EAGAIN for lack of memory.
func lockError(err error) error {
	switch err {
	case nil:
		return nil
	case abi.ENOMEM:
		return abi.EAGAIN
	}
	return abi.ENOMEM
}
