package task

import (
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/wait"
)

// A posixTimer is a timer of timer_create(2). It is guarded by the group's mu.
type posixTimer struct {
	id    int
	clock int
	event abi.Sigevent
	group *ThreadGroup
	owner *Task // whose CPU time counts, with CLOCK_THREAD_CPUTIME_ID
	to    *Task // with SIGEV_THREAD_ID

	expires  int64 // on the timer's clock, see clockNow; 0 if it is not armed
	interval int64
	timer    *time.Timer
	overrun  int64 // expiries since the signal was queued
	last     int64 // overruns of the signal that was delivered last

	signal    queuedSignal // the one signal of this timer
	queued    bool         // signal is pending
	deleted   bool
	chargedTo *userAccount // for signal; nil once deleted
}

// timerTable holds the POSIX timers of a process; guarded by its mu.
type timerTable struct {
	m    map[int]*posixTimer
	next int
	cpu  int // armed timers on CPU clocks
}

// maxOverrun is where timer_getoverrun(2) stops counting.
const maxOverrun = 1<<31 - 1

func isCPUClock(clock int) bool {
	return clock == abi.CLOCK_PROCESS_CPUTIME_ID || clock == abi.CLOCK_THREAD_CPUTIME_ID
}

// TimerCreate makes a timer and returns its ID: timer_create(2). Without an
// event it sends SIGALRM with its ID. It counts against RLIMIT_SIGPENDING,
// because its signal can always be queued.
func (t *Task) TimerCreate(clock int, e *abi.Sigevent) (int, error) {
	switch clock {
	case abi.CLOCK_REALTIME, abi.CLOCK_MONOTONIC, abi.CLOCK_BOOTTIME, abi.CLOCK_TAI,
		abi.CLOCK_PROCESS_CPUTIME_ID, abi.CLOCK_THREAD_CPUTIME_ID:
	default:
		return 0, abi.EINVAL
	}
	p := &posixTimer{clock: clock, group: t.group, owner: t}
	p.event = abi.Sigevent{Notify: abi.SIGEV_SIGNAL, Signo: abi.SIGALRM}
	if e != nil {
		p.event = *e
	}
	if err := p.checkEvent(); err != nil {
		return 0, err
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	u := t.user.Load()
	if uint64(u.pending.Add(1)) > g.rlimits.soft(abi.RLIMIT_SIGPENDING) {
		u.pending.Add(-1)
		return 0, abi.EAGAIN
	}
	p.signal.timer = p
	p.chargedTo = u
	tt := &g.timers
	if tt.m == nil {
		tt.m = make(map[int]*posixTimer)
	}
	p.id = tt.next
	tt.next++
	tt.m[p.id] = p
	if e == nil {
		p.event.Value = uint64(p.id)
	}
	return p.id, nil
}

// checkEvent finds the thread that is to be told.
func (p *posixTimer) checkEvent() error {
	switch p.event.Notify {
	case abi.SIGEV_NONE:
		return nil
	case abi.SIGEV_SIGNAL, abi.SIGEV_THREAD:
	case abi.SIGEV_SIGNAL | abi.SIGEV_THREAD_ID:
		if p.to = Find(int(p.event.TID)); p.to == nil || p.to.group != p.group {
			return abi.EINVAL
		}
	default:
		return abi.EINVAL
	}
	if !abi.ValidSignal(int(p.event.Signo)) {
		return abi.EINVAL
	}
	return nil
}

func (g *ThreadGroup) posixTimerLocked(id int) (*posixTimer, error) {
	p := g.timers.m[id]
	if p == nil {
		return nil, abi.EINVAL
	}
	return p, nil
}

// now returns what p's clock shows. For wall clocks it is ktime.Mono: their
// absolute times are converted when the timer is set.
func (p *posixTimer) now() int64 {
	switch p.clock {
	case abi.CLOCK_PROCESS_CPUTIME_ID:
		return p.group.cpuTimeLocked()
	case abi.CLOCK_THREAD_CPUTIME_ID:
		return p.owner.cpu.nanoseconds()
	}
	return ktime.Mono()
}

// TimerSettime arms timer id, or stops it if value is 0, and returns what was
// left and its interval: timer_settime(2). Times are in nanoseconds; value is
// a time on the timer's clock if absolute.
func (t *Task) TimerSettime(id int, absolute bool, value, interval int64) (oldValue, oldInterval int64, err error) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	p, err := g.posixTimerLocked(id)
	if err != nil {
		return 0, 0, err
	}
	oldValue, oldInterval = p.left(), p.interval
	p.disarmLocked()
	p.overrun, p.last, p.interval = 0, 0, interval
	if value == 0 {
		return oldValue, oldInterval, nil
	}
	switch {
	case !absolute:
		if p.expires = p.now() + value; p.expires < value {
			p.expires = 1<<63 - 1
		}
	case p.clock == abi.CLOCK_REALTIME || p.clock == abi.CLOCK_TAI:
		p.expires = max(ktime.RealToMono(value), 1)
	default:
		p.expires = value
	}
	p.armLocked()
	return oldValue, oldInterval, nil
}

