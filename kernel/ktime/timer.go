package ktime

import (
	"math"
	"sync"
	"time"
)

// timers are those of user programs: sleeps, timeouts, alarms. They are not the Go runtime's, which nobody looks at while every CPU
// is in user mode.
var timers struct {
	mu    sync.Mutex // a leaf
	queue Queue      // on the monotonic clock
	real  Queue      // on the wall clock
	armed int64      // what the alarm is set to; 0 if it is off
}

// batch is how many timers Expire serves in one go: it runs at the expense of
// whom it interrupts.
const batch = 64

// setAlarm makes Expire be called soon after when. Until the machine has told
// its own way the Go runtime's timers do.
var setAlarm func(when int64)

func init() {
	t := time.AfterFunc(time.Hour, Expire)
	t.Stop()
	setAlarm = func(when int64) { t.Reset(time.Duration(max(when-Mono(), 0))) }
}

// UseAlarm makes f the machine's alarm: f(when) has Expire called, in goroutine
// context, once Mono is when, and replaces what was asked for before. f runs
// with a lock held and must not block. It is called once at boot, before the
// first timer is set.
func UseAlarm(f func(when int64)) { setAlarm = f }

// Set makes t's function be called once Mono is when, in place of any time that
// was set before. The function runs on anybody's goroutine: it must be short,
// and may block for no longer than a lock is held. A call that has begun is not
// undone, neither by Set nor by Stop; two may overlap.
func (t *Timer) Set(when int64) {
	t.set(when, false)
}

// SetReal is Set with a time of the wall clock, Real: if that is set, the function is
// called as much earlier or later.
func (t *Timer) SetReal(when int64) { t.set(when, true) }

func (t *Timer) set(when int64, real bool) {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	if t.real != real {
		t.queue().Remove(t)
		t.real = real
	}
	t.queue().Add(t, when)
	arm()
}

// queue returns where t stands if it is set. timers.mu is held.
func (t *Timer) queue() *Queue {
	if t.real {
		return &timers.real
	}
	return &timers.queue
}

// realMoved is called when the wall clock was set.
func realMoved() {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	arm()
}

// Stop undoes Set or SetReal, and reports whether the function has yet to be called.
func (t *Timer) Stop() bool {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	return t.queue().Remove(t)
}

// Waiting returns how many timers are set.
func Waiting() int {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	return len(timers.queue.heap) + len(timers.real.heap)
}

// arm sets the alarm if the first timer is due earlier. An alarm that is no
// longer needed stays: it finds nothing. timers.mu is held.
func arm() {
	first, ok := timers.queue.First()
	if real, any := timers.real.First(); any {
		if real = RealToMono(real); !ok || real < first {
			first, ok = real, true
		}
	}
	if ok && (timers.armed == 0 || first < timers.armed) {
		timers.armed = max(first, 1)
		setAlarm(timers.armed)
	}
}

// Expire calls the functions of timers that are due.
func Expire() {
	now := Mono()
	for n := 0; ; n++ {
		t := takeDue(now, n == batch)
		if t == nil {
			return
		}
		t.f()
	}
}

// later returns ns after now, which is not negative, at most the end of the range.
func later(now, ns int64) int64 {
	if ns > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + ns
}

// takeDue removes the first timer that is due at now and returns it. If there
// is none, or if it is enough for now, it sets the alarm to the first that is
// left and returns nil.
func takeDue(now int64, enough bool) *Timer {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	if !enough {
		if t := timers.queue.Take(now); t != nil {
			return t
		}
		if t := timers.real.Take(later(now, realOffset.Load())); t != nil {
			return t
		}
	}
	timers.armed = 0
	arm()
	return nil
}
