package mm

import (
	"kevlar/kernel/abi"
)

// Mremap changes the size of the mapping at old for c, or moves it, and returns
// where it is then: mremap(2).
func (as *AddressSpace) Mremap(c Caller, old, oldLen, newLen uintptr, flags int, newAddr uintptr) (uintptr, error) {
	const known = abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED | abi.MREMAP_DONTUNMAP
	mayMove := flags&abi.MREMAP_MAYMOVE != 0
	keep := flags&abi.MREMAP_DONTUNMAP != 0
	fixed := flags&abi.MREMAP_FIXED != 0
	if flags&^known != 0 || (fixed || keep) && !mayMove || keep && oldLen != newLen || old&pageMask != 0 {
		return 0, abi.EINVAL
	}
	oldLen, newLen = pageUp(oldLen), pageUp(newLen)
	if newLen == 0 {
		return 0, abi.EINVAL
	}
	r := remap{as: as, caller: c, old: old, oldLen: oldLen, newLen: newLen, keep: keep}
	addr, locked, err := r.do(mayMove, fixed, newAddr)
	if err == nil && locked && newLen > oldLen {
		as.populate(c, addr+oldLen, addr+newLen)
	}
	return addr, err
}

// A remap is a call of mremap under way, with as locked for writing.
type remap struct {
	as             *AddressSpace
	caller         Caller
	old            uintptr
	oldLen, newLen uintptr
	keep           bool // the old pages stay mapped, but empty
}

// do finds out what is to be done, and does it. It reports whether what is new
// is to be populated because it is locked.
func (r *remap) do(mayMove, fixed bool, newAddr uintptr) (addr uintptr, locked bool, err error) {
	as := r.as
	as.mu.Lock()
	defer as.unlock()
	switch {
	case as.vmas.at(r.old) == nil:
		return 0, false, abi.EFAULT
	case fixed || r.keep:
		return r.to(fixed, newAddr)
	case r.oldLen > r.newLen:
		return r.old, false, as.mayUnmap(r.old+r.newLen, r.oldLen-r.newLen)
	case r.oldLen == r.newLen:
		return r.old, false, nil
	}
	v, err := r.resizable()
	if err != nil {
		return 0, false, err
	}
	end := r.old + r.newLen
	if r.old+r.oldLen == v.end && r.newLen <= UserTop-r.old && as.isFree(v.end, end) {
		if err := as.room(1); err != nil {
			return 0, false, err
		}
		grown := *v
		grown.start, grown.end, grown.offset = v.end, end, v.index(v.end)
		as.addVMA(grown)
		return r.old, grown.flags&(vmLocked|vmLockOnFault) == vmLocked, nil
	}
	if !mayMove {
		return 0, false, abi.ENOMEM
	}
	newAddr, err = as.placeFor(r.caller, 0, r.newLen, 0)
	if err != nil {
		return 0, false, err
	}
	return r.move(v, newAddr)
}

// to moves the mapping to a place that the caller names (fixed), or wishes for.
// What is there, and what is to be cut off, goes first, as on Linux, even if
// the move is then refused.
func (r *remap) to(fixed bool, newAddr uintptr) (uintptr, bool, error) {
	as := r.as
	switch {
	case newAddr&pageMask != 0,
		r.newLen > UserTop || newAddr > UserTop-r.newLen,
		r.old+r.oldLen > newAddr && newAddr+r.newLen > r.old:
		return 0, false, abi.EINVAL
	}
	if err := as.room(5); err != nil {
		return 0, false, err
	}
	if fixed {
		if err := as.mayUnmap(newAddr, r.newLen); err != nil {
			return 0, false, err
		}
	}
	if r.oldLen > r.newLen {
		if err := as.mayUnmap(r.old+r.newLen, r.oldLen-r.newLen); err != nil {
			return 0, false, err
		}
		r.oldLen = r.newLen
	}
	v, err := r.resizable()
	if err != nil {
		return 0, false, err
	}
	if r.keep {
		if err := as.mayExpand(v, int64(r.newLen>>pageShift)); err != nil {
			return 0, false, err
		}
	}
	flags := 0
	if fixed {
		flags = abi.MAP_FIXED
	}
	newAddr, err = as.placeFor(r.caller, newAddr, r.newLen, flags)
	if err != nil {
		return 0, false, err
	}
	return r.move(v, newAddr)
}

// resizable returns the VMA at the old place, if its part from there on may
// change from the old size to the new one.
func (r *remap) resizable() (*vma, error) {
	as := r.as
	v := as.vmas.at(r.old)
	switch {
	case v == nil:
		return nil, abi.EFAULT
	case r.oldLen == 0 && !v.shared():
		return nil, abi.EINVAL // a second mapping of the same pages: only of shared ones
	case r.oldLen > v.end-r.old:
		return nil, abi.EFAULT
	case r.newLen <= r.oldLen:
		return v, nil
	}
	if i := v.index(r.old); i+uint64(r.newLen>>pageShift) < i {
		return nil, abi.EINVAL
	}
	n := int64((r.newLen - r.oldLen) >> pageShift)
	if v.flags&vmLocked != 0 && !as.mayLock(n, r.caller) {
		return nil, abi.EAGAIN
	}
	return v, as.mayExpand(v, n)
}

// move moves the part of v from the old place on to newAddr, where nothing is
// mapped.
func (r *remap) move(v *vma, newAddr uintptr) (uintptr, bool, error) {
	as := r.as
	if err := as.room(3); err != nil {
		return 0, false, err
	}
	moved := *v
	moved.start, moved.end, moved.offset = newAddr, newAddr+r.newLen, v.index(r.old)
	as.addVMA(moved)
	if r.oldLen > 0 {
		if err := as.table.Move(r.old, newAddr, r.oldLen); err != nil {
			as.unmap(newAddr, newAddr+r.newLen)
			return 0, false, err
		}
		if !r.keep {
			as.unmap(r.old, r.old+r.oldLen)
		} else if moved.flags&vmLocked != 0 {
			// What stays behind is not locked. There is room to split.
			_ = as.setFlags(as.vmas.at(r.old), r.old, r.old+r.oldLen, 0, vmLocked|vmLockOnFault)
		}
	}
	return newAddr, moved.flags&(vmLocked|vmLockOnFault) == vmLocked, nil
}
