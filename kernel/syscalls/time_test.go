package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

func (u *user) timespec(p uintptr) int64 { return int64(u.uint64(p))*1e9 + int64(u.uint64(p+8)) }

func TestClocks(t *testing.T) {
	run(t, func(u *user) {
		p := u.alloc(16)
		for _, id := range []uintptr{abi.CLOCK_REALTIME, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_TAI} {
			before := ktime.Real()
			u.sys(abi.SYS_CLOCK_GETTIME, id, p)
			if now := u.timespec(p); now < before || now > ktime.Real() {
				u.Errorf("clock %d: %d is not between %d and now", id, now, before)
			}
		}
		for _, id := range []uintptr{abi.CLOCK_MONOTONIC, abi.CLOCK_MONOTONIC_RAW, abi.CLOCK_MONOTONIC_COARSE, abi.CLOCK_BOOTTIME} {
			before := ktime.Mono()
			u.sys(abi.SYS_CLOCK_GETTIME, id, p)
			if now := u.timespec(p); now < before || now > ktime.Mono() {
				u.Errorf("clock %d: %d is not between %d and now", id, now, before)
			}
		}
		u.sys(abi.SYS_CLOCK_GETTIME, abi.CLOCK_PROCESS_CPUTIME_ID, p)
		u.sys(abi.SYS_CLOCK_GETTIME, abi.CLOCK_THREAD_CPUTIME_ID, p)
		own := ^u.sys(abi.SYS_GETPID)<<3 | clockSched
		u.sys(abi.SYS_CLOCK_GETTIME, own, p)
		u.sys(abi.SYS_CLOCK_GETTIME, own|clockPerThread, p)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_GETTIME, ^uintptr(0), p)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_GETTIME, 99, p)
		nobody := ^uintptr(30000)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_GETTIME, nobody<<3|clockSched, p)
		u.fails(abi.EFAULT, abi.SYS_CLOCK_GETTIME, abi.CLOCK_MONOTONIC, noMemory)
		u.sys(abi.SYS_CLOCK_GETRES, abi.CLOCK_MONOTONIC, p)
		if got := u.timespec(p); got != 1 {
			u.Errorf("resolution %d", got)
		}
		u.sys(abi.SYS_CLOCK_GETRES, abi.CLOCK_MONOTONIC, 0)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_GETRES, 99, 0)

		zone := u.put(words32(7, 7))
		u.sys(abi.SYS_GETTIMEOFDAY, p, zone)
		if s := u.uint64(p); int64(s) < ktime.Real()/1e9-1 || u.uint64(p+8) >= 1e6 || u.uint64(zone) != 0 {
			u.Errorf("time of day %d, zone %#x", s, u.uint64(zone))
		}
		s := u.sys(abi.SYS_TIME, p)
		if s != uintptr(u.uint64(p)) || int64(s) < ktime.Real()/1e9-1 {
			u.Errorf("time %d, stored %d", s, u.uint64(p))
		}
		u.fails(abi.EINVAL, abi.SYS_CLOCK_SETTIME, abi.CLOCK_MONOTONIC, p)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_SETTIME, abi.CLOCK_REALTIME, u.put(words64(1, 1e9)))

		x := u.alloc(abi.SizeofTimex)
		u.is(abi.TIME_ERROR, abi.SYS_ADJTIMEX, x)
		if tick := u.uint64(x + 88); tick != 10000 {
			u.Errorf("tick %d", tick)
		}
		u.fails(abi.EOPNOTSUPP, abi.SYS_CLOCK_ADJTIME, abi.CLOCK_MONOTONIC, x)
	})
}

func TestSettingTheClock(t *testing.T) {
	run(t, func(u *user) {
		now := ktime.Real()
		mono := ktime.Mono()
		defer func() { ktime.SetReal(now + ktime.Mono() - mono) }()
		u.sys(abi.SYS_CLOCK_SETTIME, abi.CLOCK_REALTIME, u.put(words64(2e9, 5)))
		if got := ktime.Real(); got < 2e18 || got > 2e18+60e9 {
			u.Errorf("the clock is at %d", got)
		}
		u.sys(abi.SYS_SETTIMEOFDAY, u.put(words64(3e9, 5)), u.put(words32(^uint32(59), 0)))
		if got := ktime.Real(); got < 3e18 || got > 3e18+60e9 {
			u.Errorf("the clock is at %d", got)
		}
		zone := u.alloc(8)
		u.sys(abi.SYS_GETTIMEOFDAY, 0, zone)
		if west := int32(u.uint32(zone)); west != -60 {
			u.Errorf("minutes west %d", west)
		}
		u.sys(abi.SYS_SETTIMEOFDAY, 0, u.put(words32(0, 0)))
		u.fails(abi.EINVAL, abi.SYS_SETTIMEOFDAY, u.put(words64(1, 1e6)), 0)
		u.fails(abi.EINVAL, abi.SYS_SETTIMEOFDAY, 0, u.put(words32(2000, 0)))
	})
}

