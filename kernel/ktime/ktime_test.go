package ktime

import (
	"math"
	"testing"
)

func TestSourceAndWallClock(t *testing.T) {
	old := source
	defer func() { UseSource(old) }()
	now := int64(5_000)
	UseSource(func() int64 { return now })
	if Mono() != 5_000 {
		t.Fatalf("Mono = %d, want the source's 5000", Mono())
	}
	var told int64
	OnSet = func(offset int64) { told = offset }
	defer func() { OnSet = nil }()
	SetReal(1_000_000)
	now += 7
	if Real() != 1_000_007 || told != 995_000 || BootReal() != 995_000 {
		t.Errorf("Real = %d, offset %d (told %d), want 1000007, 995000", Real(), BootReal(), told)
	}
	if got := RealToMono(1_000_100); got != 5_100 {
		t.Errorf("RealToMono = %d, want 5100", got)
	}
}

func TestRealToMonoAtTheEnds(t *testing.T) {
	old := realOffset.Load()
	defer realOffset.Store(old)
	for _, c := range []struct{ offset, real, want int64 }{
		{1000, math.MinInt64, math.MinInt64},
		{1000, math.MinInt64 + 999, math.MinInt64},
		{1000, math.MinInt64 + 1001, math.MinInt64 + 1},
		{1000, math.MaxInt64, math.MaxInt64 - 1000},
		{-1000, math.MaxInt64, math.MaxInt64},
		{-1000, math.MaxInt64 - 1001, math.MaxInt64 - 1},
		{-1000, math.MinInt64, math.MinInt64 + 1000},
		{0, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, 0, math.MaxInt64},
		{math.MinInt64, -1, math.MaxInt64},
	} {
		realOffset.Store(c.offset)
		if got := RealToMono(c.real); got != c.want {
			t.Errorf("RealToMono(%d) with the wall clock at %d = %d, want %d", c.real, c.offset, got, c.want)
		}
	}
}
