// Package spin is the lock of the machine layer: it may be held with
// interrupts off and taken in trap context, where a sync.Mutex may not.
//
// Code between Lock and Unlock must be nosplit, allocate nothing and touch
// only memory that is always mapped: static data, the direct map and the
// current stack. Lock touches the stack below itself first, so that a nosplit
// chain after it cannot take a page fault.
package spin

import "sync/atomic"

// A Lock is a spinning lock. The zero value is unlocked.
type Lock struct{ word atomic.Uint32 }

// Lock takes l with interrupts off on this CPU and returns what Unlock needs.
//
//go:nosplit
func (l *Lock) Lock() Flags {
	f := irqSave()
	for !l.word.CompareAndSwap(0, 1) {
		relax()
	}
	return f
}

// Unlock releases l and restores the interrupt flag that Lock found.
//
//go:nosplit
func (l *Lock) Unlock(f Flags) {
	l.word.Store(0)
	irqRestore(f)
}

// Disable turns interrupts off on this CPU without a lock: for per-CPU data.
//
//go:nosplit
func Disable() Flags { return irqSave() }

// Restore undoes Disable.
//
//go:nosplit
func Restore(f Flags) { irqRestore(f) }
