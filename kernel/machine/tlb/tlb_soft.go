//go:build !baremetal

package tlb

import "sync/atomic"

// Flushes counts the flushes asked for, for tests.
var Flushes atomic.Uint64

// FlushRange makes every CPU in cpus forget its translations of [start, end)
// of the address space whose root table is root.
func FlushRange(cpus, root uint64, start, end uintptr) { Flushes.Add(1) }

// FlushAll makes every CPU in cpus forget all user translations of root.
func FlushAll(cpus, root uint64) { Flushes.Add(1) }

// Evict makes every CPU and every saved thread that has root loaded switch to
// the kernel's own tables, so that root may be freed.
func Evict(cpus, root uint64) { Flushes.Add(1) }
