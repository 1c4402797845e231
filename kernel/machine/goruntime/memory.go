//go:build baremetal

package goruntime

import "unsafe"

// The runtime passes addresses as numbers. They are goroutine or thread
// stacks, heap or static data: mapped, or demand-paged by the exception hook.
// None is stored, so the collector has nothing to know.

//go:nosplit
func load32(p uintptr) uint32 { return **(**uint32)(unsafe.Pointer(&p)) }

//go:nosplit
func load64(p uintptr) uintptr { return **(**uintptr)(unsafe.Pointer(&p)) }

//go:nosplit
func store8(p uintptr, v byte) { **(**byte)(unsafe.Pointer(&p)) = v }

//go:nosplit
func store32(p uintptr, v uint32) { **(**uint32)(unsafe.Pointer(&p)) = v }

//go:nosplit
func store64(p uintptr, v uintptr) { **(**uintptr)(unsafe.Pointer(&p)) = v }

// loadTimespec returns the nanoseconds of the struct timespec at p.
//
//go:nosplit
func loadTimespec(p uintptr) int64 {
	return int64(load64(p))*1_000_000_000 + int64(load64(p+8))
}

//go:nosplit
func load8(p uintptr) byte { return **(**byte)(unsafe.Pointer(&p)) }
