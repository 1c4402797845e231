//go:build baremetal

package tlb

import "kevlar/kernel/machine/ipi"

// FlushRange makes every CPU forget its translations of [start, end) in an
// address space.
func FlushRange(root uint64, start, end uintptr) {
	ipi.Call(ipi.All, ipi.FlushUser, root, uint64(start), uint64(end))
}

// FlushAll makes every CPU forget all user translations of an address space.
func FlushAll(root uint64) {
	const all = 1 << 47
	ipi.Call(ipi.All, ipi.FlushUser, root, 0, all)
}

// Evict makes every CPU that has root loaded switch to the kernel's
// own tables, so that root may be freed. Threads save no root of a table that
// nobody uses, so none can come back to it.
func Evict(root uint64) {
	ipi.Call(ipi.All, ipi.Evict, root, 0, 0)
}
