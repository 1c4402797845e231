// Package epoll watches many files for events: epoll(7).
//
// Each watched file is an item. Its Waiter on the file's queue puts the item
// into the instance's ready list when something may have happened; Wait takes
// items from there and asks the files themselves. So Wait costs what happens,
// not what is watched.
//
// Lock order: nesting, then Epoll.mu of a parent before that of a child, then
// the locks of files and their queues, then Epoll.readyMu. Epoll.mu is held while
// events are copied to user memory.
package epoll

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// An Epoll is an epoll instance.
type Epoll struct {
	vfs.NoFile
	owner *owner     // who made it
	queue wait.Queue // who waits in Wait, or watches this instance

	mu      sync.Mutex // guards items, and serialises Ctl and harvesting
	items   vfs.Map[key, *item]
	order   order                      // of items; guarded by mu
	nextID  int64                      // of an item; guarded by mu
	count   atomic.Int64               // of items, for who may not wait for mu
	scratch [abi.SizeofEpollEvent]byte // guarded by mu

	// Guarded by nesting: the instances that this one watches, with how
	// often, and the chains in which others watch it.
	children map[*Epoll]int
	chains   chains // but chains[0] is 0

	readyMu sync.Mutex // a leaf; guards the ready list
	ready   list
}

// A key is what an item is found by: the same file may be watched through
// several descriptors.
type key struct {
	file *vfs.File
	fd   int
}

// New returns a new instance. flags are EPOLL_CLOEXEC; others are refused
// with EINVAL. ENFILE if there are too many files.
func New(c vfs.Caller, flags int) (*vfs.File, error) {
	if flags&^abi.EPOLL_CLOEXEC != 0 {
		return nil, abi.EINVAL
	}
	e := &Epoll{owner: acquireOwner(c.Cred())}
	f, err := vfs.NewAnonFile(c, "eventpoll", e, abi.O_RDWR)
	if err != nil {
		e.owner.release()
	}
	return f, err
}

// Of returns the instance that f is, or EINVAL.
func Of(f *vfs.File) (*Epoll, error) {
	e, ok := f.Ops().(*Epoll)
	if !ok {
		return nil, abi.EINVAL
	}
	return e, nil
}

// WaitQueue returns the instance's queue.
func (e *Epoll) WaitQueue() *wait.Queue { return &e.queue }

// Ready reports an instance with events as readable.
func (e *Epoll) Ready(mask wait.Events) wait.Events {
	if mask&wait.Readable == 0 {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for n := e.readyLen(); n > 0; n-- {
		it := e.pop()
		if it == nil {
			break
		}
		if it.pending() != 0 {
			e.push(it)
			return mask & wait.Readable
		}
	}
	return 0
}

// Release ends all watches.
func (e *Epoll) Release(*vfs.File) {
	if e.watchesInstances() {
		nesting.Lock()
		defer nesting.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.items.Each(func(_ key, it *item) {
		it.file.RemoveReleaseHook(&it.hook)
		e.drop(it)
	})
	e.owner.release()
}

// KernelMemory implements vfs.MemoryUser.
func (e *Epoll) KernelMemory() int64 {
	return e.count.Load() * itemMemory
}

// watchesInstances reports whether e watches other instances. When e is being
// released, nothing makes a false answer true any more.
func (e *Epoll) watchesInstances() (watches bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.items.Each(func(_ key, it *item) { watches = watches || it.child != nil })
	return watches
}
