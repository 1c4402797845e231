//go:build baremetal

package main

import (
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/rtc"
)

// setWallClock sets the time of day from the monitor or, where it does not tell,
// from the machine's real-time clock.
func setWallClock() {
	ns, ok := boot.WallClock()
	if !ok {
		ns, ok = rtc.Read()
	}
	if ok {
		ktime.SetReal(ns)
	}
}
