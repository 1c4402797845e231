//go:build baremetal

package ioapic

import (
	"sync/atomic"

	"kevlar/kernel/machine/direct"
)

// The registers are reached through a window that a selector moves.
const (
	regSelect = 0x00
	regWindow = 0x10
)

// load reads a register of the I/O APIC at physical address pa. lock is held.
//
//go:nosplit
func load(pa uint64, index uint32) uint32 {
	atomic.StoreUint32(direct.U32(pa+regSelect), index)
	return atomic.LoadUint32(direct.U32(pa + regWindow))
}

// store writes a register. lock is held.
//
//go:nosplit
func store(pa uint64, index, v uint32) {
	atomic.StoreUint32(direct.U32(pa+regSelect), index)
	atomic.StoreUint32(direct.U32(pa+regWindow), v)
}
