//go:build baremetal

package boot

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/vdso"
	"kevlar/kernel/machine/x86"
)

// kernelXCR0 is the extended state while the Go runtime starts: x87 and SSE
// only, so that Go's own detection leaves AVX alone. Users get more later.
const kernelXCR0 = 3

const (
	leaf1ECXXSAVE  = 1 << 26
	leaf1ECXRDRAND = 1 << 30
	leaf1ECXTSCDL  = 1 << 24
	leaf7EBXFSGS   = 1 << 0
	leaf7EBXSMEP   = 1 << 7
	leaf7EBXSMAP   = 1 << 20
	leaf7ECXUMIP   = 1 << 2
	leaf7ECXPKU    = 1 << 3
	leaf1EDXMCE    = 1 << 7
)

// missingFeature names a feature that the kernel cannot do without and this
// CPU lacks, "" if there is none.
func missingFeature() string {
	max, _, _, _ := x86.CPUID(0, 0)
	if max < 0xd {
		return "this CPU is too old: no XSAVE"
	}
	_, _, ecx, _ := x86.CPUID(1, 0)
	if ecx&leaf1ECXXSAVE == 0 {
		return "this CPU has no XSAVE, which Kevlar needs (QEMU: -cpu max)"
	}
	_, ebx, _, _ := x86.CPUID(7, 0)
	if ebx&leaf7EBXFSGS == 0 {
		return "this CPU has no FSGSBASE, which Kevlar needs (QEMU: -cpu max)"
	}
	return ""
}

// enableFeatures turns on what the kernel uses on the calling CPU, and nothing
// else: programs may read the time-stamp counter and no other one.
func enableFeatures(xcr0 uint64) {
	const base = x86.CR4PAE | x86.CR4PGE | x86.CR4OSFXSR | x86.CR4OSXMMEXCPT | x86.CR4FSGSBASE | x86.CR4OSXSAVE
	cr4 := uint64(base)
	if _, _, _, edx := x86.CPUID(1, 0); edx&leaf1EDXMCE != 0 {
		cr4 |= x86.CR4MCE
	}
	_, ebx, ecx, _ := x86.CPUID(7, 0)
	if ebx&leaf7EBXSMEP != 0 {
		cr4 |= x86.CR4SMEP
	}
	if ebx&leaf7EBXSMAP != 0 {
		cr4 |= x86.CR4SMAP
	}
	if ecx&leaf7ECXUMIP != 0 {
		cr4 |= x86.CR4UMIP
	}
	if ecx&leaf7ECXPKU != 0 {
		cr4 |= x86.CR4PKE
		cpu.HasPKU = true
	}
	x86.WriteCR4(cr4)
	if cpu.HasPKU {
		x86.WRPKRU(cpu.InitialPKRU)
	}
	x86.XSETBV(xcr0)
}

// numberCPU makes the calling CPU's number readable by programs: RDTSCP and
// RDPID give it, and the vDSO's getcpu.
func numberCPU(id int) {
	if vdso.HasRDTSCP() {
		const tscAux = 0xc0000103
		x86.WRMSR(tscAux, uint64(id))
	}
}

// userXCR0 returns the extended-state components that user programs get: those
// of x87, SSE, AVX and AVX-512 that the CPU has.
func userXCR0() uint64 {
	const known = 7 | 7<<5
	lo, _, _, hi := x86.CPUID(0xd, 0)
	has := (uint64(hi)<<32 | uint64(lo)) & known
	if has&(7<<5) != 7<<5 {
		has &^= 7 << 5
	}
	return has
}
