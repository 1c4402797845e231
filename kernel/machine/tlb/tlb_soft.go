//go:build !baremetal

package tlb

import (
	"sync"
	"sync/atomic"
)

// Flushes counts the flushes asked for, for tests.
var Flushes atomic.Uint64

// OnFlush, if not nil, is called by every flush, for tests.
var OnFlush func()

// walks is held for reading by whoever uses translations, and for writing by
// a flush, which so waits for those that still use old ones.
var walks sync.RWMutex

// BeginWalk and EndWalk enclose the software's use of translations: from
// looking one up to the last access by it. No flush returns in between.
func BeginWalk() { walks.RLock() }

// EndWalk ends what BeginWalk began.
func EndWalk() { walks.RUnlock() }

func flush() {
	Flushes.Add(1)
	if OnFlush != nil {
		OnFlush()
	}
	walks.Lock()
	walks.Unlock() // an empty section: it only waits
}

// FlushRange makes every CPU forget its translations of [start, end) in an
// address space.
func FlushRange(root uint64, start, end uintptr) { flush() }

// FlushAll makes every CPU forget all user translations of an address space.
func FlushAll(root uint64) { flush() }

// Evict makes every CPU and every saved thread that has root loaded switch to
// the kernel's own tables, so that root may be freed.
func Evict(root uint64) { flush() }
