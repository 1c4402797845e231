package mm

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

// An AddressSpace is the memory that the threads of a process share. It is
// counted: whoever keeps a pointer to it has a reference, and with the last
// one everything mapped there is given up.
type AddressSpace struct {
	refs  atomic.Int32
	id    uint64           // constant; no other since boot has had it
	table *pagetable.Table // constant

	account *kmem.Account // constant: pays for the kernel memory

	mu   sync.RWMutex
	vmas vmaSet // guarded by mu

	// Everything from here to the next blank line is guarded by mu.
	mappings mappingSet // those with VMAs here
	dead     *Mapping   // without VMAs; their files are closed by unlock
	layout   layout
	usage    usage
	charged  charge           // the part of usage that the totals know of
	limit    func(int) uint64 // rlimits by abi.RLIMIT_*, in their units
	lockAll  vmaFlags         // of future VMAs: mlockall(2)

	nextDropped *AddressSpace // in a Dropped

	doomed atomic.Bool // see Doom
	gone   atomic.Bool // its memory has been given back

	rssAnon   atomic.Int64 // pages
	rssObject atomic.Int64 // pages of objects other than shared memory
	rssShmem  atomic.Int64
	rssPeak   atomic.Int64
}

// spaces counts the address spaces that exist.
var spaces atomic.Int64

// lastID is the identity of the address space made last.
var lastID atomic.Uint64

// Spaces returns the number of address spaces that exist.
func Spaces() int64 { return spaces.Load() }

// zeroFrame is what reading untouched anonymous memory maps. Tables hold no
// reference on it.
var zeroFrame = sync.OnceValues(func() (frame.Frame, error) {
	f, err := frame.AllocReserved()
	if err == nil {
		f.Zero()
	}
	return f, err
})

// New returns an empty address space with one reference and without limits,
// for which account pays. The error is ENOMEM.
func New(account *kmem.Account) (*AddressSpace, error) {
	as, err := newSpace(account)
	if err != nil {
		return nil, err
	}
	as.layout = newLayout()
	return as, nil
}

func newSpace(account *kmem.Account) (*AddressSpace, error) {
	if _, err := zeroFrame(); err != nil {
		return nil, err
	}
	if err := chargeSpace(account); err != nil {
		return nil, err
	}
	table, err := pagetable.New()
	if err != nil {
		account.Uncharge(spaceCost)
		return nil, err
	}
	as := &AddressSpace{id: lastID.Add(1), table: table, account: account, limit: unlimited}
	as.refs.Store(1)
	spaces.Add(1)
	return as, nil
}

// Get takes a reference. The caller must know that there is one already.
func (as *AddressSpace) Get() {
	if as.refs.Add(1) <= 1 {
		panic("mm: reference taken on a dead address space")
	}
}

// Refs returns the number of references. It may be out of date at once.
func (as *AddressSpace) Refs() int { return int(as.refs.Load()) }

