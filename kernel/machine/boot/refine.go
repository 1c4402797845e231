package boot

import "math/bits"

// pitHz is the frequency of the programmable interval timer, which counts down.
const pitHz = 1193182

// refined returns the frequency of a counter that went on by cycles while the
// PIT's count went from first to last, 0 if the PIT stood still. The count wraps
// every 55 ms; how often it did, the frequency known so far tells, hz, if it
// is right to within half a period over that time.
func refined(first, last uint16, cycles, hz uint64) uint64 {
	const period = 1 << 16
	elapsed := uint64(first - last)
	if expected := mulDiv(cycles, pitHz, hz); expected > elapsed {
		elapsed += (expected - elapsed + period/2) / period * period
	}
	if elapsed == 0 {
		return 0
	}
	return mulDiv(cycles, pitHz, elapsed)
}

// mulDiv returns a*b/c, whose result must fit.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, _ := bits.Div64(hi, lo, c)
	return q
}
