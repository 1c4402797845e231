package vdso

import (
	"unsafe"

	"kevlar/kernel/machine/x86"
)

// bounds returns where the code of each function begins and ends.
func bounds() (clockGettime, gettimeofday, time, getcpu, end uintptr)

// Functions returns what this CPU can offer; the code is this package's text,
// in which it is never run.
func Functions() []Function {
	clock, day, time, cpu, end := bounds()
	list := []Function{
		{"__vdso_clock_gettime", text(clock, day)},
		{"__vdso_gettimeofday", text(day, time)},
		{"__vdso_time", text(time, cpu)},
	}
	if HasRDTSCP() {
		list = append(list, Function{"__vdso_getcpu", text(cpu, end)})
	}
	return list
}

// HasRDTSCP reports whether programs can read the CPU's number, which the
// kernel keeps in an MSR, with the time-stamp counter.
func HasRDTSCP() bool {
	const leaf, bit = 0x80000001, 1 << 27
	_, _, _, edx := x86.CPUID(leaf, 0)
	return edx&bit != 0
}

// text returns the bytes of the text segment from start to end. It is sound as
// both are addresses in this package's code, which never moves.
func text(start, end uintptr) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&start)), end-start)
}
