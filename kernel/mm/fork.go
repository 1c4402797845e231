package mm

import (
	"slices"

	"kevlar/kernel/abi"
)

// Fork returns a copy of as with one reference: fork(2). Private memory is
// copied when either side writes to it; shared memory stays shared. Memory
// locks are not inherited.
func (as *AddressSpace) Fork() (*AddressSpace, error) {
	child, err := newSpace()
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

	if err := child.room(as.vmas.len()); err != nil {
		return err
	}
	child.layout = as.layout
	child.limit = as.limit
	child.vmas.all = make([]vma, 0, as.vmas.len()+2)
	child.mappings = slices.Grow(child.mappings, len(as.mappings))
	protected := false
	defer func() {
		if protected {
			as.table.Flush()
		}
	}()
	for i := range as.vmas.all {
		v := as.vmas.all[i]
		if v.flags&vmDontFork != 0 {
			continue
		}
		v.flags &^= vmLocked | vmLockOnFault
		if v.m != nil {
			v.m = child.attach(v.m.object, v.m.file, v.m.name)
			v.m.vmas++
		}
		child.usage.add(&v, v.pages())
		child.vmas.all = append(child.vmas.all, v)
		if v.flags&vmWipeOnFork != 0 {
			continue
		}
		protected = protected || !v.shared()
		c, err := as.table.CopyRange(child.table, v.start, v.end, !v.shared(), v.refillsCheaply())
		child.rssAnon.Add(int64(c.Anon))
		child.rssOf(&v).Add(int64(c.Object))
		if err != nil {
			return err
		}
	}
	return nil
}

// refillsCheaply reports whether faults bring in v's object pages many at a
// time, so that fork, which mostly comes before exec, need not copy them.
func (v *vma) refillsCheaply() bool {
	return v.m != nil && v.m.presenter != nil && !(v.shared() && v.prot&abi.PROT_WRITE != 0)
}
