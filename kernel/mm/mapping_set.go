package mm

// A mappingSet is the mappings of an address space. The zero value is empty.
type mappingSet struct {
	head *Mapping
	n    int

	// index has all of them once they are too many to look through.
	index map[mappingKey]*Mapping
}

// lookedThrough is how many mappings find goes through one by one.
const lookedThrough = 12

// find returns the mapping with the given key, or nil.
func (s *mappingSet) find(key mappingKey) *Mapping {
	if s.index != nil {
		return s.index[key]
	}
	for m := s.head; m != nil; m = m.nextHere {
		if m.mappingKey == key {
			return m
		}
	}
	return nil
}

// add adds m, whose key no other has.
func (s *mappingSet) add(m *Mapping) {
	m.nextHere = s.head
	if m.nextHere != nil {
		m.nextHere.prevHere = m
	}
	s.head = m
	s.n++
	if s.index == nil && s.n > lookedThrough {
		s.index = make(map[mappingKey]*Mapping)
		for m := s.head; m != nil; m = m.nextHere {
			s.index[m.mappingKey] = m
		}
	} else if s.index != nil {
		s.index[m.mappingKey] = m
	}
}

// remove removes m, which must be there.
func (s *mappingSet) remove(m *Mapping) {
	if m.prevHere != nil {
		m.prevHere.nextHere = m.nextHere
	} else {
		s.head = m.nextHere
	}
	if m.nextHere != nil {
		m.nextHere.prevHere = m.prevHere
	}
	m.nextHere, m.prevHere = nil, nil
	s.n--
	if s.n == 0 {
		s.index = nil
	}
	delete(s.index, m.mappingKey)
}

// forgetCopies ends what a fork used Mapping.copy for.
func (s *mappingSet) forgetCopies() {
	for m := s.head; m != nil; m = m.nextHere {
		m.copy = nil
	}
}
