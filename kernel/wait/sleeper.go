package wait

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// Forever is the deadline that never comes.
const Forever int64 = 1<<63 - 1

// An Observer is told when the owner of a Sleeper gives up its CPU and when it
// goes on: for states and CPU times. It is called on the owner's goroutine.
type Observer interface {
	Parked(interruptible bool)
	Resumed()
}

// A Sleeper is the one place where a thread sleeps. Sleep is called by the
// owner only; Wake and Interrupt by anyone.
type Sleeper struct {
	wake        chan struct{} // one token: a wake-up before Sleep is not lost
	interrupted atomic.Bool
	timer       *ktime.Timer // reused by every timed sleep of the owner

	waiter Waiter // of the outermost Await under way

	request atomic.Pointer[stackRequest]

	// Observer may be nil. It is set before the first sleep.
	Observer Observer
}

// NewSleeper returns a Sleeper that nobody has woken.
func NewSleeper() *Sleeper {
	return &Sleeper{wake: make(chan struct{}, 1)}
}

// Wake ends the present Sleep, or the next one if the owner is not asleep.
func (s *Sleeper) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Interrupt makes every Sleep fail until ClearInterrupt. It is called when an
// unblocked signal becomes pending for the owner.
func (s *Sleeper) Interrupt() {
	s.interrupted.Store(true)
	s.Wake()
}

// ClearInterrupt ends the effect of Interrupt. The owner calls it before it
// looks at its pending signals.
func (s *Sleeper) ClearInterrupt() { s.interrupted.Store(false) }

// Interrupted reports whether Interrupt was called since ClearInterrupt.
func (s *Sleeper) Interrupted() bool { return s.interrupted.Load() }

// Sleep waits for Wake. It returns nil when woken (perhaps spuriously),
// ERESTARTSYS when a signal is pending, and ETIMEDOUT when deadline, in
// nanoseconds of ktime.Mono, has passed.
func (s *Sleeper) Sleep(deadline int64) error {
	if s.interrupted.Load() {
		return abi.ERESTARTSYS
	}
	if deadline == Forever {
		s.park(true)
	} else if !s.sleepUntil(deadline) {
		return abi.ETIMEDOUT
	}
	if s.request.Load() != nil {
		s.answer()
	}
	if s.interrupted.Load() {
		return abi.ERESTARTSYS
	}
	return nil
}

// SleepUntil sleeps until deadline whoever wakes, or until a signal is pending:
// ERESTARTSYS.
func (s *Sleeper) SleepUntil(deadline int64) error {
	for {
		if err := s.Sleep(deadline); err == abi.ETIMEDOUT {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// SleepUntilReal is SleepUntil for a deadline of the wall clock, ktime.Real, which may
// be set meanwhile.
func (s *Sleeper) SleepUntilReal(deadline int64) error {
	if deadline == Forever {
		return s.SleepUntil(Forever)
	}
	s.makeTimer()
	defer s.timer.Stop()
	for ktime.Real() < deadline {
		s.timer.SetReal(deadline)
		if err := s.Sleep(Forever); err != nil {
			return err
		}
	}
	return nil
}

// SleepUninterruptible waits for Wake whatever signals come.
func (s *Sleeper) SleepUninterruptible() {
	s.park(false)
	if s.request.Load() != nil {
		s.answer()
	}
}

func (s *Sleeper) park(interruptible bool) {
	if s.Observer == nil {
		<-s.wake
		return
	}
	select {
	case <-s.wake:
		return
	default:
	}
	s.Observer.Parked(interruptible)
	<-s.wake
	s.Observer.Resumed()
}

func (s *Sleeper) makeTimer() {
	if s.timer == nil {
		s.timer = new(ktime.Timer)
		s.timer.Init(s.Wake)
	}
}

func (s *Sleeper) sleepUntil(deadline int64) bool {
	select {
	case <-s.wake:
		return true
	default:
	}
	if deadline <= ktime.Mono() {
		return false
	}
	s.makeTimer()
	s.timer.Set(deadline)
	defer s.timer.Stop()
	if s.Observer != nil {
		s.Observer.Parked(true)
		defer s.Observer.Resumed()
	}
	<-s.wake
	return ktime.Mono() < deadline
}

// Await calls try until it answers something else than EAGAIN, and returns
// that. In between the owner of s sleeps until q is notified of an event in
// mask. A signal ends the wait with ERESTARTSYS; so does deadline, which is of
// ktime.Mono, with ETIMEDOUT, after a last try. try runs at least once, after s
// has been registered on q: who mostly need not wait tries first by itself.
func (s *Sleeper) Await(q *Queue, mask Events, deadline int64, try func() error) error {
	w := &s.waiter
	if w.queue != nil {
		w = new(Waiter) // try of another Await waits itself
	}
	w.Sleeper = s
	q.Register(w, mask)
	defer q.Unregister(w) // even if try panics
	for {
		if err := try(); err != abi.EAGAIN {
			return err
		}
		if err := s.Sleep(deadline); err == abi.ETIMEDOUT {
			if last := try(); last != abi.EAGAIN {
				return last
			}
			return err
		} else if err != nil {
			return err
		}
	}
}
