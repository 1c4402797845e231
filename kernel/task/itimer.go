package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// An itimer is an interval timer: setitimer(2). It is guarded by the group's
// mu. The real one counts ktime.Mono, the others count consumed CPU time.
type itimer struct {
	expires  int64 // 0 if it is not armed
	interval int64
	timer    *ktime.Timer // of the real one; sees to it that it fires
	// fired is set between the expiry of the real timer and the delivery
	// of its signal: only then does an interval go on. So an interval
	// whose signal is ignored ends.
	fired bool
}

// later returns the time d after when, neither being negative; the end of time
// if that is behind it.
func later(when, d int64) int64 {
	if sum := when + d; sum >= when {
		return sum
	}
	return 1<<63 - 1
}

// clock returns what the timer which counts, now. The caller holds g.mu.
func (g *ThreadGroup) itimerClock(which int) int64 {
	switch which {
	case abi.ITIMER_REAL:
		return ktime.Mono()
	case abi.ITIMER_VIRTUAL:
		return g.usageLocked().times.user
	}
	return g.cpuTimeLocked()
}

// SetITimer arms timer which, or stops it if value is 0, and returns what it
// was: setitimer(2), alarm(2). Times are in nanoseconds.
func (g *ThreadGroup) SetITimer(which int, value, interval int64) (oldValue, oldInterval int64, err error) {
	if which < abi.ITIMER_REAL || which > abi.ITIMER_PROF {
		return 0, 0, abi.EINVAL
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.itimers[which]
	now := g.itimerClock(which)
	oldValue, oldInterval = t.left(now), t.interval
	t.interval, t.fired = interval, false
	t.expires = 0
	if value != 0 {
		t.expires = later(now, value)
	}
	if which == abi.ITIMER_REAL {
		g.startRealLocked()
	} else {
		g.updateCPUTimersLocked()
	}
	return oldValue, oldInterval, nil
}

// GetITimer returns the time left on timer which and its interval:
// getitimer(2).
func (g *ThreadGroup) GetITimer(which int) (value, interval int64, err error) {
	if which < abi.ITIMER_REAL || which > abi.ITIMER_PROF {
		return 0, 0, abi.EINVAL
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.itimers[which]
	return t.left(g.itimerClock(which)), t.interval, nil
}

// left returns the time until t expires, 0 if it is not armed or its interval
// has yet to go on. A timer that is armed has some time left.
func (t *itimer) left(now int64) int64 {
	if t.expires == 0 || t.fired {
		return 0
	}
	return max(t.expires-now, 1000)
}

// startRealLocked makes t.timer fit the real timer.
func (g *ThreadGroup) startRealLocked() {
	t := &g.itimers[abi.ITIMER_REAL]
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.expires == 0 || g.exiting {
		return
	}
	if t.timer == nil {
		t.timer = new(ktime.Timer)
		t.timer.Init(g.realExpired)
	}
	t.timer.Set(t.expires)
}

// realExpired runs when the real timer may have expired.
func (g *ThreadGroup) realExpired() {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.itimers[abi.ITIMER_REAL]
	if t.expires == 0 || t.fired || g.live == 0 {
		return
	}
	if t.expires > ktime.Mono() {
		g.startRealLocked() // it was set anew in between
		return
	}
	t.fired = t.interval != 0
	if !t.fired {
		t.expires = 0
	}
	g.sendLocked(nil, g.leader, kernelSiginfo(abi.SIGALRM), true, true)
}

// rearmRealLocked starts the next interval of the real timer when its signal
// has been taken. Intervals that have passed meanwhile are skipped.
func (g *ThreadGroup) rearmRealLocked() {
	t := &g.itimers[abi.ITIMER_REAL]
	if !t.fired {
		return
	}
	t.fired = false
	if late := ktime.Mono() - t.expires; late >= 0 {
		t.expires = later(t.expires+late-late%t.interval, t.interval)
	}
	g.startRealLocked()
}

// updateCPUTimersLocked notes whether anything depends on consumed CPU time.
func (g *ThreadGroup) updateCPUTimersLocked() {
	g.cpuTimers.Store(g.itimers[abi.ITIMER_VIRTUAL].expires != 0 || g.itimers[abi.ITIMER_PROF].expires != 0 ||
		g.rlimits.Soft(abi.RLIMIT_CPU) != abi.RLIM_INFINITY || g.timers.onCPULocked())
}

// armCPULimit notes whether RLIMIT_CPU is set.
func (g *ThreadGroup) armCPULimit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.updateCPUTimersLocked()
}

// checkCPUTimers sends the signals of timers and limits that the consumed CPU
// time has reached. It is called when a thread has used some.
func (t *Task) checkCPUTimers() {
	g := t.group
	if !g.cpuTimers.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checkITimerLocked(abi.ITIMER_VIRTUAL, abi.SIGVTALRM)
	g.checkITimerLocked(abi.ITIMER_PROF, abi.SIGPROF)
	g.timers.checkCPULocked(g, t)
	g.checkCPULimitLocked()
	g.updateCPUTimersLocked()
}

func (g *ThreadGroup) checkITimerLocked(which, sig int) {
	t := &g.itimers[which]
	if t.expires == 0 || g.itimerClock(which) < t.expires {
		return
	}
	if t.expires = later(t.expires, t.interval); t.interval == 0 {
		t.expires = 0
	}
	g.sendLocked(nil, g.leader, kernelSiginfo(sig), true, true)
}

// checkCPULimitLocked enforces RLIMIT_CPU: SIGXCPU at the soft limit and every
// second from then on, SIGKILL at the hard one.
func (g *ThreadGroup) checkCPULimitLocked() {
	l := g.rlimits.Get(abi.RLIMIT_CPU)
	if l.Cur == abi.RLIM_INFINITY {
		return
	}
	seconds := uint64(g.cpuTimeLocked() / 1e9)
	switch {
	case seconds >= l.Max:
		g.sendLocked(nil, g.leader, kernelSiginfo(abi.SIGKILL), true, true)
	case seconds >= l.Cur:
		g.sendLocked(nil, g.leader, kernelSiginfo(abi.SIGXCPU), true, true)
		g.rlimits.SetSoft(abi.RLIMIT_CPU, seconds+1)
	}
}

// stopTimers stops every timer of a process that ends.
func (g *ThreadGroup) stopTimers() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.itimers {
		g.itimers[i].expires = 0
	}
	if t := g.itimers[abi.ITIMER_REAL].timer; t != nil {
		t.Stop()
	}
	g.timers.deleteAllLocked()
	g.cpuTimers.Store(false)
}
