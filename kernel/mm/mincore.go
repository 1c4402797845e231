package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

// Mincore tells which of the pages from addr on are in memory: mincore(2). It
// sets the bytes of vec, one for each page, to 1 or 0.
func (as *AddressSpace) Mincore(addr uintptr, vec []byte) error {
	if addr&pageMask != 0 {
		return abi.EINVAL
	}
	n := uintptr(len(vec)) << pageShift
	if addr > UserTop || n > UserTop-addr {
		return abi.ENOMEM
	}
	as.mu.RLock()
	defer as.mu.RUnlock()
	if !as.vmas.covered(addr, addr+n) {
		return abi.ENOMEM
	}
	for i := range vec {
		page := addr + uintptr(i)<<pageShift
		vec[i] = 0
		if as.inCore(as.vmas.at(page), page) {
			vec[i] = 1
		}
	}
	return nil
}

// inCore reports whether the page of v is in memory: here, or in the object.
func (as *AddressSpace) inCore(v *vma, page uintptr) bool {
	if _, _, ok := as.table.Lookup(page); ok {
		return true
	}
	if v.m == nil || v.m.presenter == nil {
		return false
	}
	window := windows.Get().(*[aroundPages]frame.Frame)
	defer windows.Put(window)
	v.m.presenter.Present(v.index(page), window[:1])
	if window[0] == 0 {
		return false
	}
	window[0].Put()
	return true
}
