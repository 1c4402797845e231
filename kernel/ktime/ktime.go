// Package ktime is the kernel's time: a monotonic clock that starts at boot
// and a wall clock that can be set. All times are nanoseconds.
package ktime

import (
	"math"
	"sync/atomic"
	"time"
)

// start is the moment at which the default monotonic clock reads zero.
var start = time.Now()

// source reads the monotonic clock.
var source = func() int64 { return int64(time.Since(start)) }

// realOffset is the wall clock minus the monotonic clock.
var realOffset atomic.Int64

func init() { realOffset.Store(start.UnixNano()) }

// UseSource makes f the monotonic clock: the machine's own, which user
// programs read too. It is called once at boot, before the first use.
func UseSource(f func() int64) {
	now := Real()
	source = f
	realOffset.Store(now - f())
}

// Mono returns the time since boot, CLOCK_MONOTONIC.
func Mono() int64 { return source() }

// Real returns the time since the Epoch, CLOCK_REALTIME.
func Real() int64 { return Mono() + realOffset.Load() }

// OnSet, if not nil, is told the wall clock minus the monotonic clock each
// time the wall clock is set. It is set once, at boot.
var OnSet func(offset int64)

// SetReal sets the wall clock to ns since the Epoch.
func SetReal(ns int64) {
	offset := ns - Mono()
	realOffset.Store(offset)
	if OnSet != nil {
		OnSet(offset)
	}
	realMoved()
}

// BootReal returns the wall-clock time of the boot, as the wall clock is set
// now: btime in /proc/stat.
func BootReal() int64 { return realOffset.Load() }

// RealToMono converts a wall-clock deadline to the monotonic clock, as the
// wall clock is set now. What is beyond the ends of the range is at its end:
// always in the past, or never.
func RealToMono(ns int64) int64 {
	offset := realOffset.Load()
	mono := ns - offset
	switch {
	case offset > 0 && mono > ns:
		return math.MinInt64
	case offset < 0 && mono < ns:
		return math.MaxInt64
	}
	return mono
}
