package klog

import (
	"testing"

	"kevlar/kernel/ktime"
)

func TestLimiter(t *testing.T) {
	var now int64
	ktime.UseSource(func() int64 { return now })
	l := NewLimiter(2, 100)
	for _, step := range []struct {
		at   int64
		want bool
	}{
		{10, true}, {20, true}, {30, false}, {109, false}, // the interval began at 10
		{110, true}, {111, true}, {112, false},
		{500, true}, {599, true}, {599, false}, {600, true},
	} {
		now = step.at
		if got := l.Allow(); got != step.want {
			t.Errorf("at %d: %v", step.at, got)
		}
	}
}
