package frame

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/direct"
)

// Size is the size of a page frame in bytes, and Shift its logarithm.
const (
	Shift = 12
	Size  = 1 << Shift
)

// A Frame is the physical address of a page frame. No frame is 0.
type Frame uint64

// Alloc returns a frame with one reference and undefined contents, on behalf
// of a user: it fails with ENOMEM rather than touch the kernel's reserve.
//
//go:nosplit
func Alloc() (Frame, error) {
	n := allocate(false)
	if n == 0 {
		return 0, abi.ENOMEM
	}
	*refs(n) = 1
	return Frame(n << Shift), nil
}

// AllocReserved is like Alloc but may take the last free frame: it is for what
// the kernel itself cannot do without.
//
//go:nosplit
func AllocReserved() (Frame, error) {
	n := allocate(true)
	if n == 0 {
		return 0, abi.ENOMEM
	}
	*refs(n) = 1
	return Frame(n << Shift), nil
}

// AllocHeap is AllocReserved for a page of the kernel's heap, which FreeHeap
// takes back.
//
//go:nosplit
func AllocHeap() (Frame, error) {
	f, err := AllocReserved()
	if err == nil {
		atomic.AddInt64(&pool.heap, 1)
	}
	return f, err
}

// FreeHeap frees what AllocHeap returned.
//
//go:nosplit
func FreeHeap(f Frame) {
	atomic.AddInt64(&pool.heap, -1)
	f.Put()
}

// AllocZero is Alloc with the contents zeroed.
func AllocZero() (Frame, error) {
	f, err := Alloc()
	if err == nil {
		f.Zero()
	}
	return f, err
}

// AllocContig returns the first of n frames in a row, zeroed, each with one
// reference of its own. The first is aligned to align bytes, a power of two;
// anything up to Size means no alignment beyond a frame's. It is for memory
// that devices read and for large pages, and may use the reserve.
func AllocContig(n int, align uint64) (Frame, error) {
	if n <= 0 || align&(align-1) != 0 {
		return 0, abi.EINVAL
	}
	first := allocateRun(uint64(n), max(align>>Shift, 1))
	if first == 0 {
		return 0, abi.ENOMEM
	}
	for i := first; i < first+uint64(n); i++ {
		*refs(i) = 1
		Frame(i << Shift).Zero()
	}
	return Frame(first << Shift), nil
}

// Get takes a reference on f, which must not be free.
//
//go:nosplit
func (f Frame) Get() {
	if int32(atomic.AddUint32(refs(f.index()), 1)) <= 1 {
		panic("frame: reference taken on a free frame")
	}
}

// Put drops a reference on f and frees it if that was the last. It reports
// whether f was freed.
//
//go:nosplit
func (f Frame) Put() bool {
	left := int32(atomic.AddUint32(refs(f.index()), ^uint32(0)))
	return left <= 0 && f.free(left)
}

// free ends what Put began when no reference was left.
//
//go:nosplit
//go:noinline
func (f Frame) free(left int32) bool {
	if left < 0 {
		panic("frame: free frame freed")
	}
	release(uint64(f) >> Shift)
	return true
}

// PutAll drops a reference on each of fs and returns how many were freed.
func PutAll(fs []Frame) int {
	freed := 0
	for _, f := range fs {
		if f.Put() {
			freed++
		}
	}
	return freed
}

// Refs returns the number of references on f: 0 if it is free.
func (f Frame) Refs() int32 { return int32(atomic.LoadUint32(refs(f.index()))) }

// Data returns the contents of f. The pointer is good while the caller has a
// reference.
//
//go:nosplit
func (f Frame) Data() *[Size]byte { return direct.Page(uint64(f)) }

// Zero clears f.
//
//go:nosplit
func (f Frame) Zero() { clearPage(direct.Addr(uint64(f))) }

// CopyFrom makes the contents of f those of g.
//
//go:nosplit
func (f Frame) CopyFrom(g Frame) { copyPage(direct.Addr(uint64(f)), direct.Addr(uint64(g))) }

// index returns f's number, by which all tables here are indexed.
//
//go:nosplit
func (f Frame) index() uint64 {
	n := uint64(f) >> Shift
	if n == 0 || n >= pool.frames {
		panic("frame: not the address of a frame")
	}
	return n
}

// refs returns the reference count of frame n.
//
//go:nosplit
func refs(n uint64) *uint32 { return direct.U32(pool.refs + n*4) }