// tryGet takes a reference unless the last one is gone.
func (as *AddressSpace) tryGet() bool {
	for {
		n := as.refs.Load()
		if n == 0 {
			return false
		}
		if as.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Put drops a reference. The last one unmaps everything and closes the files
// mapped, so the caller must hold no lock above AddressSpace.mu.
func (as *AddressSpace) Put() {
	switch n := as.refs.Add(-1); {
	case n < 0:
		panic("mm: dead address space released")
	case n == 0:
		as.destroy()
	}
}

// Dropped are address spaces whose last reference was dropped under a lock under which
// nothing can be destroyed. The zero value is empty; it takes no memory, and its owner
// serialises its use.
type Dropped struct{ first *AddressSpace }

// Put drops a reference on as. If it was the last, the rest is left to Release.
func (d *Dropped) Put(as *AddressSpace) {
	switch n := as.refs.Add(-1); {
	case n < 0:
		panic("mm: dead address space released")
	case n == 0:
		as.nextDropped, d.first = d.first, as
	}
}

// Release destroys the address spaces, as Put does, and leaves d empty.
func (d *Dropped) Release() {
	as := d.first
	if as == nil {
		return
	}
	d.first, as.nextDropped = as.nextDropped, nil
	defer d.Release() // even if closing a file panics
	as.destroy()
}

// putLater is Put for callers that may hold any lock: if need be, everything
// is given up by another goroutine.
func (as *AddressSpace) putLater() {
	if as.refs.Add(-1) == 0 {
		go as.destroy()
	}
}

// destroy frees everything, once nobody refers to as any more.
func (as *AddressSpace) destroy() {
	as.mu.Lock()
	defer as.unlock()
	var down pagetable.Teardown
	down.Begin(as.table)
	c := as.vmas.search(0)
	for v := c.vma(); v != nil; v = c.next() {
		down.Span(v.start, v.end)
	}
	anonPages.Add(-int64(down.End().Freed))
	as.vmas = vmaSet{}
	as.usage = usage{}
	for m := as.mappings.head; m != nil; m = m.nextHere {
		m.object.MapRemoved(m)
	}
	as.dead, as.mappings = as.mappings.head, mappingSet{}
	spaces.Add(-1)
	as.account.Uncharge(spaceCost)
	as.gone.Store(true)
}

// Gone reports whether the memory of as has been given back. Unlike all else
// it may be asked without a reference.
func (as *AddressSpace) Gone() bool { return as.gone.Load() }

// Table returns the page table, for whoever enters user mode or copies to and
// from user memory with a reference on as.
func (as *AddressSpace) Table() *pagetable.Table { return as.table }

// unlock ends a change that began with mu.Lock: it settles what as is charged
// for, and closes the files whose last VMA is gone.
func (as *AddressSpace) unlock() {
	as.settle()
	dead := as.dead
	as.dead = nil
	as.mu.Unlock()
	closeFiles(dead)
}

// closeFiles closes the files behind the mappings from m on. If closing one panics, the
// others are closed all the same.
func closeFiles(m *Mapping) {
	for ; m != nil; m = m.nextHere {
		if m.file == nil {
			continue
		}
		func() {
			closed := false
			defer func() {
				if !closed {
					closeFiles(m.nextHere)
				}
			}()
			m.file.Put()
			closed = true
		}()
	}
}

// attach returns the Mapping for object and file, which it makes if there is
// none. Its count of VMAs does not include the one that the caller is making.
func (as *AddressSpace) attach(object Object, file File, name string) *Mapping {
	key := mappingKey{object, file, name}
	if m := as.mappings.find(key); m != nil {
		return m
	}
	m := &Mapping{space: as, mappingKey: key}
	m.presenter, _ = object.(Presenter)
	_, m.shmem = object.(*anonObject)
	_, m.unnoticed = object.(Unnoticed)
	as.adopt(m)
	return m
}

// adopt makes m, which is new, one of as's mappings.
func (as *AddressSpace) adopt(m *Mapping) {
	if m.file != nil {
		m.file.Get()
	}
	m.object.MapAdded(m)
	as.mappings.add(m)
}

// detach ends the use of m by one VMA.
func (as *AddressSpace) detach(m *Mapping) {
	if m.vmas--; m.vmas == 0 {
		as.kill(m)
	}
}

// kill ends m, which has no VMA any more.
func (as *AddressSpace) kill(m *Mapping) {
	as.mappings.remove(m)
	m.object.MapRemoved(m)
	m.nextHere = as.dead
	as.dead = m
}

// addVMA adds v, whose mapping it counts, and joins it with its neighbours.
// The caller has made sure of the space and the limits.
func (as *AddressSpace) addVMA(v vma) {
	if v.m != nil {
		v.m.widen(v.start, v.end)
	}
	as.usage.add(&v, v.pages())
	as.vmas.add(v)
}

// unmap removes everything in [start, end). The caller has checked that there
// is room for the VMAs it may split.
func (as *AddressSpace) unmap(start, end uintptr) {
	c := as.vmas.carve(start, end)
	for v := c.vma(); v != nil && v.start < end; v = c.next() {
		as.dropPages(v, v.start, v.end)
		as.usage.add(v, -v.pages())
		if v.m != nil {
			as.detach(v.m)
		}
	}
	as.vmas.remove(start, end)
}

// dropPages takes the pages of v in [start, end) out of the page table.
func (as *AddressSpace) dropPages(v *vma, start, end uintptr) {
	as.notePeak()
	as.forget(v, as.table.Unmap(start, end))
}

// forget subtracts pages that were removed from v.
func (as *AddressSpace) forget(v *vma, c pagetable.Counts) {
	as.rssAnon.Add(-int64(c.Anon))
	as.rssOf(v).Add(-int64(c.Object))
	anonPages.Add(-int64(c.Freed))
}

// rssOf returns the counter for pages of v's object. It matters not for which
// one if v has no object.
func (as *AddressSpace) rssOf(v *vma) *atomic.Int64 {
	if v.m != nil && v.m.shmem {
		return &as.rssShmem
	}
	return &as.rssObject
}

// zapObject removes the pages of m's object in [first, last) for Mappings.Zap.
func (as *AddressSpace) zapObject(m *Mapping, first, last uint64, copies bool) {
	as.mu.Lock()
	defer as.unlock()
	c := as.vmas.search(m.low)
	for v := c.vma(); v != nil && v.start < m.high; v = c.next() {
		if v.m != m {
			continue
		}
		from, to := max(first, v.offset), min(last, v.offset+uint64(v.pages()))
		if from >= to {
			continue
		}
		start := v.start + uintptr(from-v.offset)<<pageShift
		end := v.start + uintptr(to-v.offset)<<pageShift
		as.notePeak()
		if copies {
			as.forget(v, as.table.Unmap(start, end))
		} else {
			as.forget(v, as.table.UnmapObject(start, end))
		}
	}
}
