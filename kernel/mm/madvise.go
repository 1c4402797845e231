package mm

import (
	"kevlar/kernel/abi"
)

// Madvise takes c's advice about the pages in [addr, addr+n): madvise(2). If
// some of them are not mapped the advice is followed for the rest and the error
// is ENOMEM. Advice that is not known is EINVAL.
func (as *AddressSpace) Madvise(c Caller, addr, n uintptr, advice int) error {
	switch advice {
	case abi.MADV_NORMAL, abi.MADV_RANDOM, abi.MADV_SEQUENTIAL, abi.MADV_WILLNEED,
		abi.MADV_DONTNEED, abi.MADV_DONTNEED_LOCKED, abi.MADV_FREE, abi.MADV_REMOVE,
		abi.MADV_DONTFORK, abi.MADV_DOFORK, abi.MADV_WIPEONFORK, abi.MADV_KEEPONFORK,
		abi.MADV_DONTDUMP, abi.MADV_DODUMP, abi.MADV_COLD, abi.MADV_PAGEOUT,
		abi.MADV_MERGEABLE, abi.MADV_UNMERGEABLE, abi.MADV_HUGEPAGE, abi.MADV_NOHUGEPAGE, abi.MADV_COLLAPSE,
		abi.MADV_POPULATE_READ, abi.MADV_POPULATE_WRITE:
	default:
		return abi.EINVAL
	}
	end := addr + pageUp(n)
	switch {
	case addr&pageMask != 0, n != 0 && pageUp(n) == 0, end < addr:
		return abi.EINVAL
	case end == addr:
		return nil
	}
	follow := as.followAdvice
	switch advice {
	case abi.MADV_POPULATE_READ, abi.MADV_POPULATE_WRITE:
		follow = as.advisePopulate
	case abi.MADV_REMOVE:
		follow = as.adviseRemove
	}
	var missing error
	for at := addr; at < end; {
		start, to, err := follow(c, at, end, advice)
		if err != nil {
			return err
		}
		if start > at {
			missing = abi.ENOMEM
		}
		at = to
	}
	return missing
}

// followAdvice follows advice for the first VMA in [at, end). It returns the
// part of the range that it was concerned with. The error is ENOMEM if there is
// no VMA.
func (as *AddressSpace) followAdvice(_ Caller, at, end uintptr, advice int) (start, to uintptr, err error) {
	as.mu.Lock()
	defer as.unlock()
	v := as.vmas.search(at).vma()
	if v == nil || v.start >= end {
		return 0, 0, abi.ENOMEM
	}
	start, to = max(at, v.start), min(end, v.end)
	if err = as.adviseVMA(v, start, to, advice); err == abi.ENOMEM {
		err = abi.EAGAIN // ENOMEM means a hole
	}
	return start, to, err
}

// adviseVMA follows advice for [start, end), which lies in v.
func (as *AddressSpace) adviseVMA(v *vma, start, end uintptr, advice int) error {
	var set, reset vmaFlags
	switch advice {
	case abi.MADV_DONTNEED, abi.MADV_DONTNEED_LOCKED:
		if v.flags&vmLocked != 0 && advice == abi.MADV_DONTNEED {
			return abi.EINVAL
		}
		as.dropPages(v, start, end)
		return nil
	case abi.MADV_FREE:
		// The pages may go at any time from now on. They go at once.
		if v.m != nil || v.flags&vmLocked != 0 {
			return abi.EINVAL
		}
		as.dropPages(v, start, end)
		return nil
	case abi.MADV_WILLNEED:
		return nil // objects have their pages in memory
	case abi.MADV_COLD, abi.MADV_PAGEOUT:
		// What is cold goes first when pages are paged out: none are.
		if v.flags&vmLocked != 0 {
			return abi.EINVAL
		}
		return nil
	case abi.MADV_COLLAPSE:
		return abi.EINVAL // no area is fit for huge pages
	case abi.MADV_MERGEABLE, abi.MADV_UNMERGEABLE:
		// Nothing looks for equal pages, as on Linux unless it is told to in
		// /sys/kernel/mm/ksm.
		if v.shared() {
			return nil
		}
		set = vmMergeable
		if advice == abi.MADV_UNMERGEABLE {
			set, reset = 0, vmMergeable
		}
	case abi.MADV_HUGEPAGE:
		set, reset = vmHugePage, vmNoHugePage
	case abi.MADV_NOHUGEPAGE:
		set, reset = vmNoHugePage, vmHugePage
	case abi.MADV_NORMAL:
		reset = vmRandom | vmSequential
	case abi.MADV_RANDOM:
		set, reset = vmRandom, vmSequential
	case abi.MADV_SEQUENTIAL:
		set, reset = vmSequential, vmRandom
	case abi.MADV_DONTFORK:
		set = vmDontFork
	case abi.MADV_DOFORK:
		reset = vmDontFork
	case abi.MADV_WIPEONFORK:
		if v.m != nil || v.shared() {
			return abi.EINVAL
		}
		set = vmWipeOnFork
	case abi.MADV_KEEPONFORK:
		reset = vmWipeOnFork
	case abi.MADV_DONTDUMP:
		set = vmDontDump
	case abi.MADV_DODUMP:
		reset = vmDontDump
	}
	return as.setFlags(v, start, end, set, reset)
}

