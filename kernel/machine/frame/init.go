package frame

import (
	"math/bits"
	"sync/atomic"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/layout"
)

// A Region is a piece of physical memory, in bytes. End is the first address
// after it.
type Region = layout.Region

// maxRegions is how many regions Init can be given.
const maxRegions = 64

// Init sets up the allocator with the first n regions of r as free memory.
// maxPhys is the end of the highest memory that may ever be added. The
// metadata goes to the start of the largest region, which must be able to hold
// 4.2 bytes for every frame below maxPhys.
//
// It is called once, before Go's runtime runs: it uses no more than a few
// hundred bytes of stack, allocates nothing and cannot panic.
//
//go:nosplit
func Init(r *[maxRegions]Region, n int, maxPhys uint64) {
	largest := 0
	for i := 0; i < n && i < maxRegions; i++ {
		trim(&r[i])
		if r[i].End-r[i].Start > r[largest%maxRegions].End-r[largest%maxRegions].Start {
			largest = i
		}
	}
	home := &r[largest%maxRegions]
	home.Start = placeMetadata(home.Start, maxPhys>>Shift)
	for i := 0; i < n && i < maxRegions; i++ {
		AddRegion(r[i].Start, r[i].End)
	}
}

// trim shrinks r to whole frames.
//
//go:nosplit
func trim(r *Region) {
	r.Start = (r.Start + Size - 1) &^ (Size - 1)
	r.End &^= Size - 1
	if r.Start == 0 {
		r.Start = Size // no frame is 0
	}
	if r.End < r.Start {
		r.End = r.Start
	}
}

// placeMetadata lays out the tables for frames page frames from physical
// address at on, clears them, and returns the first address after them.
//
//go:nosplit
func placeMetadata(at, frames uint64) uint64 {
	start := at
	pool.frames = frames
	pool.refs = at
	at += (frames*4 + 63) &^ 63
	words := frames
	for l := range 3 {
		words = (words + 63) / 64
		pool.level[l] = at
		at += words * 8
	}
	pool.words = words
	pool.low = words - 1
	at = (at + Size - 1) &^ (Size - 1)
	for pa := start; pa < at; pa += Size {
		clearPage(direct.Addr(pa))
	}
	return at
}

// AddRegion gives the whole frames in [start, end) to the allocator. They must
// lie below Init's maxPhys and not have been given before.
//
//go:nosplit
func AddRegion(start, end uint64) {
	r := Region{Start: start, End: end}
	trim(&r)
	first, last := r.Start>>Shift, r.End>>Shift
	if last > pool.frames {
		last = pool.frames
	}
	if first >= last {
		return
	}
	flags := pool.lock.Lock()
	pool.free += last - first
	atomic.AddUint64(&pool.total, last-first)
	pool.low = min(pool.low, first>>18)
	for l := range 3 {
		setBits(l, first, last)
		first, last = first>>6, (last-1)>>6+1
	}
	pool.lock.Unlock(flags)
}

// setBits sets the bits from first to last, which is not set, in bit map l.
//
//go:nosplit
func setBits(l int, first, last uint64) {
	for n := first; n < last; {
		if n&63 == 0 && last-n >= 64 {
			at := pool.level[l] + n>>3
			for ; last-n >= 64; n += 64 {
				*direct.U64(at) = ^uint64(0)
				at += 8
			}
			continue
		}
		mask := ^uint64(0) << (n & 63)
		next := n&^63 + 64
		if next > last {
			mask &= 1<<(last&63) - 1
			next = last
		}
		*word(l, n>>6) |= mask
		n = next
	}
}

// log2 returns the number of the only bit set in x.
//
//go:nosplit
func log2(x uint64) uint64 { return uint64(bits.TrailingZeros64(x)) }