func TestSleep(t *testing.T) {
	run(t, func(u *user) {
		start := ktime.Mono()
		u.sys(abi.SYS_NANOSLEEP, u.put(words64(0, 2e6)), noMemory)
		if d := ktime.Mono() - start; d < 2e6 {
			u.Errorf("slept %d ns, want 2 ms", d)
		}
		p := u.alloc(16)
		u.sys(abi.SYS_CLOCK_GETTIME, abi.CLOCK_REALTIME, p)
		at := u.timespec(p) + 3e6
		u.sys(abi.SYS_CLOCK_NANOSLEEP, abi.CLOCK_REALTIME, abi.TIMER_ABSTIME, u.put(words64(uint64(at/1e9), uint64(at%1e9))), 0)
		if now := ktime.Real(); now < at {
			u.Errorf("woken at %d, before %d", now, at)
		}
		u.fails(abi.EINVAL, abi.SYS_NANOSLEEP, u.put(words64(0, 1e9)), 0)
		u.fails(abi.EINVAL, abi.SYS_NANOSLEEP, u.put(words64(1<<63, 0)), 0)
		u.fails(abi.EFAULT, abi.SYS_NANOSLEEP, noMemory, 0)
		u.fails(abi.EOPNOTSUPP, abi.SYS_CLOCK_NANOSLEEP, abi.CLOCK_MONOTONIC_RAW, 0, p, 0)
		u.fails(abi.EINVAL, abi.SYS_CLOCK_NANOSLEEP, 99, 0, p, 0)
	})
}

func TestInterruptedSleep(t *testing.T) {
	run(t, func(u *user) {
		hits := 0
		u.onSignal(abi.SIGUSR1, abi.SA_RESTART, func(*user, int) { hits++ })
		rem := u.alloc(16)
		u.signalled(abi.SIGUSR1, func() { u.fails(abi.EINTR, abi.SYS_NANOSLEEP, u.put(words64(1000, 0)), rem) })
		if left := u.timespec(rem); hits == 0 || left <= 900e9 || left >= 1000e9 {
			u.Errorf("%d signals, %d ns left", hits, left)
		}

		// Without a handler the sleep goes on until its time.
		start := ktime.Mono()
		child := u.fork(func(c *user) {
			c.sys(abi.SYS_NANOSLEEP, c.put(words64(0, 60e6)), 0)
			if d := ktime.Mono() - start; d < 60e6 {
				c.Errorf("slept %d ns, want 60 ms", d)
			}
		})
		u.sleep(10)
		u.sys(abi.SYS_KILL, child, abi.SIGSTOP)
		u.sleep(10)
		u.sys(abi.SYS_KILL, child, abi.SIGCONT)
		if s := u.wait(child); s != 0 {
			u.Errorf("status %#x", s)
		}
	})
}

func TestTimers(t *testing.T) {
	run(t, func(u *user) {
		hits := 0
		u.onSignal(abi.SIGALRM, 0, func(*user, int) { hits++ })
		p := u.alloc(32)
		u.sys(abi.SYS_SETITIMER, abi.ITIMER_REAL, u.put(words64(0, 5000, 0, 5000)), 0)
		u.fails(abi.EINTR, abi.SYS_PAUSE)
		u.sys(abi.SYS_GETITIMER, abi.ITIMER_REAL, p)
		if hits == 0 || u.uint64(p) != 0 || u.uint64(p+8) != 5000 || u.uint64(p+24) > 5000 {
			u.Errorf("%d signals, interval %d.%06d, %d µs left", hits, u.uint64(p), u.uint64(p+8), u.uint64(p+24))
		}
		u.sys(abi.SYS_SETITIMER, abi.ITIMER_REAL, 0, 0)
		u.is(0, abi.SYS_ALARM, 100)
		u.is(100, abi.SYS_ALARM, 0)
		u.is(0, abi.SYS_ALARM, 0)
		u.fails(abi.EINVAL, abi.SYS_SETITIMER, 3, p, 0)
		u.fails(abi.EINVAL, abi.SYS_SETITIMER, 0, u.put(words64(0, 0, 0, 1e6)), 0)
		u.fails(abi.EINVAL, abi.SYS_GETITIMER, 3, p)

		id := u.alloc(4)
		u.sys(abi.SYS_TIMER_CREATE, abi.CLOCK_MONOTONIC, u.put(words64(7, abi.SIGUSR1)), id)
		u.sys(abi.SYS_TIMER_CREATE, abi.CLOCK_MONOTONIC, 0, id)
		timer := uintptr(u.uint32(id))
		hits = 0
		u.sys(abi.SYS_TIMER_SETTIME, timer, 0, u.put(words64(0, 5e6, 0, 5e6)), p)
		u.fails(abi.EINTR, abi.SYS_PAUSE)
		alarm := u.put(words64(1 << (abi.SIGALRM - 1)))
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_BLOCK, alarm, 0, 8)
		u.sys(abi.SYS_TIMER_SETTIME, timer, 0, u.put(words64(0, 0, 0, 1e6)), 0)
		info := u.alloc(abi.SizeofSiginfo)
		u.is(abi.SIGALRM, abi.SYS_RT_SIGTIMEDWAIT, alarm, info, 0, 8)
		if code, value := int32(u.uint32(info+8)), u.uint32(info+24); code != abi.SI_TIMER || uintptr(value) != timer {
			u.Errorf("code %d, value %d, want that of a timer with ID %d", code, value, timer)
		}
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_UNBLOCK, alarm, 0, 8)
		u.sys(abi.SYS_TIMER_SETTIME, timer, 0, u.put(words64(0, 0, 1000, 0)), 0)
		u.sys(abi.SYS_TIMER_GETTIME, timer, p)
		if s := u.uint64(p + 16); hits == 0 || s > 999 || s < 900 {
			u.Errorf("%d signals, %d s left", hits, s)
		}
		u.is(0, abi.SYS_TIMER_GETOVERRUN, timer)
		u.fails(abi.EINVAL, abi.SYS_TIMER_SETTIME, timer, 0, u.put(words64(0, 0, 0, 1e9)), 0)
		u.fails(abi.EINVAL, abi.SYS_TIMER_SETTIME, timer, 0, 0, 0)
		u.sys(abi.SYS_TIMER_DELETE, timer)
		u.fails(abi.EINVAL, abi.SYS_TIMER_GETTIME, timer, p)
		u.fails(abi.EFAULT, abi.SYS_TIMER_CREATE, abi.CLOCK_MONOTONIC, 0, noMemory)
	})
}

