package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task/signal"
	"kevlar/kernel/wait"
)

// A posixTimer is a timer of timer_create(2). It is guarded by the group's mu.
type posixTimer struct {
	id    int
	clock int
	event abi.Sigevent
	group *ThreadGroup
	owner *Task // whose CPU time counts; of CLOCK_THREAD_CPUTIME_ID alone
	to    *Task // with SIGEV_THREAD_ID

	expires  int64 // on the timer's clock, see now; 0 if it is not armed
	real     bool  // an absolute time of the wall clock: expires is one of ktime.Real
	interval int64
	timer    ktime.Timer // in a queue while an expiry is waited for
	overrun  int64       // expiries that no signal has told of
	last     int64       // overruns of the signal that was delivered last

	signal    signal.Entry // the one signal of this timer
	queued    bool         // signal is pending
	periodic  bool         // the interval goes on when signal has been taken
	resting   bool         // the interval goes on when the signal is wanted again
	repeated  int64        // expiries after timer_settime while signal was pending
	deleted   bool
	chargedTo *userAccount
	cost      int64 // what is charged
}

// timerTable holds the POSIX timers of a process; guarded by its mu.
type timerTable struct {
	m       map[int]*posixTimer
	cost    int64 // what those in m are charged with
	next    int
	cpu     ktime.Queue // those on the CPU clock of the process
	threads int         // armed timers on CPU clocks of threads
	resting int
}

// maxOverrun is where timer_getoverrun(2) stops counting.
const maxOverrun = 1<<31 - 1

// maxTimerID is one more than the highest ID of a timer.
const maxTimerID = 1<<31 - 1

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
	case abi.CLOCK_MONOTONIC_RAW, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_MONOTONIC_COARSE:
		return 0, abi.ENOTSUP // they show time and time nothing
	default:
		return 0, abi.EINVAL
	}
	p := &posixTimer{clock: clock, group: t.group, cost: timerCost}
	if clock == abi.CLOCK_THREAD_CPUTIME_ID {
		p.owner = t
		p.cost += endedCost // the timer keeps the thread
	}
	if isCPUClock(clock) {
		p.timer.Init(p.expireLocked)
	} else {
		p.timer.Init(p.fire)
	}
	p.event = abi.Sigevent{Notify: abi.SIGEV_SIGNAL, Signo: abi.SIGALRM}
	if e != nil {
		p.event = *e
	}
	if err := p.checkEvent(t); err != nil {
		return 0, err
	}
	if p.to != nil {
		p.cost += endedCost
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	u := t.user.Load()
	if uint64(u.pending.Add(1)) > g.rlimits.Soft(abi.RLIMIT_SIGPENDING) || u.memory.Charge(p.cost) != nil {
		u.pending.Add(-1)
		return 0, abi.EAGAIN
	}
	p.signal.Source = p
	p.chargedTo = u
	tt := &g.timers
	if tt.m == nil {
		tt.m = make(map[int]*posixTimer)
	}
	p.id = tt.freeID()
	tt.m[p.id] = p
	tt.cost += p.cost
	if e == nil {
		p.event.Value = uint64(p.id)
	}
	return p.id, nil
}

// freeID returns an ID that no timer has.
func (tt *timerTable) freeID() int {
	for {
		id := tt.next
		if tt.next++; tt.next == maxTimerID {
			tt.next = 0
		}
		if tt.m[id] == nil {
			return id
		}
	}
}

