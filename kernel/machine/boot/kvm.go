//go:build baremetal

package boot

import (
	"unsafe"

	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/x86"
)

// pvclock is pvclock_vcpu_time_info: Linux's
// Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW.
type pvclock struct {
	version uint32
	_       uint32
	tsc     uint64
	system  uint64
	mul     uint32
	shift   int8
	flags   uint8
	_       [2]uint8
}

// kvmArea holds a pvclock and does not cross a page: it is aligned to 64 bytes
// by the use of its second half or first, whichever is.
var kvmArea [128]byte

// kvmFrequency returns the TSC's frequency as KVM computes it for its guests,
// 0 if the monitor is not KVM.
func kvmFrequency() uint64 {
	const (
		signature  = 0x40000000
		features   = 0x40000001
		kvm        = 0x4b4d564b // "KVMK"
		clock2     = 1 << 3
		systemTime = 0x4b564d01
		enable     = 1
	)
	if _, name, _, _ := x86.CPUID(signature, 0); name != kvm {
		return 0
	}
	if has, _, _, _ := x86.CPUID(features, 0); has&clock2 == 0 {
		return 0
	}
	at := (uintptr(unsafe.Pointer(&kvmArea)) + 63) &^ 63
	c := *(**pvclock)(unsafe.Pointer(&at))
	x86.WRMSR(systemTime, uint64(at)-layout.KernelBase|enable)
	mul, shift := uint64(c.mul), c.shift
	x86.WRMSR(systemTime, 0)
	if mul == 0 {
		return 0
	}
	// ns = (tsc << shift) * mul >> 32
	hz := uint64(1_000_000_000<<32) / mul
	if shift < 0 {
		return hz << -shift
	}
	return hz >> shift
}
