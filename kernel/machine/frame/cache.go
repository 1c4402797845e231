package frame

import (
	"kevlar/kernel/machine/spin"
)

const (
	maxCPU    = 64
	cacheSize = 64 // a power of two
	batch     = cacheSize / 2
)

// A cache is one CPU's stack of free frames. Its lock is taken by its own CPU,
// and by another only when the pool is empty or is counted.
type cache struct {
	lock   spin.Lock
	n      uint32
	frames [cacheSize]uint32 // numbers; the first n are set
	_      [60]byte          // the next CPU's lock is on another cache line
}

var caches [maxCPU]cache

//go:nosplit
func (c *cache) push(n uint64) {
	c.frames[c.n%cacheSize] = uint32(n)
	c.n++
}

//go:nosplit
func (c *cache) pop() uint64 {
	c.n--
	return uint64(c.frames[c.n%cacheSize])
}

// allocate takes a free frame and returns its number, or 0. Only if reserved
// is set does it go below the reserve.
//
//go:nosplit
func allocate(reserved bool) uint64 {
	flags := spin.Disable()
	c := &caches[spin.CPU()%maxCPU]
	lf := c.lock.Lock()
	var n uint64
	if c.n == 0 {
		c.refill()
	}
	if c.n != 0 {
		n = c.pop()
	}
	c.lock.Unlock(lf)
	spin.Restore(flags)
	if n == 0 && reserved {
		flags = pool.lock.Lock()
		n = takeOne()
		pool.lock.Unlock(flags)
	}
	if n == 0 {
		n = steal()
	}
	return n
}

// release makes frame n free. Its reference count must be 0.
//
//go:nosplit
func release(n uint64) {
	flags := spin.Disable()
	c := &caches[spin.CPU()%maxCPU]
	lf := c.lock.Lock()
	if c.n == cacheSize {
		c.spill(batch)
	}
	c.push(n)
	c.lock.Unlock(lf)
	spin.Restore(flags)
}

// refill takes up to a batch of frames from the pool, but none of those that
// users cannot have. The cache must be locked and empty.
//
//go:nosplit
func (c *cache) refill() {
	flags := pool.lock.Lock()
	least := floor()
	for pool.free > least && c.n < batch {
		i := lowest()
		for w := *word(0, i); w != 0 && pool.free > least && c.n < batch; w &= w - 1 {
			bit := w & -w
			markUsed(i, bit)
			c.push(i<<6 | log2(bit))
		}
	}
	pool.lock.Unlock(flags)
}

// spill gives n of the frames to the pool. The cache must be locked.
//
//go:nosplit
func (c *cache) spill(n uint32) {
	flags := pool.lock.Lock()
	for ; n > 0; n-- {
		markFree(c.pop())
	}
	pool.lock.Unlock(flags)
}

// steal takes a frame from any CPU's cache, or returns 0.
//
//go:nosplit
func steal() uint64 {
	for i := range caches {
		c := &caches[i]
		flags := c.lock.Lock()
		var n uint64
		if c.n != 0 {
			n = c.pop()
		}
		c.lock.Unlock(flags)
		if n != 0 {
			return n
		}
	}
	return 0
}

// drainCaches gives all cached frames to the pool.
func drainCaches() {
	for i := range caches {
		c := &caches[i]
		flags := c.lock.Lock()
		c.spill(c.n)
		c.lock.Unlock(flags)
	}
}
