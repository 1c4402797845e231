//go:build baremetal

package goruntime

import "kevlar/kernel/machine/cpu"

// alarm is the one time at which goroutine context wants to look up, whatever
// runs then; sched.lock guards it.
var alarm struct {
	when int64  // 0 if it is off
	cpu  uint64 // whose timer keeps it
}

// SetAlarm makes AlarmRaised be raised, like a device interrupt, at when, in
// nanoseconds since boot, in place of any time set before. Goroutine context
// calls it.
//
//go:nosplit
func SetAlarm(when int64) {
	flags := sched.lock.Lock()
	alarm.when, alarm.cpu = when, cpu.Current().ID
	armTimer()
	sched.lock.Unlock(flags)
}

// ring raises the alarm if it is due on the calling CPU. sched.lock is held.
//
//go:nosplit
func ring(now int64) {
	if alarm.when == 0 || alarm.cpu != cpu.Current().ID || alarm.when > now {
		return
	}
	alarm.when = 0
	raised.Or(AlarmRaised)
	notifyInterrupt()
}

// raiseShortage tells goroutine context that memory is low.
//
//go:nosplit
func raiseShortage() {
	if raised.Or(ShortageRaised)&ShortageRaised == 0 {
		notifyInterrupt()
	}
}
