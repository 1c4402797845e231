package mm

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// What address spaces cost of the kernel's memory, in bytes; package kmem tells
// of charges. Page tables are frames, which the pool counts.
const (
	// spaceCost is an address space with as many VMAs and mappings as most
	// programs have, at most.
	spaceCost = 6 << 10
	freeVMAs  = fanOut
	freeMaps  = lookedThrough
	// vmaCost is a VMA in a tree whose nodes are as empty as they may be.
	vmaCost = 256
	mapCost = 320 // a Mapping, in the index as well
)

// charge is what the totals, and the account, know of an address space.
type charge struct {
	vmas, committed int64
	kernel          int64 // bytes, spaceCost not included
}

// kernelCost returns the bytes that so many VMAs and mappings cost.
func kernelCost(vmas, maps int) int64 {
	return int64(max(vmas-freeVMAs, 0))*vmaCost + int64(max(maps-freeMaps, 0))*mapCost
}

// room checks that n more VMAs, each with a mapping of its own, are within the
// limits, and charges them until settle. The error is ENOMEM.
func (as *AddressSpace) room(n int) error {
	if n == 0 {
		return nil
	}
	return as.roomFor(as.vmas.len()+n, as.mappings.n+n)
}

// roomFor is room for so many VMAs and mappings altogether.
func (as *AddressSpace) roomFor(vmas, maps int) error {
	if vmas > MaxMapCount {
		return abi.ENOMEM
	}
	more := kernelCost(vmas, maps) - as.charged.kernel
	if more <= 0 {
		return nil
	}
	if err := as.account.Charge(more); err != nil {
		return err
	}
	as.charged.kernel += more
	return nil
}

// settle brings the totals and the account up to date.
func (as *AddressSpace) settle() {
	now := charge{int64(as.vmas.len()), as.usage.committed, kernelCost(as.vmas.len(), as.mappings.n)}
	if now == as.charged {
		return
	}
	vmaTotal.Add(now.vmas - as.charged.vmas)
	committedTotal.Add(now.committed - as.charged.committed)
	switch more := now.kernel - as.charged.kernel; {
	case more > 0:
		as.account.ChargeAnyway(more)
	case more < 0:
		as.account.Uncharge(-more)
	}
	as.charged = now
}

// chargeSpace charges a new address space, or fails with ENOMEM.
func chargeSpace(a *kmem.Account) error { return a.Charge(spaceCost) }
