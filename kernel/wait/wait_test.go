package wait

import (
	"runtime"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

func TestNotifyWakesOnlyTheMask(t *testing.T) {
	var q Queue
	in, out := NewSleeper(), NewSleeper()
	wi, wo := Waiter{Sleeper: in}, Waiter{Sleeper: out}
	q.Register(&wi, In)
	q.Register(&wo, Out)
	q.Notify(In)
	if err := in.Sleep(ktime.Mono() + int64(time.Second)); err != nil {
		t.Errorf("reader: %v, want woken", err)
	}
	if err := out.Sleep(ktime.Mono() + int64(time.Millisecond)); err != abi.ETIMEDOUT {
		t.Errorf("writer: %v, want ETIMEDOUT", err)
	}
	q.Notify(Hup)
	if err := out.Sleep(ktime.Mono() + int64(time.Second)); err != nil {
		t.Errorf("writer after hang-up: %v, want woken", err)
	}
	q.Unregister(&wi)
	q.Unregister(&wi) // a second time does nothing
	q.Unregister(&wo)
	if !q.Empty() {
		t.Error("queue not empty")
	}
}

func TestNotifyOneTakesTheOldest(t *testing.T) {
	var q Queue
	var woken []int
	ws := make([]Waiter, 3)
	for i := range ws {
		ws[i].Callback = func(*Waiter, Events) { woken = append(woken, i) }
		q.Register(&ws[i], In)
	}
	q.Unregister(&ws[0])
	if !q.NotifyOne(In) || len(woken) != 1 || woken[0] != 1 {
		t.Errorf("woken %v, want [1]", woken)
	}
	if q.NotifyOne(Out) {
		t.Error("NotifyOne found a waiter for an event nobody asked for")
	}
}

func TestWakeBeforeSleepIsKept(t *testing.T) {
	s := NewSleeper()
	s.Wake()
	s.Wake()
	if err := s.Sleep(Forever); err != nil {
		t.Fatal(err)
	}
	if err := s.Sleep(ktime.Mono() + int64(time.Millisecond)); err != abi.ETIMEDOUT {
		t.Errorf("second sleep: %v, want ETIMEDOUT: two wakes before a sleep are one", err)
	}
}

func TestInterrupt(t *testing.T) {
	s := NewSleeper()
	go func() {
		time.Sleep(time.Millisecond)
		s.Interrupt()
	}()
	if err := s.Sleep(Forever); err != abi.ERESTARTSYS {
		t.Errorf("sleep: %v, want ERESTARTSYS", err)
	}
	if err := s.Sleep(Forever); err != abi.ERESTARTSYS {
		t.Errorf("sleep while interrupted: %v, want ERESTARTSYS", err)
	}
	s.ClearInterrupt()
	if err := s.Sleep(ktime.Mono()); err != abi.ETIMEDOUT {
		t.Errorf("after ClearInterrupt: %v, want ETIMEDOUT", err)
	}
}

func TestSleepAllocatesNothing(t *testing.T) {
	s := NewSleeper()
	s.Sleep(ktime.Mono() + 1000)
	n := testing.AllocsPerRun(100, func() { s.Sleep(ktime.Mono() + 1000) })
	if n != 0 {
		t.Errorf("%v allocations a sleep, want 0", n)
	}
}

func TestStack(t *testing.T) {
	s := NewSleeper()
	if got := s.Stack(time.Millisecond); got != nil {
		t.Errorf("stack of one who is not asleep: %v", got)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			sleepHere(s)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 100 {
		pcs := s.Stack(time.Second)
		if len(pcs) == 0 {
			t.Fatal("no stack")
		}
		frames := runtime.CallersFrames(pcs)
		f, _ := frames.Next()
		if f.Function != "kevlar/kernel/wait.(*Sleeper).Sleep" {
			t.Fatalf("innermost is %s", f.Function)
		}
		if f, _ = frames.Next(); f.Function != "kevlar/kernel/wait.sleepHere" {
			t.Fatalf("then %s", f.Function)
		}
	}
	close(stop)
	s.Wake()
	<-done
}

//go:noinline
func sleepHere(s *Sleeper) { s.Sleep(Forever) }

type observer struct{ parked, resumed int }

func (o *observer) Parked(bool) { o.parked++ }
func (o *observer) Resumed()    { o.resumed++ }

func TestObserverSeesOnlyRealSleeps(t *testing.T) {
	s := NewSleeper()
	o := &observer{}
	s.Observer = o
	s.Wake()
	s.SleepUninterruptible()
	s.Sleep(ktime.Mono() - 1)
	if o.parked != 0 || o.resumed != 0 {
		t.Errorf("%+v after sleeps that did not park", *o)
	}
	s.Sleep(ktime.Mono() + int64(time.Millisecond))
	time.AfterFunc(time.Millisecond, s.Wake)
	s.SleepUninterruptible()
	if o.parked != 2 || o.resumed != 2 {
		t.Errorf("%+v, want both 2", *o)
	}
}

func TestAwait(t *testing.T) {
	var q Queue
	s := NewSleeper()
	tries, wanted := 0, 3
	try := func() error {
		if tries++; tries < wanted {
			return abi.EAGAIN
		}
		return nil
	}
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				q.Notify(In)
			}
		}
	}()
	if err := s.Await(&q, Readable, Forever, try); err != nil || tries != 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
	close(stop)
	never := func() error { return abi.EAGAIN }
	if err := s.Await(&q, Readable, ktime.Mono()+int64(time.Millisecond), never); err != abi.ETIMEDOUT {
		t.Errorf("deadline: %v", err)
	}
	if err := s.Await(&q, Readable, Forever, func() error { return abi.EPIPE }); err != abi.EPIPE {
		t.Errorf("failure: %v", err)
	}
	// What becomes true with the deadline counts.
	tries, wanted = 0, 2
	if err := s.Await(&q, Readable, ktime.Mono()-1, try); err != nil {
		t.Errorf("last try: %v", err)
	}
	s.Interrupt()
	if err := s.Await(&q, Readable, Forever, never); err != abi.ERESTARTSYS {
		t.Errorf("signal: %v", err)
	}
	s.ClearInterrupt()
	if !q.Empty() {
		t.Error("somebody still waits")
	}
	if n := testing.AllocsPerRun(100, func() {
		done := false
		s.Await(&q, Readable, Forever, func() error {
			if done {
				return nil
			}
			done = true
			s.Wake()
			return abi.EAGAIN
		})
	}); n > 0.1 {
		t.Errorf("%v allocations", n)
	}
}
