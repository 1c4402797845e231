package mm

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
)

// MaxMapCount is how many VMAs an address space may have: proc_sys_vm(5).
const MaxMapCount = 65530

// usage tells how much address space is in use, in pages.
type usage struct {
	total, peak int64
	data        int64 // private and writable, but for stacks
	stack       int64
	text        int64
	locked      int64
	committed   int64
}

// add counts n more pages of v, or fewer if n is negative.
func (u *usage) add(v *vma, n int64) {
	u.total += n
	u.peak = max(u.peak, u.total)
	if v.isData() {
		u.data += n
	}
	if v.flags&vmGrowsDown != 0 {
		u.stack += n
	}
	if v.isText() {
		u.text += n
	}
	if v.flags&vmLocked != 0 {
		u.locked += n
	}
	if v.isCommitted() {
		u.committed += n
	}
}

var (
	vmaTotal       atomic.Int64 // VMAs of all address spaces
	committedTotal atomic.Int64 // pages
	anonPages      atomic.Int64 // Anon frames in use, each counted once
)

func unlimited(int) uint64 { return ^uint64(0) }

// SetLimits sets where the limits RLIMIT_AS, DATA, STACK and MEMLOCK come
// from. The function is called with mu held and may take no lock above it. A
// forked address space has its parent's until it gets another.
func (as *AddressSpace) SetLimits(limit func(resource int) uint64) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.limit = limit
}

// mayExpand checks whether n more pages like v are within the limits.
func (as *AddressSpace) mayExpand(v *vma, n int64) error {
	if uint64(as.usage.total+n) > as.limit(abi.RLIMIT_AS)>>pageShift {
		return abi.ENOMEM
	}
	if v.isData() && uint64(as.usage.data+n) > as.limit(abi.RLIMIT_DATA)>>pageShift {
		return abi.ENOMEM
	}
	return mayCommit(v, n)
}

// mayCommit refuses what can never be had: more private memory at once than
// the machine has. Anything less may be overcommitted, as in mode 0 of
// proc_sys_vm(5), overcommit_memory.
func mayCommit(v *vma, n int64) error {
	if v.isCommitted() && n > int64(frame.Total()) {
		return abi.ENOMEM
	}
	return nil
}

// mayLock checks whether c may lock n more pages.
func (as *AddressSpace) mayLock(n int64, c Caller) bool {
	return mayLockAny(c) || uint64(as.usage.locked+n) <= as.limit(abi.RLIMIT_MEMLOCK)>>pageShift
}
