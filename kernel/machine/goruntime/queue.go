package goruntime

// maxThreads is the largest number of kernel threads. The runtime makes about
// one for each CPU and a few more; none waits for a user program.
const maxThreads = 256

// firstThread is the index of the first thread of the runtime's. Those before
// are the idle threads of the CPUs, which wait for nothing.
const firstThread = 64

// A queue is threads in a row, by their indices. No thread is in it twice.
type queue struct {
	head, tail int32             // -1 if it is empty
	next       [maxThreads]int32 // the one behind each that is in the queue; -1 at its end
}

//go:nosplit
func (q *queue) init() { q.head, q.tail = -1, -1 }

//go:nosplit
func (q *queue) empty() bool { return q.head < 0 }

// push puts thread i at the end of q, or at its head if it is urgent.
//
//go:nosplit
func (q *queue) push(i int32, urgent bool) {
	if urgent {
		q.next[i&(maxThreads-1)] = q.head
		q.head = i
		if q.tail < 0 {
			q.tail = i
		}
		return
	}
	q.next[i&(maxThreads-1)] = -1
	if q.tail < 0 {
		q.head = i
	} else {
		q.next[q.tail&(maxThreads-1)] = i
	}
	q.tail = i
}

// pop takes the first thread out of q; -1 if it is empty.
//
//go:nosplit
func (q *queue) pop() int32 {
	i := q.head
	if i >= 0 {
		q.head = q.next[i&(maxThreads-1)]
		if q.head < 0 {
			q.tail = -1
		}
	}
	return i
}

// deadlines tells when threads that wait are to be woken at the latest, in
// nanoseconds since boot, and which CPU's timer does it.
type deadlines struct {
	at  [maxThreads]int64 // 0: never
	cpu [maxThreads]int32
	end int32 // threads from here on have none
}

// set gives thread i a deadline that CPU cpu keeps, or takes it away if at is 0.
//
//go:nosplit
func (d *deadlines) set(i int32, at int64, cpu int32) {
	d.at[i&(maxThreads-1)], d.cpu[i&(maxThreads-1)] = at, cpu
	if i >= d.end {
		d.end = i + 1
	}
}

// first returns the earliest deadline that CPU cpu keeps; 0 if it keeps none.
//
//go:nosplit
func (d *deadlines) first(cpu int32) int64 {
	first := int64(0)
	for i := int32(firstThread); i < d.end && i < maxThreads; i++ {
		if at := d.at[i]; at != 0 && d.cpu[i] == cpu && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// expired returns a thread from i on whose deadline CPU cpu keeps and now has
// reached; -1 if there is none.
//
//go:nosplit
func (d *deadlines) expired(i, cpu int32, now int64) int32 {
	for ; i < d.end && i < maxThreads; i++ {
		if at := d.at[i&(maxThreads-1)]; at != 0 && d.cpu[i&(maxThreads-1)] == cpu && at <= now {
			return i
		}
	}
	return -1
}
