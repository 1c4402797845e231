package mm

import "kevlar/kernel/abi"

// SharedWritable reports whether the object is mapped so that it can be written
// through the mapping, at once or after mprotect(2). The caller sees to it that
// no new mapping of that kind is made meanwhile, and holds no lock that
// Object.Page takes.
func (ms *Mappings) SharedWritable() bool {
	for {
		before := ms.additions()
		for _, m := range ms.snapshot() {
			writable := m.space.writesTo(m)
			m.space.putLater()
			if writable {
				return true
			}
		}
		// A fork during the walk may have copied a mapping to a space that
		// was not looked at.
		if ms.additions() == before {
			return false
		}
	}
}

func (ms *Mappings) additions() uint64 {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.added
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
