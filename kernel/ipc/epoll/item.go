package epoll

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// modeBits are the bits of epoll_event.events that are no events.
const modeBits = abi.EPOLLET | abi.EPOLLONESHOT | abi.EPOLLEXCLUSIVE | abi.EPOLLWAKEUP

// An item is one watched file. It holds no reference on the file: it dies with
// it.
type item struct {
	key
	id     int64 // counts the items of an instance
	epoll  *Epoll
	queue  *wait.Queue     // of the file
	waiter wait.Waiter     // on queue, for all events
	hook   vfs.ReleaseHook // on the file
	// events is epoll_event.events with EPOLLERR and EPOLLHUP added, or the
	// mode bits alone after EPOLLONESHOT has fired. Written with epoll.mu held.
	events atomic.Uint32
	data   uint64 // guarded by epoll.mu
	child  *Epoll // if the file is an instance itself

	// Guarded by epoll.readyMu.
	next, prev *item
	queued     bool
}

// arm sets the events that are asked for.
func (it *item) arm(events uint32) { it.events.Store(events | abi.EPOLLERR | abi.EPOLLHUP) }

// mask returns the events that are asked for, none if the item is disarmed.
func (it *item) mask() wait.Events { return wait.Events(it.events.Load() &^ modeBits) }

// has reports whether a mode bit is set.
func (it *item) has(bit uint32) bool { return it.events.Load()&bit != 0 }

// pending returns the events that the file has now.
func (it *item) pending() wait.Events {
	mask := it.mask()
	if mask == 0 {
		return 0
	}
	return it.file.Ready(mask) & mask
}

// happened is called by the file's queue.
func (it *item) happened(_ *wait.Waiter, ev wait.Events) {
	if ev&it.mask() != 0 {
		it.epoll.push(it)
		it.epoll.queue.Notify(wait.Readable)
	}
}

// FileReleased ends the watch of a file that exists no more.
func (it *item) FileReleased(*vfs.File) {
	if it.child != nil {
		nesting.Lock()
		defer nesting.Unlock()
	}
	e := it.epoll
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, _ := e.items.Get(it.key); known == it {
		e.drop(it)
	}
}

// drop forgets an item. The caller holds e.mu, and nesting if the file is an
// instance.
func (e *Epoll) drop(it *item) {
	e.items.Delete(it.key)
	e.order.remove(it)
	e.count.Add(-1)
	it.queue.Unregister(&it.waiter)
	e.unready(it)
	if it.child != nil {
		e.abandon(it.child)
	}
	e.owner.uncharge()
}

// A list is a queue of items, the oldest first.
type list struct {
	head, tail *item
	n          int
}

// push puts it at the end of the ready list if it is not there.
func (e *Epoll) push(it *item) {
	e.readyMu.Lock()
	defer e.readyMu.Unlock()
	if it.queued {
		return
	}
	l := &e.ready
	it.queued = true
	it.prev, it.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = it
	} else {
		l.head = it
	}
	l.tail = it
	l.n++
}

// pop takes the first item from the ready list; nil if it is empty.
func (e *Epoll) pop() *item {
	e.readyMu.Lock()
	defer e.readyMu.Unlock()
	it := e.ready.head
	if it != nil {
		e.ready.unlink(it)
	}
	return it
}

// unready takes it out of the ready list if it is there.
func (e *Epoll) unready(it *item) {
	e.readyMu.Lock()
	defer e.readyMu.Unlock()
	if it.queued {
		e.ready.unlink(it)
	}
}

func (e *Epoll) readyLen() int {
	e.readyMu.Lock()
	defer e.readyMu.Unlock()
	return e.ready.n
}

func (l *list) unlink(it *item) {
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		l.head = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		l.tail = it.prev
	}
	it.next, it.prev, it.queued = nil, nil, false
	l.n--
}
