package mm

import (
	"slices"
	"sort"
)

// A vmaSet holds the VMAs of an address space in the order of their
// addresses. No two overlap. The zero value is empty. Pointers into it are
// good until the next change.
type vmaSet struct{ all []vma }

func (s *vmaSet) len() int { return len(s.all) }

// search returns the index of the first VMA that ends behind addr: the one
// that contains addr, or the next.
func (s *vmaSet) search(addr uintptr) int {
	lo, hi := 0, len(s.all)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if s.all[mid].end <= addr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// at returns the VMA that contains addr, or nil.
func (s *vmaSet) at(addr uintptr) *vma {
	if i := s.search(addr); i < len(s.all) && s.all[i].start <= addr {
		return &s.all[i]
	}
	return nil
}

// overlaps reports whether any VMA has an address in [start, end).
func (s *vmaSet) overlaps(start, end uintptr) bool {
	i := s.search(start)
	return i < len(s.all) && s.all[i].start < end
}

// overlap returns the VMAs that have addresses in [start, end), as indices.
func (s *vmaSet) overlap(start, end uintptr) (first, last int) {
	first = s.search(start)
	last = first + sort.Search(len(s.all)-first, func(i int) bool {
		return s.all[first+i].start >= end
	})
	return first, last
}

// covered reports whether every address in [start, end) is in a VMA.
func (s *vmaSet) covered(start, end uintptr) bool {
	for i := s.search(start); start < end; i++ {
		if i == len(s.all) || s.all[i].start > start {
			return false
		}
		start = s.all[i].end
	}
	return true
}

// insert adds v and returns its index. It panics if v overlaps another VMA.
func (s *vmaSet) insert(v vma) int {
	i := s.search(v.start)
	if v.start >= v.end || i < len(s.all) && s.all[i].start < v.end {
		panic("mm: overlapping or empty VMA")
	}
	s.all = slices.Insert(s.all, i, v)
	return i
}

// split makes addr a boundary: if a VMA contains it in its middle, that
// becomes two. It reports whether it did.
func (s *vmaSet) split(addr uintptr) bool {
	i := s.search(addr)
	if i == len(s.all) || s.all[i].start >= addr {
		return false
	}
	low := s.all[i]
	s.all = slices.Insert(s.all, i, low)
	s.all[i].end = addr
	high := &s.all[i+1]
	high.offset = high.index(addr)
	high.start = addr
	if low.m != nil {
		low.m.vmas++
	}
	return true
}

// splits returns how many VMAs carve would add for [start, end).
func (s *vmaSet) splits(start, end uintptr) int {
	n := 0
	for _, addr := range [...]uintptr{start, end} {
		if v := s.at(addr); v != nil && v.start < addr {
			n++
		}
	}
	return n
}

// carve makes start and end boundaries and returns the VMAs in between.
func (s *vmaSet) carve(start, end uintptr) (first, last int) {
	s.split(start)
	s.split(end)
	return s.overlap(start, end)
}

// remove takes out the VMAs [first, last).
func (s *vmaSet) remove(first, last int) {
	s.all = slices.Delete(s.all, first, last)
}

// merge joins VMAs that continue each other, among those from before first
// until after last.
func (s *vmaSet) merge(first, last int) {
	first = max(first-1, 0)
	last = min(last+1, len(s.all))
	if first >= last {
		return
	}
	to := first
	for from := first + 1; from < last; from++ {
		v, w := &s.all[to], &s.all[from]
		if v.continues(w) {
			v.end = w.end
			if w.m != nil {
				w.m.vmas--
			}
			continue
		}
		to++
		s.all[to] = *w
	}
	s.remove(to+1, last)
}

// gapBelow returns the highest start of n free bytes that end at or below
// high and begin at or above low. What a VMA's guard gap covers is not free.
func (s *vmaSet) gapBelow(n, low, high uintptr) (uintptr, bool) {
	end := high
	for i := s.search(high); ; i-- {
		if i < len(s.all) {
			end = min(end, s.all[i].guardedStart())
		}
		floor := low
		if i > 0 {
			floor = max(low, s.all[i-1].end)
		}
		if end >= floor && end-floor >= n {
			return end - n, true
		}
		if i == 0 || s.all[i-1].end <= low {
			return 0, false
		}
	}
}

// gapAbove is like gapBelow but returns the lowest start.
func (s *vmaSet) gapAbove(n, low, high uintptr) (uintptr, bool) {
	start := low
	for i := s.search(low); ; i++ {
		ceiling := high
		if i < len(s.all) {
			ceiling = min(high, s.all[i].guardedStart())
		}
		if ceiling >= start && ceiling-start >= n {
			return start, true
		}
		if i == len(s.all) || s.all[i].end >= high {
			return 0, false
		}
		start = max(start, s.all[i].end)
	}
}
