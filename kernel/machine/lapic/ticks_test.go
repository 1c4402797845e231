package lapic

import "testing"

func TestTicksIn(t *testing.T) {
	perNS := func(hz uint64) uint64 { return hz << 32 / 1_000_000_000 }
	for _, tt := range []struct {
		ns   int64
		hz   uint64
		want uint32
	}{
		{0, 1_000_000_000, 0}, {1, 1_000_000_000, 1}, {1000, 1_000_000_000, 1000},
		{1, 24_000_000, 1}, {40, 24_000_000, 1}, {1_000_000, 24_000_000, 23_999},
		{1 << 30, 1_000_000_000, 1 << 30}, {1 << 40, 1_000_000_000, 1 << 30}, {1<<63 - 1, 1_000_000_000, 1 << 30},
		{1 << 30, 3_900_000_000, 4187593113}, {1 << 30, 4_200_000_000, 1<<32 - 1},
	} {
		if got := ticksIn(tt.ns, perNS(tt.hz)); got != tt.want {
			t.Errorf("%d ns at %d Hz: %d, want %d", tt.ns, tt.hz, got, tt.want)
		}
	}
}
