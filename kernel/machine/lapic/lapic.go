//go:build baremetal

package lapic

import (
	"sync/atomic"

	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/x86"
)

// Registers, as offsets from the base.
const (
	base = 0xfee00000

	regID        = 0x20
	regEOI       = 0xb0
	regSpurious  = 0xf0
	regICRLow    = 0x300
	regICRHigh   = 0x310
	regTimerLVT  = 0x320
	regTimerInit = 0x380
	regTimerNow  = 0x390
	regTimerDiv  = 0x3e0

	softwareEnable = 1 << 8
	icrPending     = 1 << 12
	icrAssert      = 1 << 14
	icrNMI         = 4 << 8
	icrInit        = 5 << 8
	icrStartup     = 6 << 8
	timerDeadline  = 2 << 17
	divideBy1      = 0xb
)

// ticksPerNS is the timer's frequency in ticks per nanosecond, as a fixed
// point number with 32 fractional bits. 0 means that the timer takes TSC
// deadlines.
var ticksPerNS uint64

//go:nosplit
func read(reg uint64) uint32 { return atomic.LoadUint32(direct.U32(base + reg)) }

//go:nosplit
func write(reg uint64, v uint32) { atomic.StoreUint32(direct.U32(base+reg), v) }

// Enable turns on the local APIC of the calling CPU and its timer.
//
//go:nosplit
func Enable(spuriousVector, timerVector uint32) {
	write(regSpurious, softwareEnable|spuriousVector)
	if ticksPerNS == 0 {
		write(regTimerLVT, timerDeadline|timerVector)
		return
	}
	write(regTimerDiv, divideBy1)
	write(regTimerLVT, timerVector)
}

// ID returns the APIC number of the calling CPU.
//
//go:nosplit
func ID() uint32 { return read(regID) >> 24 }

// EOI ends the interrupt being served.
//
//go:nosplit
func EOI() { write(regEOI, 0) }

// UseDeadlines says that the timer takes TSC deadlines: CPUID.1:ECX[24].
//
//go:nosplit
func UseDeadlines() { ticksPerNS = 0 }

// HasDeadlines reports whether the timer takes TSC deadlines.
//
//go:nosplit
func HasDeadlines() bool { return ticksPerNS == 0 }

// SetFrequency says how many ticks the timer makes in ns nanoseconds.
//
//go:nosplit
func SetFrequency(ticks, ns uint64) { ticksPerNS = ticks << 32 / ns }

// StartCount lets the timer run down from its largest value without an
// interrupt, for calibration; Count reads it.
//
//go:nosplit
func StartCount() {
	const masked = 1 << 16
	write(regTimerDiv, divideBy1)
	write(regTimerLVT, masked)
	write(regTimerInit, 0xffffffff)
}

// Count returns how far the timer has run since StartCount.
//
//go:nosplit
func Count() uint32 { return 0xffffffff - read(regTimerNow) }

// OneShot makes the calling CPU's timer fire once: after ns nanoseconds, or,
// with deadlines, when the TSC reaches deadline. 0 for both stops it.
//
//go:nosplit
func OneShot(ns int64, deadline uint64) {
	if ticksPerNS == 0 {
		x86.WRMSR(x86.MSRTSCDeadline, deadline)
		return
	}
	write(regTimerInit, ticksIn(ns, ticksPerNS))
}

// Send raises an interrupt on the CPU with the given APIC number. Interrupts
// must be off.
//
//go:nosplit
func Send(apic, vector uint32) { command(apic, icrAssert|vector) }

// SendNMI raises a non-maskable interrupt on the CPU with the given APIC number.
// Interrupts must be off.
//
//go:nosplit
func SendNMI(apic uint32) { command(apic, icrAssert|icrNMI) }

// SendInit resets another CPU.
//
//go:nosplit
func SendInit(apic uint32) { command(apic, icrAssert|icrInit) }

// SendStartup starts a reset CPU in real mode at the page with physical
// address page<<12.
//
//go:nosplit
func SendStartup(apic, page uint32) { command(apic, icrAssert|icrStartup|page) }

//go:nosplit
func command(apic, low uint32) {
	for read(regICRLow)&icrPending != 0 {
		x86.Pause()
	}
	write(regICRHigh, apic<<24)
	write(regICRLow, low)
}
