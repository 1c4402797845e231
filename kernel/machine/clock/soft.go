//go:build !baremetal

package clock

import "time"

var began = time.Now()

// Nanotime returns the time since the program began, in nanoseconds.
func Nanotime() int64 { return int64(time.Since(began)) }
