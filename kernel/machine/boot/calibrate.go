//go:build baremetal

package boot

import (
	"time"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/pio"
	"kevlar/kernel/machine/x86"
)

// Ports of the programmable interval timer.
const (
	pitChannel = 0x42
	pitCommand = 0x43
	pitGate    = 0x61
)

// pitInterval is how long the PIT is watched: long enough for half a percent,
// short enough to boot at once. Refine improves on it later.
const pitInterval = 300 // ticks, 250 µs

// calibrate finds the frequencies of the TSC and the local APIC timer: from
// the monitor's or the processor's CPUID leaves where they have them, else by
// watching the PIT.
func calibrate() {
	if _, _, ecx, _ := x86.CPUID(1, 0); ecx&leaf1ECXTSCDL != 0 {
		lapic.UseDeadlines()
	} else {
		lapic.SetFrequency(1, 1) // until measured
	}
	tsc, bus := frequenciesFromCPUID()
	switch {
	case tsc == 0:
		measured, ticks, ns := watchPIT()
		tsc = measured
		if !lapic.HasDeadlines() {
			lapic.SetFrequency(ticks, ns)
		}
	case !lapic.HasDeadlines() && bus != 0:
		lapic.SetFrequency(bus, 1_000_000_000)
	case !lapic.HasDeadlines():
		const interval = 100_000 // ns
		lapic.StartCount()
		for end := x86.RDTSC() + tsc/1_000_000_000*interval; x86.RDTSC() < end; {
		}
		lapic.SetFrequency(uint64(lapic.Count()), interval)
	}
	page, err := frame.AllocReserved()
	if err != nil {
		die("too little memory")
	}
	page.Zero()
	clock.Init(tsc, began, uint64(page))
}

// hypervisorPresent is the bit of CPUID.1:ECX that monitors set.
const hypervisorPresent = 1 << 31

// frequenciesFromCPUID returns the TSC's and the APIC timer's frequency in Hz;
// 0 where CPUID does not tell.
func frequenciesFromCPUID() (tsc, bus uint64) {
	if _, _, ecx, _ := x86.CPUID(1, 0); ecx&hypervisorPresent != 0 {
		// The timing leaf that VMware defined and others adopted: kHz.
		const first, timing = 0x40000000, 0x40000010
		if last, _, _, _ := x86.CPUID(first, 0); last >= timing && last < first+0x10000 {
			t, b, _, _ := x86.CPUID(timing, 0)
			return uint64(t) * 1000, uint64(b) * 1000
		}
		if hz := kvmFrequency(); hz != 0 {
			return hz, 0
		}
	}
	// Intel SDM volume 2, CPUID leaf 15H: TSC = crystal * ebx / eax.
	if last, _, _, _ := x86.CPUID(0, 0); last >= 0x15 {
		den, num, crystal, _ := x86.CPUID(0x15, 0)
		if den != 0 && num != 0 && crystal != 0 {
			return uint64(crystal) * uint64(num) / uint64(den), uint64(crystal)
		}
	}
	return 0, 0
}

// A pitSample is the PIT's count and the counters at one moment.
type pitSample struct {
	count uint16
	tsc   uint64
	apic  uint32
}

// startPIT lets the PIT count down from its largest value, once: its output
// tells when it has passed 0, and it counts on from there.
func startPIT() {
	const gateOn, speaker = 1, 2
	pio.Out8(pitGate, pio.In8(pitGate)&^speaker|gateOn)
	const channel2BothBytesMode0 = 0xb0
	pio.Out8(pitCommand, channel2BothBytesMode0)
	pio.Out8(pitChannel, 0) // 0 is 65536: the count wraps like a uint16
	pio.Out8(pitChannel, 0)
}

// wrapped reports whether 55 ms or more have passed since startPIT; false on a
// machine without a PIT. The PIT's status has the output in its highest bit.
func wrapped() bool {
	const latchStatus2, outputOn, bothBytesMode0, nullCount = 0xe8, 1 << 7, 0x30, 1 << 6
	pio.Out8(pitCommand, latchStatus2)
	return pio.In8(pitChannel)&^nullCount == outputOn|bothBytesMode0
}

// samplePIT reads the PIT between two readings of the TSC, again and again
// while the host may have been doing something else in between: the tightest
// of several counts.
func samplePIT() (best pitSample) {
	const tries = 6
	width := ^uint64(0)
	for range tries {
		t0 := x86.RDTSC()
		count := pitCount()
		apic := lapic.Count()
		t1 := x86.RDTSC()
		if t1-t0 < width {
			width = t1 - t0
			best = pitSample{count, t0 + width/2, apic}
		}
	}
	return best
}

// firstSample is where the measurements begin; Refine goes on from it. move
// sets it, so that calibrate finds most of the interval gone by.
var firstSample pitSample

// beginWatch starts the PIT and the APIC timer and returns the first sample;
// that is zero where CPUID tells the frequency of the TSC.
func beginWatch() (first pitSample) {
	if tsc, _ := frequenciesFromCPUID(); tsc != 0 {
		return first
	}
	startPIT()
	lapic.StartCount()
	return samplePIT()
}

// watchPIT measures both counters against the PIT, which beginWatch has
// started. It returns the TSC's frequency, and how many APIC timer ticks passed
// in how many nanoseconds. A machine without a PIT gets the usual 1 GHz for
// both.
func watchPIT() (tscHz, ticks, ns uint64) {
	for same := 0; ; {
		now := samplePIT()
		if wrapped() {
			firstSample = beginWatch() // the host was busy with something else
			continue
		}
		if elapsed := firstSample.count - now.count; elapsed >= pitInterval {
			ns = uint64(elapsed) * 1_000_000_000 / pitHz
			return (now.tsc - firstSample.tsc) * pitHz / uint64(elapsed), uint64(now.apic - firstSample.apic), ns
		}
		if now.count == firstSample.count {
			if same++; same > 1000 {
				firstSample = pitSample{}
				return 1_000_000_000, 1, 1
			}
		}
	}
}

// Refine measures the TSC again over longer and longer times, in which the
// reading of the PIT matters less and less, and corrects the clock. It does
// nothing where the frequency did not come from the PIT. It sleeps; call it in
// a goroutine.
func Refine() {
	if firstSample.tsc == 0 {
		return
	}
	for _, after := range [...]time.Duration{20 * time.Millisecond, 200 * time.Millisecond, 2 * time.Second, 20 * time.Second} {
		time.Sleep(after)
		now := samplePIT()
		if hz := refined(firstSample.count, now.count, now.tsc-firstSample.tsc, clock.Frequency()); hz != 0 {
			clock.Adjust(hz)
		}
	}
}

// pitCount latches and reads the counter.
func pitCount() uint16 {
	const latchChannel2 = 0x80
	pio.Out8(pitCommand, latchChannel2)
	lo := pio.In8(pitChannel)
	return uint16(lo) | uint16(pio.In8(pitChannel))<<8
}

// maskPIC turns off the old interrupt controllers: the I/O APIC is used.
func maskPIC() {
	pio.Out8(0x21, 0xff)
	pio.Out8(0xa1, 0xff)
}
