// Package frame manages physical memory in page frames of 4 KiB: it hands
// them out, counts the references on each, and takes them back.
//
// Every frame has a 32-bit reference count, held in an array outside of Go's
// heap. Alloc returns a frame with one reference; whoever stores the frame in
// a second place takes another; the frame is free again when the last one is
// dropped. Taking a reference on a free frame, or dropping one too many, is a
// bug in the kernel and panics.
//
// Free frames are bits in a map with two summary levels above it, in address
// order, so that low addresses are used first and high ones stay in long runs.
// Before it stands a small stack of free frames for each CPU, which most calls
// never go beyond.
//
// Go's own heap is fed from here, also in trap context: the code between lock
// and unlock is nosplit, works on static data and the direct map alone, and
// stores no pointers.
//
// Lock order: a CPU's cache, then the pool. Two caches are never locked
// together.
package frame
