package ktime

import "testing"

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
