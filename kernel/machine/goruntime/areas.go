package goruntime

const pageSize = 4096

// arenaSize is the unit in which the runtime grows its heap.
const arenaSize = 64 << 20

// areas is what the runtime has been given of the address space: two areas that
// grow, one for its heap, one for everything else. Sizes are multiples of the
// page size. The zero value has no room.
type areas struct {
	heapStart, heap, heapEnd    uintptr // what is below heap has been handed out
	otherStart, other, otherEnd uintptr // likewise

	// unmapped are ranges of the other area that were given back; no two of
	// them overlap.
	unmapped [64]span
	count    int // of unmapped ranges
}

type span struct{ start, end uintptr }

// init sets where the areas begin and end.
//
//go:nosplit
func (a *areas) init(heap, heapEnd, other, otherEnd uintptr) {
	a.heapStart, a.heap, a.heapEnd = heap, heap, heapEnd
	a.otherStart, a.other, a.otherEnd = other, other, otherEnd
	a.count = 0
}

// has reports whether va lies in memory that has been handed out.
//
//go:nosplit
func (a *areas) has(va uintptr) bool {
	// One page below the heap counts: spin.irqSave looks below the stack.
	if va >= a.heapStart-pageSize && va < a.heap {
		return true
	}
	if va < a.otherStart || va >= a.other {
		return false
	}
	for i := 0; i < a.count && i < len(a.unmapped); i++ {
		if va >= a.unmapped[i].start && va < a.unmapped[i].end {
			return false
		}
	}
	return true
}

// take hands out size bytes, and returns 0 if it cannot. What is as large as an
// arena comes from the heap's area, at a multiple of that. A hint that is not 0
// is honoured only where the heap grows next.
//
//go:nosplit
func (a *areas) take(hint, size uintptr) uintptr {
	switch {
	case size == 0:
		return 0
	case hint != 0:
		if hint != a.heap || size > a.heapEnd-a.heap {
			return 0
		}
		a.heap += size
		return hint
	case size >= arenaSize:
		start := (a.heap + arenaSize - 1) &^ (arenaSize - 1)
		if start > a.heapEnd || size > a.heapEnd-start {
			return 0
		}
		a.heap = start + size
		return start
	}
	if start := a.reuse(size); start != 0 {
		return start
	}
	if size > a.otherEnd-a.other {
		return 0
	}
	a.other += size
	return a.other - size
}

// reuse takes size bytes from a range that was given back, 0 if none is large
// enough.
//
//go:nosplit
func (a *areas) reuse(size uintptr) uintptr {
	for i := 0; i < a.count && i < len(a.unmapped); i++ {
		r := &a.unmapped[i]
		if r.end-r.start < size {
			continue
		}
		start := r.start
		if r.start += size; r.start == r.end {
			a.remove(i)
		}
		return start
	}
	return 0
}

// give takes back what take has handed out, or a part of it. Its addresses are
// used again, but for those of the heap, which the runtime asks for by a hint.
//
//go:nosplit
func (a *areas) give(start, size uintptr) {
	end := start + size
	if end == a.heap && start >= a.heapStart {
		a.heap = start
		return
	}
	if start < a.otherStart || end > a.other || start >= end {
		return
	}
	// Join it with the ranges on its two sides.
	for i := 0; i < a.count && i < len(a.unmapped); {
		switch r := a.unmapped[i]; {
		case r.end == start:
			start = r.start
		case r.start == end:
			end = r.end
		default:
			i++
			continue
		}
		a.remove(i)
	}
	if a.count < len(a.unmapped) {
		a.unmapped[a.count%len(a.unmapped)] = span{start, end}
		a.count++
	}
}

// remove forgets the range i.
//
//go:nosplit
func (a *areas) remove(i int) {
	a.count--
	a.unmapped[i%len(a.unmapped)] = a.unmapped[a.count%len(a.unmapped)]
}
