// Package direct is the direct map: all physical memory at one virtual offset.
//
// On the machine the offset differs from boot to boot. It is a variable: the
// processor adds it from memory where it would add a constant that is too long
// for an instruction, so that a constant would save nothing. Under go test
// physical memory is an arena of the host, whose offset frame.InitSoft sets.
package direct

import (
	"unsafe"

	"kevlar/kernel/machine/layout"
)

// Base is the virtual address of physical address 0. It is set once, by boot
// code: until then it is that of the boot page tables.
var Base uintptr = layout.DirectMap

// Addr returns the virtual address of physical address pa.
//
//go:nosplit
func Addr(pa uint64) uintptr { return Base + uintptr(pa) }

// U64 returns a pointer to the word at pa, which must lie in RAM and be
// aligned. Physical memory is never Go heap, so the collector ignores the
// pointer and it stays valid for ever.
//
//go:nosplit
func U64(pa uint64) *uint64 { return (*uint64)(pointer(pa)) }

// U32 is like U64 for a 32-bit word.
//
//go:nosplit
func U32(pa uint64) *uint32 { return (*uint32)(pointer(pa)) }

// Page returns the 4 KiB page at pa, which must be aligned.
//
//go:nosplit
func Page(pa uint64) *[4096]byte { return (*[4096]byte)(pointer(pa)) }

// Table returns the page-table page at pa.
//
//go:nosplit
func Table(pa uint64) *[512]uint64 { return (*[512]uint64)(pointer(pa)) }

// Bytes returns n bytes of physical memory at pa.
func Bytes(pa uint64, n int) []byte { return unsafe.Slice((*byte)(pointer(pa)), n) }

// pointer makes the one conversion from a number to a pointer. It is sound
// because the direct map is outside of Go's heap: the collector neither moves
// nor frees what it points to. The detour through the variable's address
// keeps vet from taking it for a stale heap address.
//
//go:nosplit
func pointer(pa uint64) unsafe.Pointer {
	p := Base + uintptr(pa)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}
