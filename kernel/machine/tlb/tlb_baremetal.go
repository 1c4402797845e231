//go:build baremetal

package tlb

import "kevlar/kernel/machine/ipi"

// FlushRange makes every CPU in cpus forget its translations of [start, end)
// of the address space whose root table is root.
func FlushRange(cpus, root uint64, start, end uintptr) {
	ipi.Call(cpus, ipi.FlushUser, root, uint64(start), uint64(end))
}

// FlushAll makes every CPU in cpus forget all user translations of root.
func FlushAll(cpus, root uint64) {
	const all = 1 << 47
	ipi.Call(cpus, ipi.FlushUser, root, 0, all)
}

// Evict makes every CPU in cpus that has root loaded switch to the kernel's
// own tables, so that root may be freed. Threads save no root of a table that
// nobody uses, so none can come back to it.
func Evict(cpus, root uint64) {
	ipi.Call(cpus, ipi.Evict, root, 0, 0)
}
