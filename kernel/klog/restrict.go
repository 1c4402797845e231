package klog

import "sync/atomic"

// open is set while everybody may read the log.
var open atomic.Bool

// Restricted reports whether only privileged programs may read the log:
// sysctl kernel.dmesg_restrict of Linux. They are at first, as lines of the log
// can hold addresses of the kernel.
func Restricted() bool { return !open.Load() }

// Restrict sets what Restricted reports.
func Restrict(on bool) { open.Store(!on) }
