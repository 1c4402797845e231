//go:build baremetal

package main

import (
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/syscalls"
)

// endMachine is reboot(2).
func endMachine(how syscalls.RebootAction) {
	drainConsoles()
	switch how {
	case syscalls.Restart:
		klog.Printf("restarting")
		power.Reboot()
	default:
		klog.Printf("power off")
		power.Off()
	}
}
