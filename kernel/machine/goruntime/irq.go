//go:build baremetal

package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/ioapic"
)

// raised holds the device vectors that have interrupted and not been drained:
// bit i for vector cpu.VectorDevice+i, and AlarmRaised. levels holds those whose line must be
// masked until then.
var (
	raised, levels atomic.Uint64
	lines          [cpu.DeviceVectors]uint32 // of the vectors in levels
	interruptCount [cpu.DeviceVectors]atomic.Uint64
)

// idleRaised is when the first interrupt in raised came that found its CPU
// idle, in nanoseconds since boot; 0 if none did.
var idleRaised atomic.Int64

// deviceInterrupt notes an interrupt of device vector n. Trap context.
//
//go:nosplit
func deviceInterrupt(n uintptr) {
	n %= cpu.DeviceVectors
	interruptCount[n].Add(1)
	if levels.Load()>>n&1 != 0 {
		ioapic.Mask(lines[n])
	}
	if threads[current()&(maxThreads-1)].idle {
		idleRaised.CompareAndSwap(0, clock.Nanotime())
	}
	raised.Or(1 << n)
	flags := sched.lock.Lock()
	notifyInterrupt()
	sched.lock.Unlock(flags)
}

// SetLevel says that device vector n comes from the level-triggered line gsi.
func SetLevel(n int, gsi uint32) {
	lines[n%cpu.DeviceVectors] = gsi
	levels.Or(1 << (n % cpu.DeviceVectors))
}

// TakeRaised returns and clears the set of device vectors that have
// interrupted since the last call, with AlarmRaised if that is due, and when the first of those came that found
// its CPU idle; 0 if none did.
func TakeRaised() (set uint64, idleSince int64) {
	if raised.Load() == 0 {
		return 0, 0
	}
	idleSince = idleRaised.Swap(0)
	return raised.Swap(0), idleSince
}

// InterruptCount returns how often device vector n has interrupted.
func InterruptCount(n int) uint64 { return interruptCount[n%cpu.DeviceVectors].Load() }
