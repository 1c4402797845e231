package mm

import "kevlar/kernel/abi"

// Msync writes shared file mappings in [addr, addr+n) back: msync(2).
func (as *AddressSpace) Msync(addr, n uintptr, flags int) error {
	const known = abi.MS_ASYNC | abi.MS_INVALIDATE | abi.MS_SYNC
	if flags&^known != 0 || addr&pageMask != 0 || flags&abi.MS_ASYNC != 0 && flags&abi.MS_SYNC != 0 {
		return abi.EINVAL
	}
	end := addr + pageUp(n)
	if end < addr {
		return abi.ENOMEM
	}
	var missing error
	for at := addr; at < end; {
		part, err := as.syncPart(at, end, flags)
		if err != nil {
			return err
		}
		if part.start > at {
			missing = abi.ENOMEM
		}
		if part.syncer != nil {
			if err := part.syncer.Sync(part.first, part.last); err != nil {
				part.file.Put()
				return err
			}
			part.file.Put()
		}
		at = part.end
	}
	return missing
}

// syncPart is what to write back for one VMA.
type syncPart struct {
	start, end  uintptr
	syncer      Syncer // nil if there is nothing to do
	file        File   // with a reference that keeps syncer alive
	first, last uint64
}

// syncPart returns the part for the first VMA in [start, end).
func (as *AddressSpace) syncPart(start, end uintptr, flags int) (syncPart, error) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.search(start).vma()
	if v == nil || v.start >= end {
		return syncPart{}, abi.ENOMEM
	}
	p := syncPart{start: max(start, v.start), end: min(end, v.end)}
	if flags&abi.MS_INVALIDATE != 0 && v.flags&vmLocked != 0 {
		return syncPart{}, abi.EBUSY
	}
	if flags&abi.MS_SYNC == 0 || !v.shared() || v.m.file == nil {
		return p, nil
	}
	if s, ok := v.m.object.(Syncer); ok {
		p.syncer, p.file = s, v.m.file
		p.file.Get()
		p.first, p.last = v.index(p.start), v.index(p.end)
	}
	return p, nil
}
