//go:build !baremetal

package goruntime

import "sync/atomic"

// SoftInterrupt is an interrupt of device vector n, for tests. idleSince is when
// it came if its CPU was idle, and 0 if not.
func SoftInterrupt(n int, idleSince int64) { raise(uintptr(n), idleSince) }

// SoftRaise raises what no device does, for tests.
func SoftRaise(set uint64) { raised.Or(set) }

// SoftReset forgets all interrupts and their lines, for tests.
func SoftReset() {
	raised.Store(0)
	levels.Store(0)
	idleRaised.Store(0)
	clear(lines[:])
	interruptCount = [len(interruptCount)]atomic.Uint64{}
}