// setFlags changes the flags of [start, end), which lies in v.
func (as *AddressSpace) setFlags(v *vma, start, end uintptr, set, reset vmaFlags) error {
	flags := v.flags&^reset | set
	if flags == v.flags {
		return nil
	}
	if err := as.room(as.vmas.splits(start, end)); err != nil {
		return err
	}
	v = as.vmas.carve(start, end).vma()
	as.usage.add(v, -v.pages())
	v.flags = flags
	as.usage.add(v, v.pages())
	as.vmas.merge(start, end)
	return nil
}

// advisePopulate is followAdvice for MADV_POPULATE_READ and _WRITE: it touches
// the pages as far as nothing is in the way.
func (as *AddressSpace) advisePopulate(c Caller, at, end uintptr, advice int) (start, to uintptr, err error) {
	write := advice == abi.MADV_POPULATE_WRITE
	start, to, ok := as.next(at)
	if !ok || start >= end {
		return 0, 0, abi.ENOMEM
	}
	start, to = max(start, at), min(to, end)
	for addr := start; addr < to; addr += pageSize {
		if killed(c) {
			return 0, 0, abi.EINTR
		}
		switch err := as.Fault(addr, write, false, false).(type) {
		case nil:
		case FaultError:
			switch {
			case err.Signal == abi.SIGBUS:
				return 0, 0, abi.EFAULT
			case err.Code == segvMapErr:
				return 0, 0, abi.ENOMEM
			}
			return 0, 0, abi.EINVAL
		default:
			return 0, 0, err
		}
	}
	return start, to, nil
}

// adviseRemove is followAdvice for MADV_REMOVE: it makes a hole in the object
// that is mapped.
func (as *AddressSpace) adviseRemove(_ Caller, at, end uintptr, _ int) (start, to uintptr, err error) {
	hole, err := as.findHole(at, end)
	if err != nil {
		return 0, 0, err
	}
	if hole.file != nil {
		defer hole.file.Put()
	}
	return hole.start, hole.end, hole.puncher.Punch(hole.first, hole.last)
}

// punchHole is what MADV_REMOVE is to do to one VMA.
type punchHole struct {
	start, end  uintptr
	puncher     Puncher
	file        File // with a reference that keeps puncher alive, or nil
	first, last uint64
}

// findHole returns the hole for the first VMA in [at, end).
func (as *AddressSpace) findHole(at, end uintptr) (punchHole, error) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.search(at).vma()
	if v == nil || v.start >= end {
		return punchHole{}, abi.ENOMEM
	}
	if v.m == nil || v.flags&vmLocked != 0 {
		return punchHole{}, abi.EINVAL
	}
	if !v.shared() || v.prot&abi.PROT_WRITE == 0 {
		return punchHole{}, abi.EACCES
	}
	p, ok := v.m.object.(Puncher)
	if !ok {
		return punchHole{}, abi.EOPNOTSUPP
	}
	h := punchHole{start: max(at, v.start), end: min(end, v.end), puncher: p, file: v.m.file}
	h.first, h.last = v.index(h.start), v.index(h.end)
	if h.file != nil {
		h.file.Get()
	}
	return h, nil
}
