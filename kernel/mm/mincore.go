package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

// Mincore tells which of the pages from addr on are in memory: mincore(2). It
// sets the bytes of vec, one for each page up to the end of an area, to 1 or 0,
// and returns how many. The error is ENOMEM if nothing is mapped at addr.
func (as *AddressSpace) Mincore(addr uintptr, vec []byte) (int, error) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.at(addr)
	if v == nil {
		return 0, abi.ENOMEM
	}
	vec = vec[:min(uintptr(len(vec)), (v.end-addr)>>pageShift)]
	for i := range vec {
		vec[i] = 0
		if as.inCore(v, addr+uintptr(i)<<pageShift) {
			vec[i] = 1
		}
	}
	return len(vec), nil
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
