package frame

// clearPage zeroes the page at addr with 16-byte stores. String instructions
// would be no faster on the processor and far slower under emulation.
//
//go:noescape
func clearPage(addr uintptr)

// copyPage copies the page at src to dst; they must not be the same.
//
//go:noescape
func copyPage(dst, src uintptr)
