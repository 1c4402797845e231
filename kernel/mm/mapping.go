package mm

import "sync"

// A Mapping ties an address space to an object that is mapped there, in any
// number of VMAs. It holds one reference on the open file.
type Mapping struct {
	space *AddressSpace
	mappingKey

	presenter Presenter // the object, if it is one
	shmem     bool      // the object is shared anonymous memory
	unnoticed bool      // the object is an Unnoticed

	// Guarded by space.mu.
	vmas      int      // those that refer to it
	low, high uintptr  // the bounds within which those are
	copy      *Mapping // in the space that is being forked to
	nextHere  *Mapping // in space's mappingSet, or in space.dead
	prevHere  *Mapping

	// Guarded by the mu of the object's Mappings.
	next, prev *Mapping
	number     uint64 // of those that were ever added, from 1
}

// A mappingKey is what an address space has one Mapping for.
type mappingKey struct {
	object Object
	file   File   // or nil
	name   string // for /proc/PID/maps
}

// widen notes that m has, or is about to have, a VMA at [start, end).
func (m *Mapping) widen(start, end uintptr) {
	if m.high == 0 {
		m.low = start
	}
	m.low, m.high = min(m.low, start), max(m.high, end)
}

// Mappings is the list of mappings of one object. Embed it to make an Object.
// The zero value is empty.
type Mappings struct {
	mu    sync.Mutex
	head  *Mapping // the newest
	n     int
	added uint64 // how often MapAdded was called
}

// MapAdded adds m to the list.
func (ms *Mappings) MapAdded(m *Mapping) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m.next = ms.head
	if m.next != nil {
		m.next.prev = m
	}
	ms.head = m
	ms.n++
	ms.added++
	m.number = ms.added
}

// MapRemoved removes m from the list, which must have it.
func (ms *Mappings) MapRemoved(m *Mapping) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		ms.head = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	}
	m.next, m.prev = nil, nil
	ms.n--
}

// Mapped reports whether the object is mapped anywhere.
func (ms *Mappings) Mapped() bool {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.n != 0
}

// Zap removes the pages in [first, last) of the object from every address
// space that maps them. If copies is set, private copies of them go too: that
// is what truncation asks for, while punching a hole leaves them. The caller
// has changed the object before, so that faults from now on find it changed,
// and holds no lock that Object.Page takes.
func (ms *Mappings) Zap(first, last uint64, copies bool) {
	ms.each(func(m *Mapping) bool {
		m.space.zapObject(m, first, last, copies)
		return true
	})
}

// each calls f for every mapping, until it returns false. Those that are added
// meanwhile are not left out: a fork may have copied what is to be changed
// before f saw its parent.
func (ms *Mappings) each(f func(*Mapping) bool) {
	done := uint64(0)
	for {
		all, last := ms.snapshot(done)
		if len(all) == 0 {
			return
		}
		goOn := true
		for _, m := range all {
			goOn = goOn && f(m)
			m.space.putLater()
		}
		if !goOn {
			return
		}
		done = last
	}
}

// snapshot returns the mappings that were added after so many, with a reference
// on each one's space, and how many were ever added.
func (ms *Mappings) snapshot(after uint64) ([]*Mapping, uint64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	n := 0
	for m := ms.head; m != nil && m.number > after; m = m.next {
		n++
	}
	if n == 0 {
		return nil, ms.added
	}
	all := make([]*Mapping, 0, n)
	for m := ms.head; m != nil && m.number > after; m = m.next {
		if m.space.tryGet() {
			all = append(all, m)
		}
	}
	return all, ms.added
}
