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

// Reserve returns the number of frames that Alloc leaves free.
//
//go:nosplit
func Reserve() uint64 {
	flags := pool.lock.Lock()
	n := pool.reserve
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