// checkEvent finds the thread that is to be told. t is the caller.
func (p *posixTimer) checkEvent(t *Task) error {
	switch p.event.Notify {
	case abi.SIGEV_NONE:
		return nil
	case abi.SIGEV_SIGNAL, abi.SIGEV_THREAD:
	case abi.SIGEV_SIGNAL | abi.SIGEV_THREAD_ID:
		if p.to = t.Find(int(p.event.TID)); p.to == nil || p.to.group != p.group {
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

// now returns what the clock shows that p.expires is a time of: for a wall clock that is
// ktime.Mono if the time was relative.
func (p *posixTimer) now() int64 {
	switch p.clock {
	case abi.CLOCK_PROCESS_CPUTIME_ID:
		return p.group.cpuTimeLocked()
	case abi.CLOCK_THREAD_CPUTIME_ID:
		return p.owner.cpu.nanoseconds()
	}
	if p.real {
		return ktime.Real()
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
	if p.clockEnded() {
		return 0, 0, abi.ESRCH
	}
	oldValue, oldInterval = p.left(), p.interval
	p.disarmLocked()
	p.overrun, p.last, p.interval = 0, 0, interval
	p.real = absolute && (p.clock == abi.CLOCK_REALTIME || p.clock == abi.CLOCK_TAI)
	p.periodic = false // a signal that is pending is of the former setting
	if value == 0 {
		return oldValue, oldInterval, nil
	}
	switch {
	case !absolute:
		p.expires = later(p.now(), value)
	default:
		p.expires = value
	}
	p.armLocked()
	return oldValue, oldInterval, nil
}

// clockEnded reports whether p's clock is that of a thread that has ended. The
// group's mu is held.
func (p *posixTimer) clockEnded() bool { return p.owner != nil && p.owner.sig.exiting }

// endThreadTimersLocked is called when t ends: its clock expires no timer any more.
func (t *Task) endThreadTimersLocked() {
	for t.sig.timers.Take(1<<63-1) != nil {
		t.group.timers.threads--
	}
}

// TimerGettime returns the time left on timer id and its interval:
// timer_gettime(2).
func (t *Task) TimerGettime(id int) (value, interval int64, err error) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	p, err := t.group.posixTimerLocked(id)
	if err != nil || p.clockEnded() {
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
	p.group.timers.cost -= p.cost
	p.deleted = true
	if !p.queued {
		p.uncharge()
	}
}

// armLocked starts waiting for p.expires. Nobody waits for a timer that tells
// nobody: what has passed is reckoned when somebody asks.
func (p *posixTimer) armLocked() {
	tt := &p.group.timers
	switch {
	case p.event.Notify == abi.SIGEV_NONE || p.clockEnded():
		return
	case p.clock == abi.CLOCK_PROCESS_CPUTIME_ID:
		tt.cpu.Add(&p.timer, p.expires)
	case p.clock == abi.CLOCK_THREAD_CPUTIME_ID:
		p.owner.sig.timers.Add(&p.timer, p.expires)
		tt.threads++
	default:
		if p.real {
			p.timer.SetReal(p.expires)
		} else {
			p.timer.Set(p.expires)
		}
		return
	}
	p.group.updateCPUTimersLocked()
}

// waitNoMore undoes armLocked.
func (p *posixTimer) waitNoMore() {
	tt := &p.group.timers
	switch p.clock {
	case abi.CLOCK_PROCESS_CPUTIME_ID:
		tt.cpu.Remove(&p.timer)
	case abi.CLOCK_THREAD_CPUTIME_ID:
		if p.owner.sig.timers.Remove(&p.timer) {
			tt.threads--
		}
	default:
		p.timer.Stop()
		return
	}
	p.group.updateCPUTimersLocked()
}

func (p *posixTimer) disarmLocked() {
	if p.resting {
		p.resting = false
		p.group.timers.resting--
	}
	if p.expires != 0 {
		p.expires = 0
		p.waitNoMore()
	}
}

// fire runs when p may have expired.
func (p *posixTimer) fire() {
	g := p.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.deleted || p.expires == 0 || g.live == 0 || p.queued && p.periodic || p.resting {
		return
	}
	if p.expires > p.now() {
		p.armLocked() // it was set anew in between, or the wall clock set back
		return
	}
	p.expireLocked()
}

// onCPULocked reports whether a timer on a CPU clock is armed.
func (tt *timerTable) onCPULocked() bool {
	_, ok := tt.cpu.First()
	return ok || tt.threads > 0
}

// checkCPULocked fires the timers on the CPU clocks of g and its thread t that
// have expired.
func (tt *timerTable) checkCPULocked(g *ThreadGroup, t *Task) {
	if _, ok := tt.cpu.First(); ok {
		now := g.cpuTimeLocked()
		for e := tt.cpu.Take(now); e != nil; e = tt.cpu.Take(now) {
			e.Call()
		}
	}
	if tt.threads == 0 {
		return
	}
	now := t.cpu.nanoseconds()
	for e := t.sig.timers.Take(now); e != nil; e = t.sig.timers.Take(now) {
		tt.threads--
		e.Call()
	}
}

// expireLocked sends p's signal. An interval goes on when the signal is taken:
// until then nothing waits for p, and what passes is counted.
func (p *posixTimer) expireLocked() {
	switch {
	case p.queued:
		p.repeated++
	case !p.sendLocked():
		p.restLocked()
		return
	}
	if p.periodic = p.interval != 0; !p.periodic {
		p.disarmLocked()
	}
}

// restLocked makes p, whose signal is not wanted, wait until it is.
func (p *posixTimer) restLocked() {
	if p.interval == 0 {
		p.disarmLocked()
		return
	}
	p.resting = true
	p.group.timers.resting++
}

// wakeLocked makes the resting timers go on whose signals are in set: they are
// no longer ignored, or blocked, which keeps even ignored ones.
func (tt *timerTable) wakeLocked(set abi.Sigset) {
	if tt.resting == 0 {
		return
	}
	for _, p := range tt.m {
		if p.resting && set.Has(int(p.event.Signo)) && (p.to == nil || !p.to.sig.exiting) {
			p.resting = false
			tt.resting--
			p.advanceLocked()
		}
	}
}

// sendLocked queues p's signal and reports whether it will be taken.
func (p *posixTimer) sendLocked() bool {
	g := p.group
	t, shared := g.leader, true
	if p.to != nil {
		t, shared = p.to, false
		if t.sig.exiting {
			return false
		}
	}
	sig := int(p.event.Signo)
	info := abi.Siginfo{Signo: int32(sig), Code: abi.SI_TIMER}
	info.SetTimerID(int32(p.id))
	info.SetValue(p.event.Value)
	p.signal.Info = info
	if !g.prepareLocked(t, sig, false) {
		return false
	}
	pending := &t.sig.pending
	if shared {
		pending = &g.shared
	}
	p.queued, p.repeated = true, 0
	pending.Push(&p.signal)
	g.signalWait.Notify(wait.All)
	g.completeLocked(nil, t, sig, shared)
	return true
}

// advanceLocked goes on to the next expiry in the future, and counts those that
// have passed, the last one included.
func (p *posixTimer) advanceLocked() {
	late := max(p.now()-p.expires, 0)
	p.overrun += late/p.interval + 1
	p.expires = later(p.expires+late-late%p.interval, p.interval)
	p.armLocked()
}

// uncharge ends what p costs: it is deleted and its signal has left the queue.
func (p *posixTimer) uncharge() {
	p.chargedTo.pending.Add(-1)
	p.chargedTo.memory.Uncharge(p.cost)
}

// Taken implements signal.Source: it tells of the overruns, and the next
// interval begins.
func (p *posixTimer) Taken(info *abi.Siginfo) {
	p.queued = false
	if p.deleted {
		p.uncharge()
		return
	}
	told := p.repeated
	if p.periodic {
		p.periodic = false
		p.advanceLocked()
		p.last = min(p.overrun-1, maxOverrun) // of one the signal itself tells
		p.overrun = 0
		told += p.last
	}
	info.SetOverrun(int32(min(told, maxOverrun)))
}

// Dropped implements signal.Source.
func (p *posixTimer) Dropped() {
	p.queued = false
	switch {
	case p.deleted:
		p.uncharge()
	case p.periodic:
		p.periodic = false
		p.restLocked()
	}
}
