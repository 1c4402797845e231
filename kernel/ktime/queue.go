package ktime

// A Queue holds timers in the order of their times, which are those of any
// clock. Its owner serialises all use, of the timers in it too. The zero value
// is empty.
type Queue struct {
	heap []*Timer // each is no later than those at 2i+1 and 2i+2
}

// A Timer is a time at which a function is to be called. It stands in one Queue
// at most: in a Queue of its owner's, or, by Set or SetReal, in the one of the
// monotonic or the wall clock.
type Timer struct {
	f    func()
	when int64
	pos  int  // index in the heap plus one; 0 in no Queue
	real bool // SetReal was called last
}

// Init makes t call f. It is called once, before t is used.
func (t *Timer) Init(f func()) { t.f = f }

// Call calls t's function: what the owner of a Queue does with what it Takes.
func (t *Timer) Call() { t.f() }

// Add puts t into the queue, or moves it, so that it is due at when.
func (q *Queue) Add(t *Timer, when int64) {
	if t.pos == 0 {
		q.heap = append(q.heap, t)
		t.pos = len(q.heap)
	}
	t.when = when
	q.fix(t)
}

// Remove takes t out of the queue and reports whether it stood there.
func (q *Queue) Remove(t *Timer) bool {
	if t.pos == 0 {
		return false
	}
	i, last := t.pos-1, len(q.heap)-1
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	if t.pos = 0; moved != t {
		q.put(i, moved)
		q.fix(moved)
	}
	if cap(q.heap) > 64 && last < cap(q.heap)/4 {
		q.heap = append(make([]*Timer, 0, cap(q.heap)/2), q.heap...)
	}
	return true
}

// First returns when the first timer is due, and false if there is none.
func (q *Queue) First() (when int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].when, true
}

// Take removes the first timer if it is due at now, and returns it; otherwise
// nil.
func (q *Queue) Take(now int64) *Timer {
	if len(q.heap) == 0 || q.heap[0].when > now {
		return nil
	}
	t := q.heap[0]
	q.Remove(t)
	return t
}

func (q *Queue) put(i int, t *Timer) {
	q.heap[i] = t
	t.pos = i + 1
}

// fix moves t to where its time belongs.
func (q *Queue) fix(t *Timer) {
	i := t.pos - 1
	for i > 0 {
		up := (i - 1) / 2
		if q.heap[up].when <= t.when {
			break
		}
		q.put(i, q.heap[up])
		i = up
	}
	for {
		down := 2*i + 1
		if down+1 < len(q.heap) && q.heap[down+1].when < q.heap[down].when {
			down++
		}
		if down >= len(q.heap) || q.heap[down].when >= t.when {
			break
		}
		q.put(i, q.heap[down])
		i = down
	}
	q.put(i, t)
}
