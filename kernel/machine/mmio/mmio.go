// Package mmio accesses the registers of devices that lie in physical memory.
package mmio

import (
	"sync/atomic"
	"unsafe"

	"kevlar/kernel/machine/direct"
)

// A Region is a range of device registers. Offsets are in bytes; an access
// outside of the region panics.
type Region struct {
	pa   uint64
	size uintptr
}

// New returns the region of size bytes at physical address pa, which the
// direct map must cover without caching: see Map.
func New(pa uint64, size uintptr) Region { return Region{pa, size} }

// Size returns the region's size in bytes.
func (r Region) Size() uintptr { return r.size }

// at returns a pointer to n bytes at off. It is sound as the bounds are
// checked and device memory is never Go's.
func (r Region) at(off, n uintptr) unsafe.Pointer {
	if off+n > r.size || off+n < n || off%n != 0 {
		panic("mmio: access outside of the region or unaligned")
	}
	p := direct.Addr(r.pa) + off
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// Read8 reads one byte. Like the other accesses it is one instruction that
// the compiler neither drops nor joins with another.
func (r Region) Read8(off uintptr) uint8 { return load8(r.at(off, 1)) }

// Read16 reads two bytes.
func (r Region) Read16(off uintptr) uint16 { return load16(r.at(off, 2)) }

// Read32 reads four bytes.
func (r Region) Read32(off uintptr) uint32 { return atomic.LoadUint32((*uint32)(r.at(off, 4))) }

// Read64 reads eight bytes.
func (r Region) Read64(off uintptr) uint64 { return atomic.LoadUint64((*uint64)(r.at(off, 8))) }

// Write8 writes one byte.
func (r Region) Write8(off uintptr, v uint8) { store8(r.at(off, 1), v) }

// Write16 writes two bytes.
func (r Region) Write16(off uintptr, v uint16) { store16(r.at(off, 2), v) }

// Write32 writes four bytes.
func (r Region) Write32(off uintptr, v uint32) { store32(r.at(off, 4), v) }

// Write64 writes eight bytes.
func (r Region) Write64(off uintptr, v uint64) { store64(r.at(off, 8), v) }

// The rest is assembly, so that each is one plain MOV: an exchange, which
// atomic stores are, is no good for registers.
func load8(p unsafe.Pointer) uint8
func load16(p unsafe.Pointer) uint16
func store8(p unsafe.Pointer, v uint8)
func store16(p unsafe.Pointer, v uint16)
func store32(p unsafe.Pointer, v uint32)
func store64(p unsafe.Pointer, v uint64)
