package clock

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestMulShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 10000 {
		a, b := rng.Uint64()>>rng.IntN(64), rng.Uint64()>>rng.IntN(64)
		want := new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
		if want.Rsh(want, 32); !want.IsUint64() {
			continue
		}
		// The parts are rounded down one by one: nothing is lost but in the last of them.
		if got := mulShift(a, b); got != want.Uint64() {
			t.Fatalf("%d * %d >> 32 is %d, want %v", a, b, got, want)
		}
	}
}

// TestThereAndBack converts times of up to thirty years to cycles and back.
func TestThereAndBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, hz := range []uint64{1_000_000, 24_000_000, 999_999_999, 1_000_000_000, 2_893_437_000, 5_800_000_000} {
		for range 1000 {
			ns := rng.Uint64N(1_000_000_000 * second)
			want := new(big.Int).SetUint64(ns)
			want.Mul(want, new(big.Int).SetUint64(hz)).Div(want, big.NewInt(second))
			c := cycles(ns, hz)
			if c != want.Uint64() {
				t.Fatalf("%d ns at %d Hz are %d cycles, want %v", ns, hz, c, want)
			}
			// The factor has ten digits at least, and so has the time.
			back := mulShift(c, mulFor(hz))
			if diff := int64(ns) - int64(back); diff < 0 || diff > int64(ns>>28)+int64(second/hz)+2 {
				t.Fatalf("%d ns at %d Hz come back as %d", ns, hz, back)
			}
		}
	}
}