// TimerGettime returns the time left on timer id and its interval:
// timer_gettime(2).
func (t *Task) TimerGettime(id int) (value, interval int64, err error) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	p, err := t.group.posixTimerLocked(id)
	if err != nil {
		return 0, 0, err
	}
	return p.left(), p.interval, nil
}

// left returns the time until p expires next; 0 if it is not armed.
func (p *posixTimer) left() int64 {
	if p.expires == 0 {
		return 0
	}
	left := p.expires - p.now()
	if left <= 0 && p.interval > 0 {
		left += (-left/p.interval + 1) * p.interval
	}
	if left <= 0 {
		if p.event.Notify == abi.SIGEV_NONE {
			return 0
		}
		left = 1
	}
	return left
}

// TimerOverrun returns how often timer id expired between the sending and the
// delivery of its last signal: timer_getoverrun(2).
func (t *Task) TimerOverrun(id int) (int, error) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	p, err := t.group.posixTimerLocked(id)
	if err != nil {
		return 0, err
	}
	return int(p.last), nil
}

// TimerDelete does timer_delete(2).
func (t *Task) TimerDelete(id int) error {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	p, err := t.group.posixTimerLocked(id)
	if err == nil {
		p.deleteLocked()
	}
	return err
}

// deleteTimers deletes every timer, as execve(2) does.
func (g *ThreadGroup) deleteTimers() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timers.deleteAllLocked()
}

func (tt *timerTable) deleteAllLocked() {
	for _, p := range tt.m {
		p.deleteLocked()
	}
	tt.next = 0
}

func (p *posixTimer) deleteLocked() {
	p.disarmLocked()
	delete(p.group.timers.m, p.id)
	p.deleted = true
	if p.chargedTo != nil {
		p.chargedTo.pending.Add(-1)
		p.chargedTo = nil
	}
}

// armLocked starts waiting for p.expires.
func (p *posixTimer) armLocked() {
	if isCPUClock(p.clock) {
		p.group.timers.cpu++
		p.group.updateCPUTimersLocked()
		return
	}
	d := time.Duration(p.expires - ktime.Mono())
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.fire)
	} else {
		p.timer.Reset(d)
	}
}

func (p *posixTimer) disarmLocked() {
	if p.expires == 0 {
		return
	}
	p.expires = 0
	if isCPUClock(p.clock) {
		p.group.timers.cpu--
		p.group.updateCPUTimersLocked()
	} else if p.timer != nil {
		p.timer.Stop()
	}
}

// fire runs when p may have expired.
func (p *posixTimer) fire() {
	g := p.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.deleted || p.expires == 0 || g.live == 0 {
		return
	}
	if p.expires > ktime.Mono() {
		p.armLocked() // it was set anew in between
		return
	}
	p.expireLocked()
}

// checkCPULocked fires the timers on CPU clocks that have expired.
func (tt *timerTable) checkCPULocked(g *ThreadGroup, t *Task) {
	if tt.cpu == 0 {
		return
	}
	for _, p := range tt.m {
		if isCPUClock(p.clock) && p.expires != 0 && p.now() >= p.expires {
			p.expireLocked()
		}
	}
}

// expireLocked sends p's signal. An interval goes on when the signal is taken.
func (p *posixTimer) expireLocked() {
	if p.event.Notify == abi.SIGEV_NONE || p.queued {
		p.advanceLocked()
		return
	}
	g := p.group
	t, shared := g.leader, true
	if p.to != nil {
		t, shared = p.to, false
		if t.sig.exiting {
			p.advanceLocked()
			return
		}
	}
	sig := int(p.event.Signo)
	info := abi.Siginfo{Signo: int32(sig), Code: abi.SI_TIMER}
	info.SetTimerID(int32(p.id))
	info.SetValue(p.event.Value)
	p.signal.info = info
	if !g.prepareLocked(t, sig, false) {
		p.advanceLocked() // ignored
		return
	}
	pending := &t.sig.pending
	if shared {
		pending = &g.shared
	}
	p.queued, p.overrun = true, 0
	pending.push(&p.signal)
	g.signalWait.Notify(wait.All)
	g.completeLocked(nil, t, sig, shared)
	if p.interval == 0 {
		p.disarmLocked()
	}
}

// advanceLocked skips to the next expiry in the future, or stops p. It returns
// how many were skipped beyond the one that has come.
func (p *posixTimer) advanceLocked() int64 {
	if p.interval == 0 {
		p.disarmLocked()
		return 0
	}
	late := max(p.now()-p.expires, 0)
	n := late / p.interval
	expires := p.expires + (n+1)*p.interval
	p.disarmLocked()
	p.expires = expires
	p.armLocked()
	return n
}

// dequeuedLocked is called when p's signal has been taken: it tells of the
// overruns, and the next interval begins.
func (p *posixTimer) dequeuedLocked(info *abi.Siginfo) {
	if !p.queued {
		return
	}
	p.queued = false
	if p.expires != 0 && p.interval != 0 && !p.deleted {
		p.overrun = p.advanceLocked()
	}
	p.last = min(p.overrun, maxOverrun)
	info.SetOverrun(int32(p.last))
}
