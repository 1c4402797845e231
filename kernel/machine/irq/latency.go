package irq

import "sync/atomic"

// A latency sums up how long interrupts waited for their handlers.
type latency struct {
	count atomic.Uint64
	worst atomic.Int64 // ns
}

// idle is about the interrupts that found their CPU idle. What it tells is how
// fast the machine wakes, not what else there was to do.
var idle latency

func (l *latency) note(ns int64) {
	l.count.Add(1)
	for {
		worst := l.worst.Load()
		if ns <= worst || l.worst.CompareAndSwap(worst, ns) {
			return
		}
	}
}

// IdleLatency returns how many interrupts found their CPU idle and were
// served, and how long the slowest of them waited for its handlers, in
// nanoseconds. Interrupts that come together count once.
func IdleLatency() (count uint64, worst int64) { return idle.count.Load(), idle.worst.Load() }

// ResetIdleLatency begins counting anew.
func ResetIdleLatency() {
	idle.count.Store(0)
	idle.worst.Store(0)
}
