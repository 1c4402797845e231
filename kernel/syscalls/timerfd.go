package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/timerfd"
	"kevlar/kernel/task"
)

func sysTimerfdCreate(t *task.Task, a *Args) (uintptr, error) {
	clock, flags := int(int32(a[0])), int(int32(a[1]))
	f, err := timerfd.New(t, clock, flags)
	if err != nil {
		return 0, err
	}
	wakes := clock == abi.CLOCK_REALTIME_ALARM || clock == abi.CLOCK_BOOTTIME_ALARM
	if wakes && !t.Cred().HasCap(abi.CAP_WAKE_ALARM) {
		f.Put()
		return 0, abi.EPERM
	}
	return install(t, f, flags&abi.TFD_CLOEXEC != 0)
}

func sysTimerfdSettime(t *task.Task, a *Args) (uintptr, error) {
	it, err := loadItimerspec(t, a[2])
	if err != nil {
		return 0, err
	}
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	value, interval, err := timerfd.Set(f, int(int32(a[1])), it.Value.Ns(), it.Interval.Ns())
	if err != nil || a[3] == 0 {
		return 0, err
	}
	return 0, outItimerspec(t, a[3], value, interval)
}

func sysTimerfdGettime(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	value, interval, err := timerfd.Get(f)
	if err != nil {
		return 0, err
	}
	return 0, outItimerspec(t, a[1], value, interval)
}
