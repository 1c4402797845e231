//go:build baremetal

package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/cpu"
)

// raised holds the device vectors that have interrupted and not been drained:
// bit i for vector cpu.VectorDevice+i.
var raised atomic.Uint64

// interruptCount counts the interrupts of each device vector, for
// /proc/interrupts.
var interruptCount [cpu.DeviceVectors]atomic.Uint64

//go:nosplit
func deviceInterrupt(n uintptr) {
	interruptCount[n%cpu.DeviceVectors].Add(1)
	raised.Or(1 << (n % cpu.DeviceVectors))
	notifyInterrupt()
}

// TakeRaised returns and clears the set of device vectors that have
// interrupted since the last call.
func TakeRaised() uint64 { return raised.Swap(0) }

// InterruptCount returns how often device vector n has interrupted.
func InterruptCount(n int) uint64 { return interruptCount[n%cpu.DeviceVectors].Load() }
