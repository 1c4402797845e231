package boot

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRefined measures for longer and longer, from what half a percent of error leaves to a few millionths.
func TestRefined(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		real := 800_000_000 + rng.Uint64N(4_000_000_000)
		known := real - real/200 + rng.Uint64N(real/100)
		first := uint16(rng.Uint32())
		seconds := 0.0
		for _, more := range []float64{0.02, 0.2, 2, 20} {
			seconds += more
			ticks := uint64(seconds * pitHz)
			cycles := mulDiv(ticks, real, pitHz)
			known = refined(first, first-uint16(ticks), cycles, known)
		}
		if off := math.Abs(float64(known)-float64(real)) / float64(real); off > 1e-6 {
			t.Fatalf("%d Hz are measured as %d", real, known)
		}
	}
}

func TestRefinedStandsStill(t *testing.T) {
	if hz := refined(100, 100, 0, 1_000_000_000); hz != 0 {
		t.Errorf("%d", hz)
	}
	if hz := refined(100, 100, 1000, 1_000_000_000); hz != 0 {
		t.Errorf("%d", hz)
	}
}
