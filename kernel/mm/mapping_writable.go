package mm

import "kevlar/kernel/abi"

// SharedWritable reports whether the object is mapped so that it can be written
// through the mapping, at once or after mprotect(2). The caller sees to it that
// no new mapping of that kind is made meanwhile, and holds no lock that
// Object.Page takes.
func (ms *Mappings) SharedWritable() (writable bool) {
	ms.each(func(m *Mapping) bool {
		writable = m.space.writesTo(m)
		return !writable
	})
	return writable
}

// writesTo reports whether a shared VMA of m is writable or may become so.
func (as *AddressSpace) writesTo(m *Mapping) bool {
	as.mu.Lock()
	defer as.unlock()
	c := as.vmas.search(m.low)
	for v := c.vma(); v != nil && v.start < m.high; v = c.next() {
		if v.m == m && v.shared() && v.maxProt&abi.PROT_WRITE != 0 {
			return true
		}
	}
	return false
}
