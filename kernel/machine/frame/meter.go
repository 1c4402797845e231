package frame

import "sync/atomic"

// Total returns the number of frames that the allocator was ever given. Its
// own tables are not among them.
func Total() uint64 { return atomic.LoadUint64(&pool.total) }

// Free returns the number of free frames, the reserve included. It is exact
// while nobody else allocates or frees.
//
//go:nosplit
func Free() uint64 {
	flags := pool.lock.Lock()
	n := pool.free
	pool.lock.Unlock(flags)
	for i := range caches {
		c := &caches[i]
		flags := c.lock.Lock()
		n += uint64(c.n)
		c.lock.Unlock(flags)
	}
	return n
}

// Reserve returns the number of frames that Alloc leaves free: the reserve,
// and what the heap has not taken of its goal yet.
//
//go:nosplit
func Reserve() uint64 {
	flags := pool.lock.Lock()
	n := floor()
	pool.lock.Unlock(flags)
	return n
}

// SetReserve sets how many frames Alloc leaves free for the kernel's own use.
// Frames that are in a CPU's cache already may still go to users.
//
//go:nosplit
func SetReserve(n uint64) {
	flags := pool.lock.Lock()
	pool.reserve = n
	pool.lock.Unlock(flags)
}

// SetHeapGoal sets how many frames the kernel's heap may come to. Those that it
// does not have yet are left free by Alloc besides the reserve.
//
//go:nosplit
func SetHeapGoal(n uint64) {
	flags := pool.lock.Lock()
	pool.goal = n
	pool.lock.Unlock(flags)
}

// Heap returns how many frames the kernel's heap has.
//
//go:nosplit
func Heap() uint64 { return uint64(atomic.LoadInt64(&pool.heap)) }

// Spare returns how many frames are free beyond what the heap lacks of its goal
// and half of the reserve; below zero if there are not as many. What is in the
// caches of CPUs does not count.
//
//go:nosplit
func Spare() int64 {
	flags := pool.lock.Lock()
	n := int64(pool.free) - int64(floor()-pool.reserve/2)
	pool.lock.Unlock(flags)
	return n
}

// Short reports whether Alloc fails for lack of frames, but for what is in the
// caches of CPUs.
//
//go:nosplit
func Short() bool {
	flags := pool.lock.Lock()
	short := pool.free <= floor()
	pool.lock.Unlock(flags)
	return short
}

// Low reports whether the heap has begun on the second half of the reserve. It
// does not lock: trap context asks it.
//
//go:nosplit
func Low() bool { return pool.free < pool.reserve/2 }

// floor returns how many frames Alloc leaves free. The pool must be locked.
//
//go:nosplit
func floor() uint64 {
	n := pool.reserve
	if heap := Heap(); heap < pool.goal {
		n += pool.goal - heap
	}
	return n
}