func TestSignalCalls(t *testing.T) {
	run(t, func(u *user) {
		pid, tid := u.sys(abi.SYS_GETPID), u.sys(abi.SYS_GETTID)
		set := u.put(words64(1 << (abi.SIGUSR1 - 1)))
		old := u.put(words64(99))
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_BLOCK, set, old, 8)
		if got := u.uint64(old); got != 0 {
			u.Errorf("former mask %#x", got)
		}
		u.sys(abi.SYS_TGKILL, pid, tid, abi.SIGUSR1)
		u.sys(abi.SYS_RT_SIGPENDING, old, 4)
		if got := u.uint64(old); got != 1<<(abi.SIGUSR1-1) {
			u.Errorf("pending %#x", got)
		}
		guard := u.put(append(make([]byte, abi.SizeofSiginfo), 0x55))
		u.is(abi.SIGUSR1, abi.SYS_RT_SIGTIMEDWAIT, set, guard, 0, 8)
		var info abi.Siginfo
		info.Unmarshal(u.get(guard, abi.SizeofSiginfo))
		if info.Signo != abi.SIGUSR1 || info.Code != abi.SI_TKILL || uintptr(info.PID()) != pid || u.get(guard+128, 1)[0] != 0x55 {
			u.Errorf("siginfo %+v", info)
		}
		u.fails(abi.EAGAIN, abi.SYS_RT_SIGTIMEDWAIT, set, 0, u.put(words64(0, 1e6)), 8)
		u.fails(abi.EINVAL, abi.SYS_RT_SIGTIMEDWAIT, set, 0, u.put(words64(0, 1e9)), 8)

		q := make([]byte, abi.SizeofSiginfo)
		(&abi.Siginfo{Code: abi.SI_QUEUE}).MarshalTo(q)
		u.sys(abi.SYS_RT_SIGQUEUEINFO, pid, abi.SIGUSR1, u.put(q))
		hits := 0
		u.onSignal(abi.SIGUSR1, 0, func(*user, int) { hits++ })
		u.fails(abi.EINTR, abi.SYS_RT_SIGSUSPEND, u.put(words64(0)), 8)
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_SETMASK, 0, old, 8)
		if got := u.uint64(old); hits != 1 || got != 1<<(abi.SIGUSR1-1) {
			u.Errorf("%d signals, mask after sigsuspend %#x", hits, got)
		}
		u.fails(abi.EINVAL, abi.SYS_RT_SIGPROCMASK, 9, set, 0, 8)
		u.fails(abi.EINVAL, abi.SYS_RT_SIGPROCMASK, 0, set, 0, 4)
		u.sys(abi.SYS_RT_SIGPROCMASK, 9, 0, 0, 8) // nothing to do: how is not looked at
		u.fails(abi.EINVAL, abi.SYS_RT_SIGACTION, abi.SIGKILL, set, 0, 8)
		u.sys(abi.SYS_RT_SIGACTION, abi.SIGKILL, 0, 0, 8)
		u.fails(abi.EINVAL, abi.SYS_RT_SIGACTION, 65, 0, 0, 8)
		u.fails(abi.EINVAL, abi.SYS_RT_SIGPENDING, old, 9)
		u.fails(abi.EINVAL, abi.SYS_TGKILL, 0, tid, 1)
		u.fails(abi.ESRCH, abi.SYS_KILL, 30000, 0)
		u.fails(abi.EINVAL, abi.SYS_KILL, pid, 65)
		u.sys(abi.SYS_KILL, pid, 0)

		ss := u.put(words64(uint64(u.alloc(8192)), 0, 8192))
		u.sys(abi.SYS_SIGALTSTACK, ss, 0)
		u.sys(abi.SYS_SIGALTSTACK, 0, old)
		u.fails(abi.ENOMEM, abi.SYS_SIGALTSTACK, u.put(words64(0x10000, 0, 100)), 0)
	})
}
