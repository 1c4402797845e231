package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
	"kevlar/kernel/wait"
)

// deadlineAfter returns the monotonic time ns from now, saturated.
func deadlineAfter(ns int64) int64 {
	now := ktime.Mono()
	if ns > wait.Forever-now {
		return wait.Forever
	}
	return now + ns
}

// loadTimeout turns a relative timeout at addr into a deadline. Address 0 is
// no timeout.
func loadTimeout(t *task.Task, addr uintptr) (int64, error) {
	if addr == 0 {
		return wait.Forever, nil
	}
	ts, err := loadTimespec(t, addr)
	if err != nil {
		return 0, err
	}
	if !ts.Valid() {
		return 0, abi.EINVAL
	}
	return deadlineAfter(ts.Ns()), nil
}

// relativeSleep sleeps until deadline. If a signal ends it, the time that is
// left goes to rem, and restart_syscall(2) goes on until the same deadline.
func relativeSleep(t *task.Task, deadline int64, rem uintptr) (uintptr, error) {
	if t.Sleeper().SleepUntil(deadline) == nil {
		return 0, nil
	}
	left := deadline - ktime.Mono()
	if left <= 0 {
		return 0, nil
	}
	if rem != 0 {
		if err := outTimespec(t, rem, left); err != nil {
			return 0, err
		}
	}
	t.SetRestart(func(t *task.Task) (uintptr, error) { return relativeSleep(t, deadline, rem) })
	return 0, abi.ERESTART_RESTARTBLOCK
}

func sysNanosleep(t *task.Task, a *Args) (uintptr, error) {
	ts, err := loadTimespec(t, a[0])
	if err != nil {
		return 0, err
	}
	if !ts.Valid() {
		return 0, abi.EINVAL
	}
	return relativeSleep(t, deadlineAfter(ts.Ns()), a[1])
}

func sysClockNanosleep(t *task.Task, a *Args) (uintptr, error) {
	id := int32(a[0])
	switch id {
	case abi.CLOCK_REALTIME, abi.CLOCK_MONOTONIC, abi.CLOCK_BOOTTIME, abi.CLOCK_TAI:
	case abi.CLOCK_REALTIME_ALARM, abi.CLOCK_BOOTTIME_ALARM:
		if !t.Cred().HasCap(abi.CAP_WAKE_ALARM) {
			return 0, abi.EPERM
		}
	case abi.CLOCK_MONOTONIC_RAW, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_MONOTONIC_COARSE, abi.CLOCK_PROCESS_CPUTIME_ID:
		return 0, abi.EOPNOTSUPP
	default:
		return 0, abi.EINVAL
	}
	ts, err := loadTimespec(t, a[2])
	if err != nil {
		return 0, err
	}
	if !ts.Valid() {
		return 0, abi.EINVAL
	}
	if a[1]&abi.TIMER_ABSTIME == 0 {
		return relativeSleep(t, deadlineAfter(ts.Ns()), a[3])
	}
	sleep := t.Sleeper().SleepUntil
	if isRealClock(id) {
		sleep = t.Sleeper().SleepUntilReal
	}
	if sleep(ts.Ns()) != nil {
		return 0, abi.ERESTARTNOHAND
	}
	return 0, nil
}

// isRealClock reports whether a clock follows the wall clock.
func isRealClock(id int32) bool {
	return id == abi.CLOCK_REALTIME || id == abi.CLOCK_TAI || id == abi.CLOCK_REALTIME_ALARM
}
