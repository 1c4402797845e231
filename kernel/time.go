//go:build baremetal

package main

import (
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/rtc"
)

// setWallClock sets the time of day from the machine's real-time clock.
func setWallClock() {
	ktime.OnSet = clock.SetReal
	if ns, ok := rtc.Read(); ok {
		ktime.SetReal(ns)
	}
}
