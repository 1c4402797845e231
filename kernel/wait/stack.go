package wait

import (
	"runtime"
	"time"
)

// A stackRequest asks the owner of a Sleeper for its stack.
type stackRequest struct {
	pcs  [64]uintptr
	n    int
	done chan struct{}
}

// Stack returns the return addresses on the owner's stack from Sleep on,
// innermost first, for runtime.CallersFrames: the owner, who should be asleep,
// is woken for a moment and tells it, and nobody else is disturbed. It returns
// none if the owner does not answer in time or is being asked by someone else.
func (s *Sleeper) Stack(timeout time.Duration) []uintptr {
	r := &stackRequest{done: make(chan struct{})}
	if !s.request.CompareAndSwap(nil, r) {
		return nil
	}
	s.Wake()
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-r.done:
	case <-late.C:
		if s.request.CompareAndSwap(r, nil) {
			return nil
		}
		<-r.done
	}
	return r.pcs[:r.n]
}

// answer tells who asks where the owner sleeps. It is called by Sleep and the
// like.
//
//go:noinline
func (s *Sleeper) answer() {
	r := s.request.Swap(nil)
	if r == nil {
		return
	}
	r.n = runtime.Callers(2, r.pcs[:]) // without Callers and answer
	close(r.done)
}
