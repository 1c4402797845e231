package klog

import (
	"sync"

	"kevlar/kernel/ktime"
)

// A Limiter bounds how many lines of one kind are logged.
type Limiter struct {
	burst    int
	interval int64 // ns

	mu      sync.Mutex
	begin   int64 // of the interval; guarded by mu
	allowed int   // in the interval; guarded by mu
}

// NewLimiter returns a Limiter that allows burst lines in an interval of so
// many nanoseconds.
func NewLimiter(burst int, interval int64) *Limiter {
	return &Limiter{burst: burst, interval: interval}
}

// Allow reports whether one more line may be logged now.
func (l *Limiter) Allow() bool {
	now := ktime.Mono()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.allowed == 0 || now-l.begin >= l.interval {
		l.begin, l.allowed = now, 0
	}
	if l.allowed >= l.burst {
		return false
	}
	l.allowed++
	return true
}
