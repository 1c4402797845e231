//go:build baremetal

package main

import (
	"fmt"

	"kevlar/kernel/klog"
	"kevlar/kernel/machine/debugcon"
)

// failLoudly logs a line and makes sure that it is seen where there is no
// debug console.
func failLoudly(format string, args ...any) {
	debugcon.Loud()
	klog.Print(klog.Emerg, "kevlar: "+fmt.Sprintf(format, args...))
}
