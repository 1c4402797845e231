package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/ioapic"
)

// AlarmRaised is the bit in what TakeRaised returns that stands for the alarm.
const AlarmRaised = 1 << cpu.DeviceVectors

// ShortageRaised is the bit in what TakeRaised returns that tells that the heap
// has begun on the second half of the reserve of page frames.
const ShortageRaised = 2 << cpu.DeviceVectors

// raised holds the device vectors that have interrupted and not been drained:
// bit i for vector cpu.VectorDevice+i, and AlarmRaised and ShortageRaised.
// levels holds those whose line must be masked until then.
var (
	raised, levels atomic.Uint64
	lines          [cpu.DeviceVectors]uint32 // of the vectors in levels
	interruptCount [cpu.DeviceVectors]atomic.Uint64
)

// idleRaised is when the first interrupt in raised came that found its CPU
// idle, in nanoseconds since boot; 0 if none did.
var idleRaised atomic.Int64

// raise notes an interrupt of device vector n. idleSince is when it came if its
// CPU was idle, and 0 if not. Trap context.
//
//go:nosplit
func raise(n uintptr, idleSince int64) {
	n %= cpu.DeviceVectors
	interruptCount[n].Add(1)
	if levels.Load()>>n&1 != 0 {
		ioapic.Mask(lines[n])
	}
	if idleSince != 0 {
		idleRaised.CompareAndSwap(0, idleSince)
	}
	raised.Or(1 << n)
}

// SetLevel says that device vector n comes from the level-triggered line gsi.
func SetLevel(n int, gsi uint32) {
	lines[n%cpu.DeviceVectors] = gsi
	levels.Or(1 << (n % cpu.DeviceVectors))
}

// TakeRaised returns and clears the set of device vectors that have
// interrupted since the last call, with AlarmRaised and ShortageRaised if they
// are due, and when the first of those came that found its CPU idle; 0 if none
// did.
func TakeRaised() (set uint64, idleSince int64) {
	if raised.Load() == 0 {
		return 0, 0
	}
	// The set first, as raise sets it last: the time of an interrupt that was
	// taken is never left behind.
	set = raised.Swap(0)
	return set, idleRaised.Swap(0)
}

// InterruptCount returns how often device vector n has interrupted.
func InterruptCount(n int) uint64 { return interruptCount[n%cpu.DeviceVectors].Load() }
