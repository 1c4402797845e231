//go:build baremetal

package main

import (
	"fmt"

	"kevlar/kernel/klog"
	"kevlar/kernel/machine/debugcon"
)

// startLog sends the kernel log to the debug console.
func startLog() {
	klog.SetSink(func(r klog.Record) {
		us := r.Mono / 1000
		debugcon.String(fmt.Sprintf("[%5d.%06d] %s\n", us/1_000_000, us%1_000_000, r.Text))
	})
}

// failLoudly logs a line and makes sure that it is seen where there is no
// debug console.
func failLoudly(format string, args ...any) {
	debugcon.Loud()
	klog.Print(klog.Emerg, "kevlar: "+fmt.Sprintf(format, args...))
}
