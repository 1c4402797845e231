// Package wait is how a thread sleeps until something happens.
//
// An object that others wait for (a pipe, a terminal, a child) owns a Queue.
// A thread owns one Sleeper. To wait for one object, a thread calls Await with a
// function that tries what it waits for: Await registers a Waiter that names
// the Sleeper, tries, sleeps, and tries again. A wake-up may be spurious, so the
// attempt decides, never the wake-up:
//
//	err := s.Await(&q, wait.Readable, deadline, func() error {
//		if !ready() {
//			return abi.EAGAIN
//		}
//		return nil
//	})
//
// Who waits for several objects, as poll(2) does, registers Waiters itself.
//
// Lock order: a Queue's lock is a leaf; Notify may be called with an object's
// own locks held.
package wait

import "sync"

// Events is a set of poll(2) event bits.
type Events uint32

// The events of poll(2); the values are those of the ABI.
const (
	In     Events = 0x001
	Pri    Events = 0x002
	Out    Events = 0x004
	Err    Events = 0x008
	Hup    Events = 0x010
	Nval   Events = 0x020
	RdNorm Events = 0x040
	RdBand Events = 0x080
	WrNorm Events = 0x100
	WrBand Events = 0x200
	RdHup  Events = 0x2000

	// Readable and Writable are what select(2) and ordinary file
	// operations wait for.
	Readable = In | RdNorm
	Writable = Out | WrNorm
	// Always is reported whether asked for or not.
	Always = Err | Hup | Nval
	// All matches every event.
	All Events = ^Events(0)
)

// A Waiter is one registration on one Queue. It is embedded in, or lives as
// long as, what waits; registering allocates nothing. The zero value of the
// unexported fields is ready for use.
type Waiter struct {
	// Sleeper is woken when an event in the mask arrives, if not nil.
	Sleeper *Sleeper
	// Callback runs when an event in the mask arrives, if not nil. It runs
	// with the queue's lock held: it must not block and must not touch the
	// queue it is registered on.
	Callback func(w *Waiter, ev Events)

	mask       Events
	queue      *Queue
	next, prev *Waiter
}

// A Queue holds those who wait for an object. The zero value is empty and
// ready for use.
type Queue struct {
	mu   sync.Mutex
	head *Waiter // doubly linked in order of registration; guarded by mu
	tail *Waiter
}

// Register adds w for the events in mask; Err, Hup and Nval are always
// included. w must not be registered anywhere.
func (q *Queue) Register(w *Waiter, mask Events) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.queue != nil {
		panic("wait: waiter registered twice")
	}
	w.queue, w.mask = q, mask|Always
	w.prev, w.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = w
	} else {
		q.head = w
	}
	q.tail = w
}

// Unregister removes w. It does nothing if w is not registered on q. When it
// returns no callback of w is running or will run.
func (q *Queue) Unregister(w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.queue != q {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.tail = w.prev
	}
	w.queue, w.next, w.prev = nil, nil, nil
}

// Notify wakes everyone who waits for an event in ev.
func (q *Queue) Notify(ev Events) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for w := q.head; w != nil; {
		next := w.next // the callback may not unregister, but be safe against reuse
		w.wake(ev)
		w = next
	}
}

// NotifyOne wakes the one who has waited longest for an event in ev, and
// reports whether there was one. It is for resources that only one waiter can
// take; whoever is woken without using the resource must pass it on.
func (q *Queue) NotifyOne(ev Events) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for w := q.head; w != nil; w = w.next {
		if w.wake(ev) {
			return true
		}
	}
	return false
}

// Empty reports whether nobody waits. The answer may be stale at once.
func (q *Queue) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head == nil
}

// wake delivers ev to w if it asked for it. The caller holds the queue's lock.
func (w *Waiter) wake(ev Events) bool {
	if ev &= w.mask; ev == 0 {
		return false
	}
	if w.Callback != nil {
		w.Callback(w, ev)
	}
	if w.Sleeper != nil {
		w.Sleeper.Wake()
	}
	return true
}
