package ioapic

import (
	"sync"
	"testing"
)

const (
	first  = 0xfec00000
	second = 0xfec10000
)

// machine has two I/O APICs with 24 and 8 lines; nobody has line 24 to 31.
func machine(t *testing.T) {
	t.Cleanup(func() { count = 0 })
	count = 0
	SoftAdd(first, 24)
	SoftAdd(second, 8)
	Add(first, 0)
	Add(second, 32)
}

func entry(t *testing.T, pa uint64, line int, lo, hi uint32) {
	t.Helper()
	if l, h := SoftEntry(pa, line); l != lo || h != hi {
		t.Errorf("line %d at %#x: %#x %#x, want %#x %#x", line, pa, h, l, hi, lo)
	}
}

func TestAdd(t *testing.T) {
	count = 0
	if Known() {
		t.Error("one is known at first")
	}
	machine(t)
	if !Known() {
		t.Error("none is known")
	}
	for line := range 24 {
		entry(t, first, line, 1<<16, 0)
	}
	entry(t, first, 24, 0, 0) // behind the last
	for gsi, want := range map[uint32]bool{0: true, 23: true, 24: false, 31: false, 32: true, 39: true, 40: false, ^uint32(0): false} {
		if Has(gsi) != want {
			t.Errorf("line %d: %v", gsi, !want)
		}
	}
}

func TestAddManyAndLarge(t *testing.T) {
	t.Cleanup(func() { count = 0 })
	count = 0
	SoftAdd(first, 256) // more than its registers can be
	Add(first, 0)
	if !Has(119) || Has(120) {
		t.Errorf("%d lines", apics[0].lines)
	}
	if v := load(first, indexVersion); v>>16 != 255 {
		t.Errorf("the registers below the table were written: %#x", v)
	}
	for i := range uint32(20) {
		SoftAdd(second, 1)
		Add(second, 1000+i)
	}
	if !Has(1006) || Has(1007) {
		t.Errorf("%d are known", count)
	}
}

// TestRoute compares with the table of the data sheet: the vector in the low
// bits, polarity in bit 13, trigger mode in bit 15, mask in bit 16, and the
// destination in the upper 8 bits of the second half.
func TestRoute(t *testing.T) {
	machine(t)
	for _, tt := range []struct {
		gsi, vector, cpu uint32
		level, low       bool
		pa               uint64
		line             int
		lo, hi           uint32
	}{
		{1, 48, 0, false, false, first, 1, 48, 0},
		{23, 49, 3, true, true, first, 23, 49 | 1<<15 | 1<<13, 3 << 24},
		{32, 50, 255, true, false, second, 0, 50 | 1<<15, 255 << 24},
		{39, 79, 1, false, true, second, 7, 79 | 1<<13, 1 << 24},
	} {
		if !Route(tt.gsi, tt.vector, tt.cpu, tt.level, tt.low) {
			t.Errorf("line %d is not there", tt.gsi)
		}
		entry(t, tt.pa, tt.line, tt.lo, tt.hi)
	}
	entry(t, first, 2, 1<<16, 0) // the others are as they were
	entry(t, second, 1, 1<<16, 0)
	if Route(24, 51, 0, false, false) || Route(40, 51, 0, false, false) {
		t.Error("a line is routed that nobody has")
	}
}

func TestMask(t *testing.T) {
	machine(t)
	Route(9, 48, 2, true, true)
	const lo, hi = 48 | 1<<15 | 1<<13, 2 << 24
	for range 2 {
		Mask(9)
		entry(t, first, 9, lo|1<<16, hi)
		Mask(9)
		entry(t, first, 9, lo|1<<16, hi)
		Unmask(9)
		entry(t, first, 9, lo, hi)
	}
	Unmask(9)
	entry(t, first, 9, lo, hi)
	Mask(30) // nobody's
	Unmask(30)
}

// TestManyCPUs mask lines of their own at once.
func TestManyCPUs(t *testing.T) {
	machine(t)
	var all sync.WaitGroup
	for line := range uint32(8) {
		Route(line, 48+line, line, true, false)
		all.Go(func() {
			for range 200 {
				Mask(line)
				Unmask(line)
			}
			if line%2 == 0 {
				Mask(line)
			}
		})
	}
	all.Wait()
	for line := range uint32(8) {
		entry(t, first, int(line), 48+line|1<<15|(1-line%2)<<16, line<<24)
	}
}
