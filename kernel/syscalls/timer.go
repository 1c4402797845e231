package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func outItimerval(t *task.Task, addr uintptr, value, interval int64) error {
	it := abi.Itimerval{Interval: abi.NsToTimeval(interval), Value: abi.NsToTimeval(value)}
	b := t.Scratch[:abi.SizeofItimerval]
	it.MarshalTo(b)
	return copyOut(t, addr, b)
}

func sysGetitimer(t *task.Task, a *Args) (uintptr, error) {
	value, interval, err := t.Group().GetITimer(int(int32(a[0])))
	if err != nil {
		return 0, err
	}
	return 0, outItimerval(t, a[1], value, interval)
}

// sysSetitimer stops the timer if there is no new value.
func sysSetitimer(t *task.Task, a *Args) (uintptr, error) {
	var it abi.Itimerval
	if a[1] != 0 {
		b := t.Scratch[:abi.SizeofItimerval]
		if err := copyIn(t, b, a[1]); err != nil {
			return 0, err
		}
		it.Unmarshal(b)
		if !it.Value.Valid() || !it.Interval.Valid() {
			return 0, abi.EINVAL
		}
	}
	value, interval, err := t.Group().SetITimer(int(int32(a[0])), it.Value.Ns(), it.Interval.Ns())
	if err != nil || a[2] == 0 {
		return 0, err
	}
	return 0, outItimerval(t, a[2], value, interval)
}

// sysAlarm returns the seconds that were left, but never 0 for a timer that
// was running.
func sysAlarm(t *task.Task, a *Args) (uintptr, error) {
	left, _, err := t.Group().SetITimer(abi.ITIMER_REAL, int64(uint32(a[0]))*1e9, 0)
	seconds := left / 1e9
	if rest := left % 1e9; rest >= 5e8 || seconds == 0 && rest > 0 {
		seconds++
	}
	return uintptr(seconds), err
}

func sysTimerCreate(t *task.Task, a *Args) (uintptr, error) {
	var event *abi.Sigevent
	if a[1] != 0 {
		b := t.Scratch[:abi.SizeofSigevent]
		if err := copyIn(t, b, a[1]); err != nil {
			return 0, err
		}
		event = new(abi.Sigevent)
		event.Unmarshal(b)
	}
	id, err := t.TimerCreate(int(int32(a[0])), event)
	if err != nil {
		return 0, err
	}
	if err := outInt(t, a[2], int32(id)); err != nil {
		t.TimerDelete(id)
		return 0, err
	}
	return 0, nil
}

func outItimerspec(t *task.Task, addr uintptr, value, interval int64) error {
	it := abi.Itimerspec{Interval: abi.NsToTimespec(interval), Value: abi.NsToTimespec(value)}
	b := t.Scratch[:abi.SizeofItimerspec]
	it.MarshalTo(b)
	return copyOut(t, addr, b)
}

// loadItimerspec copies in a time and an interval, which must be valid.
func loadItimerspec(t *task.Task, addr uintptr) (abi.Itimerspec, error) {
	var it abi.Itimerspec
	b := t.Scratch[:abi.SizeofItimerspec]
	if err := copyIn(t, b, addr); err != nil {
		return it, err
	}
	it.Unmarshal(b)
	if !it.Value.Valid() || !it.Interval.Valid() {
		return it, abi.EINVAL
	}
	return it, nil
}

func sysTimerSettime(t *task.Task, a *Args) (uintptr, error) {
	if a[2] == 0 {
		return 0, abi.EINVAL
	}
	it, err := loadItimerspec(t, a[2])
	if err != nil {
		return 0, err
	}
	value, interval, err := t.TimerSettime(int(int32(a[0])), a[1]&abi.TIMER_ABSTIME != 0, it.Value.Ns(), it.Interval.Ns())
	if err != nil || a[3] == 0 {
		return 0, err
	}
	return 0, outItimerspec(t, a[3], value, interval)
}

func sysTimerGettime(t *task.Task, a *Args) (uintptr, error) {
	value, interval, err := t.TimerGettime(int(int32(a[0])))
	if err != nil {
		return 0, err
	}
	return 0, outItimerspec(t, a[1], value, interval)
}

func sysTimerGetoverrun(t *task.Task, a *Args) (uintptr, error) {
	n, err := t.TimerOverrun(int(int32(a[0])))
	return uintptr(n), err
}

func sysTimerDelete(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.TimerDelete(int(int32(a[0])))
}
