package frame

import (
	"math/bits"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/spin"
)

// pool is all the free memory that no CPU's cache holds. Frames go by number:
// address >> Shift.
var pool struct {
	lock spin.Lock

	// Set by Init and constant from then on.
	frames uint64    // numbers below this have metadata
	refs   uint64    // physical address of the reference counts, uint32 each
	level  [3]uint64 // physical addresses of the bit maps, uint64 words
	words  uint64    // number of words in level 2

	// Guarded by lock. Bit n of level 0 tells that frame n is free; bit n of
	// a higher level tells that word n of the level below is not zero.
	free    uint64 // set bits in level 0
	total   uint64 // frames ever added; read without the lock
	reserve uint64 // allocations for users leave this many free,
	goal    uint64 // and what the heap lacks of these
	low     uint64 // words of level 2 below this are zero

	heap int64 // frames that AllocHeap has out; atomic
}

// word returns word i of bit map l.
//
//go:nosplit
func word(l int, i uint64) *uint64 { return direct.U64(pool.level[l] + i*8) }

// markFree sets the bit of frame n. The pool must be locked.
//
//go:nosplit
func markFree(n uint64) { markFreeBits(n>>6, 1<<(n&63)) }

// markFreeBits sets bits of word i of level 0, none of which may be set.
//
//go:nosplit
func markFreeBits(i uint64, mask uint64) {
	pool.free += uint64(bits.OnesCount64(mask))
	w := word(0, i)
	was := *w
	*w = was | mask
	if was != 0 {
		return
	}
	w = word(1, i>>6)
	was = *w
	*w = was | 1<<(i&63)
	if was != 0 {
		return
	}
	i >>= 6
	*word(2, i>>6) |= 1 << (i & 63)
	if i>>6 < pool.low {
		pool.low = i >> 6
	}
}

// markUsed clears bits of word i of level 0, all of which must be set.
//
//go:nosplit
func markUsed(i uint64, mask uint64) {
	pool.free -= uint64(bits.OnesCount64(mask))
	w := word(0, i)
	*w &^= mask
	if *w != 0 {
		return
	}
	w = word(1, i>>6)
	*w &^= 1 << (i & 63)
	if *w != 0 {
		return
	}
	i >>= 6
	*word(2, i>>6) &^= 1 << (i & 63)
}

// lowest returns the first word of level 0 that is not zero. The pool must be
// locked and not empty.
//
//go:nosplit
func lowest() uint64 {
	for pool.low+1 < pool.words && *word(2, pool.low) == 0 {
		pool.low++
	}
	i := pool.low<<6 | uint64(bits.TrailingZeros64(*word(2, pool.low)))
	return i<<6 | uint64(bits.TrailingZeros64(*word(1, i)))
}

// takeOne takes the lowest free frame, or returns 0. The pool must be locked.
//
//go:nosplit
func takeOne() uint64 {
	if pool.free == 0 {
		return 0
	}
	i := lowest()
	bit := uint64(bits.TrailingZeros64(*word(0, i)))
	markUsed(i, 1<<bit)
	return i<<6 | bit
}

// allocateRun takes n free frames in a row, the first a multiple of align, and
// returns the first one's number or 0.
func allocateRun(n, align uint64) uint64 {
	first := findRun(n, align)
	if first == 0 {
		drainCaches()
		first = findRun(n, align)
	}
	return first
}

// findRun is allocateRun without what the caches hold.
//
//go:nosplit
func findRun(n, align uint64) uint64 {
	flags := pool.lock.Lock()
	for first := align; first+n <= pool.frames; {
		busy := firstBusy(first, first+n)
		if busy == first+n {
			for i := first; i < first+n; i++ {
				markUsed(i>>6, 1<<(i&63))
			}
			pool.lock.Unlock(flags)
			return first
		}
		if *word(0, busy>>6) == 0 {
			busy |= 63
		}
		first = (busy + align) &^ (align - 1)
	}
	pool.lock.Unlock(flags)
	return 0
}

// firstBusy returns the first used frame in [first, end), or end.
//
//go:nosplit
func firstBusy(first, end uint64) uint64 {
	for i := first; i < end; i = (i | 63) + 1 {
		free := uint64(bits.TrailingZeros64(^(*word(0, i>>6) >> (i & 63))))
		if i&63+free < 64 {
			return min(i+free, end)
		}
	}
	return end
}
