package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// Fork returns a copy of as with one reference: fork(2). Private memory is
// copied when either side writes to it; shared memory stays shared. Memory
// locks are not inherited. account pays for the copy.
func (as *AddressSpace) Fork(account *kmem.Account) (*AddressSpace, error) {
	child, err := newSpace(account)
	if err != nil {
		return nil, err
	}
	if err := as.forkInto(child); err != nil {
		child.Put()
		return nil, err
	}
	return child, nil
}

func (as *AddressSpace) forkInto(child *AddressSpace) error {
	as.mu.Lock()
	defer as.unlock()
	child.mu.Lock() // objects know it from attach on
	defer child.unlock()

	if err := child.roomFor(as.vmas.len(), as.mappings.n); err != nil {
		return err
	}
	child.layout = as.layout
	child.limit = as.limit
	child.vmas.reserve(as.vmas.len() + 2)
	defer as.mappings.forgetCopies()
	protected := false
	defer func() {
		if protected {
			as.table.Flush()
		}
	}()
	c := as.vmas.search(0)
	for next := c.vma(); next != nil; next = c.next() {
		v := *next
		if v.flags&vmDontFork != 0 {
			continue
		}
		v.flags &^= vmLocked | vmLockOnFault
		if v.m != nil {
			v.m = child.attachCopy(v.m)
			v.m.vmas++
			v.m.widen(v.start, v.end)
		}
		child.usage.add(&v, v.pages())
		child.vmas.push(&v)
		if v.flags&vmWipeOnFork != 0 {
			continue
		}
		protected = protected || !v.shared()
		n, err := as.table.CopyRange(child.table, v.start, v.end, !v.shared(), v.refillsCheaply())
		child.rssAnon.Add(int64(n.Anon))
		child.rssOf(&v).Add(int64(n.Object))
		if err != nil {
			return err
		}
	}
	return nil
}

// attachCopy returns the Mapping in as, which is being forked to, for one that
// the parent has. The caller widens and counts it.
func (as *AddressSpace) attachCopy(m *Mapping) *Mapping {
	if m.copy == nil {
		m.copy = &Mapping{space: as, mappingKey: m.mappingKey, presenter: m.presenter, shmem: m.shmem, unnoticed: m.unnoticed}
		as.adopt(m.copy)
	}
	return m.copy
}

// refillsCheaply reports whether faults bring in v's object pages many at a
// time, so that fork, which mostly comes before exec, need not copy them.
func (v *vma) refillsCheaply() bool {
	return v.m != nil && v.m.presenter != nil && !(v.shared() && v.prot&abi.PROT_WRITE != 0)
}
