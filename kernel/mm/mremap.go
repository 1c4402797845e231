package mm

import (
	"kevlar/kernel/abi"
)

// Mremap changes the size of the mapping at old, or moves it, and returns where
// it is then: mremap(2).
func (as *AddressSpace) Mremap(old, oldLen, newLen uintptr, flags int, newAddr uintptr) (uintptr, error) {
	const known = abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED | abi.MREMAP_DONTUNMAP
	mayMove := flags&abi.MREMAP_MAYMOVE != 0
	keep := flags&abi.MREMAP_DONTUNMAP != 0
	fixed := flags&abi.MREMAP_FIXED != 0
	oldLen, newLen = pageUp(oldLen), pageUp(newLen)
	switch {
	case flags&^known != 0, (fixed || keep) && !mayMove, keep && oldLen != newLen,
		old&pageMask != 0, newLen == 0:
		return 0, abi.EINVAL
	}
	addr, locked, err := as.mremap(old, oldLen, newLen, mayMove, fixed, keep, newAddr)
	if err == nil && locked && newLen > oldLen {
		as.populate(addr+oldLen, addr+newLen)
	}
	return addr, err
}

func (as *AddressSpace) mremap(old, oldLen, newLen uintptr, mayMove, fixed, keep bool, newAddr uintptr) (addr uintptr, locked bool, err error) {
	as.mu.Lock()
	defer as.unlock()
	v := as.vmas.at(old)
	if v == nil {
		return 0, false, abi.EFAULT
	}
	if oldLen == 0 && !v.shared() {
		return 0, false, abi.EINVAL // a second mapping of the same pages: only of shared ones
	}
	if fixed || keep {
		return as.mremapTo(old, oldLen, newLen, fixed, keep, newAddr)
	}
	if oldLen >= newLen {
		if oldLen > newLen {
			if old > UserTop || oldLen > UserTop-old {
				return 0, false, abi.EINVAL
			}
			if err := as.room(as.splitsInside(old+newLen, old+oldLen)); err != nil {
				return 0, false, err
			}
			as.unmap(old+newLen, old+oldLen)
		}
		return old, false, nil
	}
	if err := as.mayResize(v, old, oldLen, newLen); err != nil {
		return 0, false, err
	}
	if old+oldLen == v.end && newLen <= UserTop-old && as.isFree(v.end, old+newLen) {
		grown := *v
		grown.start, grown.end = v.end, old+newLen
		grown.offset = v.index(v.end)
		as.addVMA(grown)
		return old, grown.flags&(vmLocked|vmLockOnFault) == vmLocked, nil
	}
	if !mayMove {
		return 0, false, abi.ENOMEM
	}
	newAddr, err = as.placeFor(0, newLen, 0)
	if err != nil {
		return 0, false, err
	}
	return as.moveVMA(v, old, oldLen, newAddr, newLen, false)
}

// mremapTo is mremap to a place that the caller names (fixed), or with the old
// pages left mapped but empty (keep).
func (as *AddressSpace) mremapTo(old, oldLen, newLen uintptr, fixed, keep bool, newAddr uintptr) (uintptr, bool, error) {
	if fixed {
		switch {
		case newAddr&pageMask != 0,
			newLen > UserTop || newAddr > UserTop-newLen,
			old+oldLen > newAddr && newAddr+newLen > old:
			return 0, false, abi.EINVAL
		case newAddr < MinAddress:
			return 0, false, abi.EPERM
		}
		if err := as.room(as.vmas.splits(newAddr, newAddr+newLen)); err != nil {
			return 0, false, err
		}
		as.unmap(newAddr, newAddr+newLen)
	}
	if oldLen > newLen {
		if err := as.room(as.splitsInside(old+newLen, old+oldLen)); err != nil {
			return 0, false, err
		}
		as.unmap(old+newLen, old+oldLen)
		oldLen = newLen
	}
	v := as.vmas.at(old)
	if v == nil {
		return 0, false, abi.EFAULT
	}
	if keep && (v.m != nil || v.shared()) {
		return 0, false, abi.EINVAL
	}
	if err := as.mayResize(v, old, oldLen, newLen); err != nil {
		return 0, false, err
	}
	if !fixed {
		var err error
		if newAddr, err = as.placeFor(newAddr, newLen, 0); err != nil {
			return 0, false, err
		}
	}
	return as.moveVMA(v, old, oldLen, newAddr, newLen, keep)
}

// mayResize checks whether the part of v from old on, oldLen bytes, may become
// newLen bytes.
func (as *AddressSpace) mayResize(v *vma, old, oldLen, newLen uintptr) error {
	if oldLen > v.end-old {
		return abi.EFAULT
	}
	if newLen <= oldLen {
		return nil
	}
	if i := v.index(old); i+uint64(newLen>>pageShift) < i {
		return abi.EINVAL
	}
	n := int64((newLen - oldLen) >> pageShift)
	if v.flags&vmLocked != 0 && !as.mayLock(n, false) {
		return abi.EAGAIN
	}
	return as.mayExpand(v, n)
}

// moveVMA moves the part of v from old on to newAddr, where nothing is mapped.
func (as *AddressSpace) moveVMA(v *vma, old, oldLen, newAddr, newLen uintptr, keep bool) (uintptr, bool, error) {
	if err := as.room(3); err != nil {
		return 0, false, err
	}
	moved := *v
	moved.start, moved.end = newAddr, newAddr+newLen
	moved.offset = v.index(old)
	as.addVMA(moved)
	if oldLen > 0 {
		if err := as.table.Move(old, newAddr, oldLen); err != nil {
			as.unmap(newAddr, newAddr+newLen)
			return 0, false, err
		}
		if !keep {
			as.unmap(old, old+oldLen)
		} else if moved.flags&vmLocked != 0 {
			// What stays behind is not locked. There is room to split.
			_ = as.setFlags(as.vmas.at(old), old, old+oldLen, 0, vmLocked|vmLockOnFault)
		}
	}
	return newAddr, moved.flags&(vmLocked|vmLockOnFault) == vmLocked, nil
}
