// Package timerfd is a timer that a thread can wait for as it waits for a
// file: timerfd_create(2).
package timerfd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A timer expires at a time of ktime.Mono, or of ktime.Real if it was set to an absolute
// time of the wall clock. While it is expired and nobody has
// read it, an interval does not go on by itself: what has passed is counted
// when somebody asks. So a short interval costs nothing.
type timer struct {
	vfs.NoFile
	vfs.IsStreamFile
	clock int
	wall  bool // absolute times are those of the wall clock
	queue wait.Queue

	mu       sync.Mutex
	expires  int64       // guarded by mu, as are all below; 0 if it is off
	interval int64       // nanoseconds; 0 if it expires once
	ticks    uint64      // expirations that have been counted and not read
	flags    int         // of the last Set
	real     bool        // expires is a time of ktime.Real
	alarm    ktime.Timer // calls fire
}

// New returns an open file with a timer on clock that is off. flags are
// TFD_NONBLOCK and TFD_CLOEXEC; others, and clocks that have no such timers,
// are refused with EINVAL; ENFILE if there are too many files. The machine never sleeps, so the clocks that would
// wake it are as the others.
func New(c vfs.Caller, clock, flags int) (*vfs.File, error) {
	if flags&^(abi.TFD_NONBLOCK|abi.TFD_CLOEXEC) != 0 {
		return nil, abi.EINVAL
	}
	t := &timer{clock: clock}
	t.alarm.Init(t.fire)
	switch clock {
	case abi.CLOCK_REALTIME, abi.CLOCK_REALTIME_ALARM:
		t.wall = true
	case abi.CLOCK_MONOTONIC, abi.CLOCK_BOOTTIME, abi.CLOCK_BOOTTIME_ALARM:
	default:
		return nil, abi.EINVAL
	}
	return vfs.NewAnonFile(c, "timerfd", t, abi.O_RDWR|flags&abi.TFD_NONBLOCK)
}

// Set arms the timer that f is, or stops it if value is 0, and returns what
// was left and its interval: timerfd_settime(2). Times are in nanoseconds and
// not negative. It fails with EINVAL if f is no timer, and for
// TFD_TIMER_CANCEL_ON_SET where that means something: a timer on the wall clock
// moves with it, but its readers are not told when it is set.
func Set(f *vfs.File, flags int, value, interval int64) (oldValue, oldInterval int64, err error) {
	t, ok := f.Ops().(*timer)
	if !ok || flags&^(abi.TFD_TIMER_ABSTIME|abi.TFD_TIMER_CANCEL_ON_SET) != 0 {
		return 0, 0, abi.EINVAL
	}
	absolute := flags&abi.TFD_TIMER_ABSTIME != 0
	if flags&abi.TFD_TIMER_CANCEL_ON_SET != 0 && absolute && t.wall {
		return 0, 0, abi.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	oldValue, oldInterval = t.left(t.now()), t.interval
	t.real = absolute && t.wall
	t.expires, t.interval, t.ticks, t.flags = 0, interval, 0, flags
	switch {
	case value == 0:
	case !absolute:
		t.expires = later(t.now(), value)
	default:
		t.expires = value
	}
	t.arm()
	return oldValue, oldInterval, nil
}

// Get returns the time until the timer that f is expires next, 0 if it is off,
// and its interval: timerfd_gettime(2). It fails with EINVAL if f is no timer.
func Get(f *vfs.File) (value, interval int64, err error) {
	t, ok := f.Ops().(*timer)
	if !ok {
		return 0, 0, abi.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.count(now)
	return t.left(now), t.interval, nil
}

// now returns the clock that t.expires is a time of. The caller holds t.mu.
func (t *timer) now() int64 {
	if t.real {
		return ktime.Real()
	}
	return ktime.Mono()
}

// later returns ns after now.
func later(now, ns int64) int64 {
	if ns > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + ns
}

// arm makes fire be called when t expires. The caller holds t.mu.
func (t *timer) arm() {
	if t.expires == 0 {
		t.alarm.Stop()
		return
	}
	if t.real {
		t.alarm.SetReal(t.expires)
	} else {
		t.alarm.Set(t.expires)
	}
}

// fire runs when t may have expired.
func (t *timer) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	switch {
	case t.expires == 0: // it was stopped in between
	case now < t.expires: // it was set anew, or the wall clock set back
		t.arm()
	default:
		t.queue.Notify(wait.Readable)
	}
}

// count turns the expirations until now into ticks, and waits for the next.
// The caller holds t.mu.
func (t *timer) count(now int64) {
	if t.expires == 0 || now < t.expires {
		return
	}
	if t.interval == 0 {
		t.ticks++
		t.expires = 0
		return
	}
	n := (now-t.expires)/t.interval + 1
	t.ticks += uint64(n)
	t.expires = later(t.expires+(n-1)*t.interval, t.interval)
	t.arm()
}

// left returns the time until t expires next; 0 if it never will. The caller
// holds t.mu.
func (t *timer) left(now int64) int64 {
	switch {
	case t.expires == 0:
		return 0
	case now < t.expires:
		return t.expires - now
	case t.interval == 0:
		return 0
	}
	return t.interval - (now-t.expires)%t.interval
}

// Read takes the number of expirations, which must not be 0.
func (t *timer) Read(_ vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	if dst.Len() < 8 {
		return 0, abi.EINVAL
	}
	n := t.take()
	if n == 0 {
		return 0, abi.EAGAIN
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return dst.Write(b[:])
}

func (t *timer) take() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(t.now())
	n := t.ticks
	t.ticks = 0
	return n
}

// Ready implements poll(2).
func (t *timer) Ready(mask wait.Events) wait.Events {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ticks == 0 && (t.expires == 0 || t.now() < t.expires) {
		return 0
	}
	return wait.In & mask
}

// FDInfo tells the clock, the expirations and the times: proc_pid_fdinfo(5).
func (t *timer) FDInfo(pos int64, w *bytes.Buffer, more func(next int64) bool) {
	if pos != 0 {
		return
	}
	const second = int64(1e9)
	t.mu.Lock()
	now := t.now()
	t.count(now)
	left := t.left(now)
	fmt.Fprintf(w, "clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
		t.clock, t.ticks, t.flags, left/second, left%second, t.interval/second, t.interval%second)
	t.mu.Unlock()
	more(1)
}

// WaitQueue returns the timer's queue.
func (t *timer) WaitQueue() *wait.Queue { return &t.queue }

// Release stops the timer.
func (t *timer) Release(*vfs.File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = 0
	t.arm()
}
