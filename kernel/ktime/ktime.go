// Package ktime is the kernel's time: a monotonic clock that starts at boot
// and a wall clock that can be set. All times are nanoseconds.
package ktime

import (
	"sync/atomic"
	"time"
)

// start is the moment at which the monotonic clock reads zero. The Go
// runtime's own monotonic clock, which the machine layer drives from the
// time-stamp counter, is the source.
var start = time.Now()

// realOffset is the wall clock minus the monotonic clock.
var realOffset atomic.Int64

func init() { realOffset.Store(start.UnixNano()) }

// Mono returns the time since boot, CLOCK_MONOTONIC.
func Mono() int64 { return int64(time.Since(start)) }

// Real returns the time since the Epoch, CLOCK_REALTIME.
func Real() int64 { return Mono() + realOffset.Load() }

// SetReal sets the wall clock to ns since the Epoch.
func SetReal(ns int64) { realOffset.Store(ns - Mono()) }

// BootReal returns the wall-clock time of the boot, as the wall clock is set
// now: btime in /proc/stat.
func BootReal() int64 { return realOffset.Load() }

// RealToMono converts a wall-clock deadline to the monotonic clock, as the
// wall clock is set now.
func RealToMono(ns int64) int64 { return ns - realOffset.Load() }
