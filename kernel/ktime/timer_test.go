package ktime

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestQueueOrder(t *testing.T) {
	var q Queue
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]Timer, 500)
	in := make(map[*Timer]bool)
	for round := range 20_000 {
		tm := &all[r.IntN(len(all))]
		switch r.IntN(4) {
		case 0:
			if got := q.Remove(tm); got != in[tm] {
				t.Fatalf("round %d: Remove = %v, want %v", round, got, in[tm])
			}
			delete(in, tm)
		case 1:
			first, ok := q.First()
			if ok != (len(in) > 0) {
				t.Fatalf("round %d: First = %v with %d timers", round, ok, len(in))
			}
			if q.Take(first-1) != nil {
				t.Fatalf("round %d: taken before its time", round)
			}
			got := q.Take(first)
			if got == nil != (len(in) == 0) {
				t.Fatalf("round %d: Take = %v with %d timers", round, got, len(in))
			}
			for o := range in {
				if o.when < got.when {
					t.Fatalf("round %d: took %d before %d", round, got.when, o.when)
				}
			}
			delete(in, got)
		default:
			q.Add(tm, r.Int64N(1000))
			in[tm] = true
		}
	}
	for range in {
		q.Take(1000)
	}
	if len(q.heap) != 0 || cap(q.heap) > 64 {
		t.Errorf("an empty queue has %d of %d entries", len(q.heap), cap(q.heap))
	}
}

func TestTimers(t *testing.T) {
	const n = 3 * batch
	var wg sync.WaitGroup
	var early atomic.Int32
	begin := Mono()
	all := make([]Timer, n)
	for i := range all {
		when := begin + int64(i%7)*int64(time.Millisecond)
		wg.Add(1)
		all[i].Init(func() {
			if Mono() < when {
				early.Add(1)
			}
			wg.Done()
		})
		all[i].Set(begin + int64(time.Hour))
		all[i].Set(when)
	}
	wg.Wait()
	if early.Load() != 0 {
		t.Errorf("%d timers were early", early.Load())
	}
	if all[0].Stop() {
		t.Error("a timer that has expired was stopped")
	}
}

func TestStop(t *testing.T) {
	var fired atomic.Int32
	var tm Timer
	tm.Init(func() { fired.Add(1) })
	tm.Set(Mono() + int64(10*time.Millisecond))
	if !tm.Stop() || tm.Stop() {
		t.Error("Stop of a timer that was set, then of one that was not")
	}
	time.Sleep(20 * time.Millisecond)
	if n := fired.Load(); n != 0 {
		t.Errorf("fired %d times after Stop", n)
	}
}

func TestTimersOverlap(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var tm Timer
			fired := make(chan struct{}, 1)
			tm.Init(func() {
				select {
				case fired <- struct{}{}:
				default:
				}
			})
			for i := range 300 {
				tm.Set(Mono() + int64(i%5)*1000)
				if i%3 == 0 {
					tm.Stop()
					continue
				}
				<-fired
			}
		}()
	}
	wg.Wait()
}

// TestRealTimers sets the wall clock, and timers on it move; those on the other clock
// stay.
func TestRealTimers(t *testing.T) {
	old := realOffset.Load()
	defer SetReal(old + Mono())
	const hour = int64(time.Hour)
	real, mono := make(chan struct{}, 1), make(chan struct{}, 1)
	var onReal, onMono Timer
	onReal.Init(func() { real <- struct{}{} })
	onMono.Init(func() { mono <- struct{}{} })
	onMono.SetReal(Real() + 2*hour)
	onMono.Set(Mono() + hour) // in place of the other
	onReal.Set(Mono() + 3*hour)
	onReal.SetReal(Real() + hour)
	if n := Waiting(); n != 2 {
		t.Errorf("%d timers wait, want 2", n)
	}
	SetReal(Real() - hour)
	select {
	case <-real:
		t.Error("expired when the wall clock went back")
	case <-time.After(10 * time.Millisecond):
	}
	SetReal(Real() + 2*hour)
	select {
	case <-real:
	case <-time.After(10 * time.Second):
		t.Error("not expired when the wall clock had come to its time")
	}
	if len(mono) != 0 || !onMono.Stop() || onReal.Stop() {
		t.Error("the timer on the monotonic clock is not what is left")
	}
}
