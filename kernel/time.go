//go:build baremetal

package main

import (
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/rtc"
)

// setWallClock sets the time of day from the monitor or, where it does not tell,
// from the machine's real-time clock.
func setWallClock() {
	ktime.OnSet = clock.SetReal
	ns, ok := boot.WallClock()
	if !ok {
		ns, ok = rtc.Read()
	}
	if ok {
		ktime.SetReal(ns)
	}
}

// setAlarm lets the timers of user programs come by the machine's own timer.
func setAlarm() {
	irq.ConnectAlarm(ktime.Expire)
	ktime.UseAlarm(goruntime.SetAlarm)
}
