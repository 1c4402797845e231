package mm

import (
	"kevlar/kernel/abi"
)

// Madvise takes advice about the pages in [addr, addr+n): madvise(2). If some
// of them are not mapped the advice is followed for the rest and the error is
// ENOMEM. Advice that is not known, or that there is nothing to do for here
// though Linux would do something, is EINVAL.
func (as *AddressSpace) Madvise(addr, n uintptr, advice int) error {
	switch advice {
	case abi.MADV_NORMAL, abi.MADV_RANDOM, abi.MADV_SEQUENTIAL, abi.MADV_WILLNEED,
		abi.MADV_DONTNEED, abi.MADV_FREE, abi.MADV_REMOVE,
		abi.MADV_DONTFORK, abi.MADV_DOFORK, abi.MADV_WIPEONFORK, abi.MADV_KEEPONFORK,
		abi.MADV_DONTDUMP, abi.MADV_DODUMP,
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
	switch advice {
	case abi.MADV_POPULATE_READ, abi.MADV_POPULATE_WRITE:
		return as.madvisePopulate(addr, end, advice == abi.MADV_POPULATE_WRITE)
	case abi.MADV_REMOVE:
		return as.madviseRemove(addr, end)
	}
	return as.madvise(addr, end, advice)
}

// madvise follows advice that concerns each VMA by itself.
func (as *AddressSpace) madvise(start, end uintptr, advice int) error {
	as.mu.Lock()
	defer as.unlock()
	var missing error
	for at := start; at < end; {
		v := as.vmas.search(at).vma()
		if v == nil || v.start >= end {
			return abi.ENOMEM
		}
		if v.start > at {
			missing = abi.ENOMEM
			at = v.start
		}
		to := min(end, v.end)
		if err := as.adviseVMA(v, at, to, advice); err != nil {
			return err
		}
		at = to
	}
	return missing
}

// adviseVMA follows advice for [start, end), which lies in v.
func (as *AddressSpace) adviseVMA(v *vma, start, end uintptr, advice int) error {
	var set, reset vmaFlags
	switch advice {
	case abi.MADV_DONTNEED:
		if v.flags&vmLocked != 0 {
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

// madvisePopulate touches every page.
func (as *AddressSpace) madvisePopulate(start, end uintptr, write bool) error {
	for addr := start; addr < end; addr += pageSize {
		switch err := as.Fault(addr, write, false, false).(type) {
		case nil:
		case FaultError:
			switch {
			case err.Signal == abi.SIGBUS:
				return abi.EFAULT
			case err.Code == segvAccErr:
				return abi.EINVAL
			}
			return abi.ENOMEM
		default:
			return err
		}
	}
	return nil
}

// madviseRemove makes holes in the objects that are mapped.
func (as *AddressSpace) madviseRemove(start, end uintptr) error {
	for at := start; at < end; {
		p, first, last, to, err := as.puncher(at, end)
		if err != nil {
			return err
		}
		if err := p.Punch(first, last); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// puncher returns the object mapped at start, and which of its pages are
// mapped from there to the end of the VMA, or to end.
func (as *AddressSpace) puncher(start, end uintptr) (p Puncher, first, last uint64, to uintptr, err error) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.at(start)
	if v == nil {
		return nil, 0, 0, 0, abi.ENOMEM
	}
	if v.m == nil || v.flags&vmLocked != 0 {
		return nil, 0, 0, 0, abi.EINVAL
	}
	if !v.shared() || v.maxProt&abi.PROT_WRITE == 0 {
		return nil, 0, 0, 0, abi.EACCES
	}
	p, ok := v.m.object.(Puncher)
	if !ok {
		return nil, 0, 0, 0, abi.EOPNOTSUPP
	}
	to = min(end, v.end)
	return p, v.index(start), v.index(to), to, nil
}
