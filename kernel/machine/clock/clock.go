//go:build baremetal

package clock

import (
	"sync/atomic"
	"unsafe"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// params is what readers need. Time since boot in nanoseconds is
//
//	base + (tsc - tscBase) * mul >> 32
type params struct {
	seq     uint32
	_       uint32
	tscBase uint64
	mul     uint64
	base    uint64
	real    uint64 // wall clock minus time since boot
}

// vvar is the address of params, at the start of a page frame.
var vvar uintptr

// writer is held by who changes params.
var writer spin.Lock

// vvarFrame is the physical address of that frame.
var vvarFrame uint64

//go:nosplit
func current() *params { return *(**params)(unsafe.Pointer(&vvar)) }

// frequency is that of the TSC in Hz.
var frequency uint64

// Init sets the TSC's frequency and makes the time since boot begin at 0 when
// the TSC read start. page is the physical address of a zeroed page frame for
// the parameters.
func Init(hz, start, page uint64) {
	vvarFrame, vvar = page, direct.Addr(page)
	frequency = hz
	p := current()
	p.tscBase = start
	p.mul = mulFor(hz)
	installVDSO()
}

// Page returns the physical address of the page frame with the parameters,
// which programs may read: the vvar page of the vDSO.
func Page() uint64 { return vvarFrame }

// Frequency returns the TSC's frequency in Hz.
func Frequency() uint64 { return frequency }

// Nanotime returns the time since boot in nanoseconds. Any context.
func Nanotime() int64

// Gettime stores the time of a clock as a struct timespec at p: the system
// call clock_gettime for the Go runtime.
//
//go:nosplit
func Gettime(clock, p uintptr) { gettime(clock, p) }

func gettime(clock, p uintptr)

// TSCAt returns the TSC value at which Nanotime will be ns.
//
//go:nosplit
func TSCAt(ns int64) uint64 {
	p := current()
	if uint64(ns) < p.base {
		return p.tscBase
	}
	return p.tscBase + cycles(uint64(ns)-p.base, frequency)
}

// SetReal sets the wall clock minus the time since boot, in nanoseconds.
//
//go:nosplit
func SetReal(offset int64) {
	flags := writer.Lock() // interrupts are off: a reader in a handler would wait for ever
	p := current()
	atomic.AddUint32(&p.seq, 1)
	atomic.StoreUint64(&p.real, uint64(offset))
	atomic.AddUint32(&p.seq, 1)
	writer.Unlock(flags)
}

// Adjust corrects the frequency: time goes on from where it is, at the new
// rate. One caller at a time.
//
//go:nosplit
func Adjust(hz uint64) {
	mul := mulFor(hz)
	flags := writer.Lock()
	p := current()
	atomic.AddUint32(&p.seq, 1)
	tsc := x86.RDTSC()
	base := p.base + mulShift(tsc-p.tscBase, p.mul)
	atomic.StoreUint64(&p.base, base)
	atomic.StoreUint64(&p.tscBase, tsc)
	atomic.StoreUint64(&p.mul, mul)
	frequency = hz
	atomic.AddUint32(&p.seq, 1)
	writer.Unlock(flags)
}

// installVDSO makes the Go runtime read the clock by a function call.
func installVDSO()

// entropyState mixes time stamps; see Entropy.
var entropyState uint64

// hasRDRAND is set by boot code.
var hasRDRAND bool

// UseRDRAND says that the processor has RDRAND.
//
//go:nosplit
func UseRDRAND() { hasRDRAND = true }

// MixEntropy adds x to what Entropy's numbers depend on. Boot context.
//
//go:nosplit
func MixEntropy(x uint64) {
	entropyState = (entropyState ^ x) * 0xbf58476d1ce4e5b9
	Entropy()
}

// Entropy returns a number for seeding: from the processor's random generator,
// mixed with the time-stamp counter.
//
//go:nosplit
func Entropy() uint64 {
	x := x86.RDTSC()
	if hasRDRAND {
		if r, ok := x86.RDRAND(); ok {
			x ^= r
		}
	}
	// The finalizer of SplitMix64.
	entropyState += x + 0x9e3779b97f4a7c15
	z := entropyState
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
