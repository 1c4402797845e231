package clock

const second = 1_000_000_000 // ns

// mulFor returns by what cycles of a counter with a frequency of hz are to be
// multiplied to make nanoseconds, with 32 fractional bits.
//
//go:nosplit
func mulFor(hz uint64) uint64 { return (second << 32) / hz }

// mulShift returns a*b >> 32, which must fit.
//
//go:nosplit
func mulShift(a, b uint64) uint64 {
	return a>>32*b + (a&0xffffffff)*(b>>32) + (a&0xffffffff)*(b&0xffffffff)>>32
}

// cycles returns in how many cycles of a counter with a frequency of hz, which
// is less than 18 GHz, ns nanoseconds pass.
//
//go:nosplit
func cycles(ns, hz uint64) uint64 {
	// Without overflow: whole seconds, then the rest.
	return ns/second*hz + ns%second*hz/second
}
