package rtc

import (
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	want := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC).UnixNano()
	for _, tt := range []struct {
		name string
		f    fields
		ok   bool
	}{
		{"BCD, 24 hours", fields{0x05, 0x04, 0x15, 0x23, 0x11, 0x26, 0x20, hours24}, true},
		{"binary, 24 hours", fields{5, 4, 15, 23, 11, 26, 20, hours24 | binaryMode}, true},
		{"BCD, 12 hours", fields{0x05, 0x04, 0x83, 0x23, 0x11, 0x26, 0x20, 0}, true},
		{"no century", fields{0x05, 0x04, 0x15, 0x23, 0x11, 0x26, 0, hours24}, true},
		{"no clock", fields{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
	} {
		ns, ok := decode(tt.f)
		if ok != tt.ok || ok && ns != want {
			t.Errorf("%s: %d, %v, want %d, %v", tt.name, ns, ok, want, tt.ok)
		}
	}
}

func TestReadWaitsForTwoEqualSamples(t *testing.T) {
	n := 0
	ns, ok := read(func(reg byte) byte {
		switch reg {
		case regStatusA:
			return 0
		case regStatusB:
			return hours24
		case regSeconds:
			n++
			return byte(min(n, 3)) // ticks between the first samples
		case regDay, regMonth:
			return 1
		}
		return 0
	})
	if want := time.Date(2000, 1, 1, 0, 0, 3, 0, time.UTC).UnixNano(); !ok || ns != want {
		t.Errorf("%d, %v, want %d", ns, ok, want)
	}
}

// TestNoClock reads ports behind which there is nothing: it must not take long,
// as each read may end up in the monitor.
func TestNoClock(t *testing.T) {
	reads := 0
	_, ok := read(func(byte) byte {
		reads++
		return 0xff
	})
	if ok || reads > 10 {
		t.Errorf("%v after %d reads", ok, reads)
	}
}
