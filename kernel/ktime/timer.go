package ktime

import (
	"sync"
	"time"
)

// timers are those of user programs, on the monotonic clock: sleeps, timeouts,
// alarms. They are not the Go runtime's, which nobody looks at while every CPU
// is in user mode.
var timers struct {
	mu    sync.Mutex // a leaf
	queue Queue
	armed int64 // what the alarm is set to; 0 if it is off
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
	timers.mu.Lock()
	defer timers.mu.Unlock()
	timers.queue.Add(t, when)
	arm()
}

// Stop undoes Set, and reports whether the function has yet to be called.
func (t *Timer) Stop() bool {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	return timers.queue.Remove(t)
}

// Waiting returns how many timers are set.
func Waiting() int {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	return len(timers.queue.heap)
}

// arm sets the alarm if the first timer is due earlier. An alarm that is no
// longer needed stays: it finds nothing. timers.mu is held.
func arm() {
	first, ok := timers.queue.First()
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
	}
	timers.armed = 0
	arm()
	return nil
}
