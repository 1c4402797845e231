package syscalls

import (
	"encoding/binary"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
)

// A dynamic clock ID names a process or thread and one of its CPU clocks:
// the complement of the ID above three bits, of which bit 2 says thread.
const (
	clockPerThread = 4
	clockKind      = 3
	clockSched     = 2 // precise; 0 is profiling, 1 virtual
)

// clockNow returns the time of a clock in nanoseconds.
func clockNow(t *task.Task, id int32) (int64, error) {
	switch id {
	case abi.CLOCK_REALTIME, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_TAI, abi.CLOCK_REALTIME_ALARM:
		return ktime.Real(), nil
	case abi.CLOCK_MONOTONIC, abi.CLOCK_MONOTONIC_RAW, abi.CLOCK_MONOTONIC_COARSE,
		abi.CLOCK_BOOTTIME, abi.CLOCK_BOOTTIME_ALARM:
		return ktime.Mono(), nil
	case abi.CLOCK_PROCESS_CPUTIME_ID:
		return t.Group().CPUTime(), nil
	case abi.CLOCK_THREAD_CPUTIME_ID:
		return t.CPUTime(), nil
	}
	if id >= 0 {
		return 0, abi.EINVAL
	}
	p, perThread, err := cpuClock(t, id)
	if err != nil {
		return 0, err
	}
	if perThread {
		return p.CPUTime(), nil
	}
	return p.Group().CPUTime(), nil
}

// cpuClock returns the thread that a dynamic clock ID names, and whether the
// clock is the thread's own or its process's.
func cpuClock(t *task.Task, id int32) (p *task.Task, perThread bool, err error) {
	if id&clockKind == clockKind {
		return nil, false, abi.EINVAL
	}
	perThread = id&clockPerThread != 0
	pid := int(^(id >> 3))
	if pid == 0 {
		return t, perThread, nil
	}
	p = t.Find(pid)
	switch {
	case p == nil, perThread && p.Group() != t.Group(), !perThread && p.TGID() != pid:
		return nil, false, abi.EINVAL
	}
	return p, perThread, nil
}

func outTimespec(t *task.Task, addr uintptr, ns int64) error {
	ts := abi.NsToTimespec(ns)
	b := t.Scratch[:abi.SizeofTimespec]
	ts.MarshalTo(b)
	return copyOut(t, addr, b)
}

// loadTimespec copies in a time. It is not checked.
func loadTimespec(t *task.Task, addr uintptr) (abi.Timespec, error) {
	var ts abi.Timespec
	b := t.Scratch[:abi.SizeofTimespec]
	err := copyIn(t, b, addr)
	if err == nil {
		ts.Unmarshal(b)
	}
	return ts, err
}

func sysClockGettime(t *task.Task, a *Args) (uintptr, error) {
	ns, err := clockNow(t, int32(a[0]))
	if err != nil {
		return 0, err
	}
	return 0, outTimespec(t, a[1], ns)
}

// resolution is that of every clock in nanoseconds, the coarse ones included.
const resolution = 1

func sysClockGetres(t *task.Task, a *Args) (uintptr, error) {
	if _, err := clockNow(t, int32(a[0])); err != nil {
		return 0, err
	}
	if a[1] == 0 {
		return 0, nil
	}
	return 0, outTimespec(t, a[1], resolution)
}

func sysClockSettime(t *task.Task, a *Args) (uintptr, error) {
	if int32(a[0]) != abi.CLOCK_REALTIME {
		return 0, abi.EINVAL
	}
	ts, err := loadTimespec(t, a[1])
	if err != nil {
		return 0, err
	}
	return 0, setRealTime(t, ts)
}

// setRealTime sets the wall clock, which may not stand before the boot.
func setRealTime(t *task.Task, ts abi.Timespec) error {
	if !ts.Valid() || ts.Ns() == 1<<63-1 {
		return abi.EINVAL
	}
	if !t.Cred().HasCap(abi.CAP_SYS_TIME) {
		return abi.EPERM
	}
	if ts.Ns() < ktime.Mono() {
		return abi.EINVAL
	}
	ktime.SetReal(ts.Ns())
	return nil
}

// zone is the time zone of gettimeofday(2), which the kernel only keeps.
var zone atomic.Uint64

func sysGettimeofday(t *task.Task, a *Args) (uintptr, error) {
	if a[0] != 0 {
		tv := abi.NsToTimeval(ktime.Real())
		b := t.Scratch[:abi.SizeofTimeval]
		tv.MarshalTo(b)
		if err := copyOut(t, a[0], b); err != nil {
			return 0, err
		}
	}
	if a[1] != 0 {
		b := t.Scratch[:abi.SizeofTimezone]
		binary.LittleEndian.PutUint64(b, zone.Load())
		return 0, copyOut(t, a[1], b)
	}
	return 0, nil
}

func sysSettimeofday(t *task.Task, a *Args) (uintptr, error) {
	var tv abi.Timeval
	b := t.Scratch[:abi.SizeofTimeval]
	if a[0] != 0 {
		if err := copyIn(t, b, a[0]); err != nil {
			return 0, err
		}
		if tv.Unmarshal(b); !tv.Valid() {
			return 0, abi.EINVAL
		}
	}
	if a[1] != 0 {
		if err := copyIn(t, b[:abi.SizeofTimezone], a[1]); err != nil {
			return 0, err
		}
	}
	if !t.Cred().HasCap(abi.CAP_SYS_TIME) {
		return 0, abi.EPERM
	}
	if a[1] != 0 {
		west := int32(binary.LittleEndian.Uint32(b))
		if west > 15*60 || west < -15*60 {
			return 0, abi.EINVAL
		}
		zone.Store(binary.LittleEndian.Uint64(b))
	}
	if a[0] == 0 {
		return 0, nil
	}
	return 0, setRealTime(t, abi.Timespec{Sec: tv.Sec, Nsec: tv.Usec * 1e3})
}

func sysTime(t *task.Task, a *Args) (uintptr, error) {
	s := ktime.Real() / 1e9
	if a[0] != 0 {
		b := t.Scratch[:8]
		binary.LittleEndian.PutUint64(b, uint64(s))
		if err := copyOut(t, a[0], b); err != nil {
			return 0, err
		}
	}
	return uintptr(s), nil
}

func sysAdjtimex(t *task.Task, a *Args) (uintptr, error) { return adjtimex(t, a[0]) }

func sysClockAdjtime(t *task.Task, a *Args) (uintptr, error) {
	if int32(a[0]) != abi.CLOCK_REALTIME {
		if _, err := clockNow(t, int32(a[0])); err != nil {
			return 0, err
		}
		return 0, abi.EOPNOTSUPP
	}
	return adjtimex(t, a[1])
}

// adjtimex tells about a clock that nobody disciplines. It changes nothing:
// the monotonic clock has no adjustable rate.
func adjtimex(t *task.Task, addr uintptr) (uintptr, error) {
	b := t.Scratch[:abi.SizeofTimex]
	if err := copyIn(t, b, addr); err != nil {
		return 0, err
	}
	if modes := binary.LittleEndian.Uint32(b); modes != 0 {
		if !t.Cred().HasCap(abi.CAP_SYS_TIME) {
			return 0, abi.EPERM
		}
		return 0, abi.EINVAL
	}
	x := abi.Timex{
		Maxerror: 16000000, Esterror: 16000000, Status: abi.STA_UNSYNC, Constant: 2,
		Precision: 1, Tolerance: 32768000, Time: abi.NsToTimeval(ktime.Real()), Tick: 10000,
	}
	x.MarshalTo(b)
	return abi.TIME_ERROR, copyOut(t, addr, b)
}
