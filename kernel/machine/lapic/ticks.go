package lapic

// ticksIn returns what makes a timer with perNS ticks in a nanosecond, which has
// 32 fractional bits, fire after ns nanoseconds: at least one tick, and 0, which
// stops it, if ns is 0. A timer that fires early is set again.
//
//go:nosplit
func ticksIn(ns int64, perNS uint64) uint32 {
	const longest, most = 1 << 30, 1<<32 - 1
	if ns > longest {
		ns = longest
	}
	// The product may be longer than 64 bits: whole ticks and fractions apart.
	ticks := uint64(ns)*(perNS>>32) + uint64(ns)*(perNS&most)>>32
	if ticks == 0 && ns > 0 {
		return 1
	}
	if ticks > most {
		return most
	}
	return uint32(ticks)
}
