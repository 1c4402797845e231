package tlb

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var flushes = map[string]func(){
	"FlushRange": func() { FlushRange(1, 0, 4096) },
	"FlushAll":   func() { FlushAll(1) },
	"Evict":      func() { Evict(1) },
}

func TestFlushesAreCountedAndTold(t *testing.T) {
	defer func() { OnFlush = nil }()
	told := 0
	OnFlush = func() { told++ }
	before := Flushes.Load()
	for _, flush := range flushes {
		flush()
	}
	if n := Flushes.Load() - before; n != 3 || told != 3 {
		t.Errorf("%d flushes are counted and %d told, want 3", n, told)
	}
}

// TestFlushAwaitsWalks sees that a flush returns when the walks that began
// before it have ended, and no sooner.
func TestFlushAwaitsWalks(t *testing.T) {
	defer func() { OnFlush = nil }()
	for name, flush := range flushes {
		t.Run(name, func(t *testing.T) {
			begun, done := make(chan struct{}), make(chan struct{})
			OnFlush = func() { close(begun) }
			BeginWalk()
			BeginWalk() // another one: walks do not wait for each other
			go func() {
				flush()
				close(done)
			}()
			select {
			case <-begun:
			case <-done:
			}
			EndWalk()
			select {
			case <-done:
				t.Error("the flush returned while a walk went on")
			case <-time.After(20 * time.Millisecond):
			}
			EndWalk()
			<-done
		})
	}
}

// TestNoWalkUsesWhatWasFlushed plays an address space with one page, whose frame
// is taken away from under those who use it: none may see it in other hands.
func TestNoWalkUsesWhatWasFlushed(t *testing.T) {
	var frames [2]atomic.Int32 // the owner: 0 the page, 1 somebody else
	var mapped atomic.Int32    // which one is the page's
	frames[1].Store(1)
	var stop atomic.Bool
	var users sync.WaitGroup
	for range 3 {
		users.Go(func() {
			for !stop.Load() {
				BeginWalk()
				f := mapped.Load()
				for range 20 {
					if frames[f].Load() != 0 {
						t.Error("a walk found somebody else's frame")
						stop.Store(true)
						break
					}
				}
				EndWalk()
			}
		})
	}
	for range 500 {
		old := mapped.Load()
		frames[1-old].Store(0)
		mapped.Store(1 - old)
		FlushAll(1)
		frames[old].Store(1)
	}
	stop.Store(true)
	users.Wait()
}
