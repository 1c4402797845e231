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

// MSRs of KVM's clock.
const (
	msrWallClock  = 0x4b564d00
	msrSystemTime = 0x4b564d01
)

// hasKVMClock reports whether the monitor is KVM and offers its clock.
func hasKVMClock() bool {
	const (
		signature = 0x40000000
		features  = 0x40000001
		kvm       = 0x4b4d564b // "KVMK"
		clock2    = 1 << 3
	)
	if _, _, ecx, _ := x86.CPUID(1, 0); ecx&hypervisorPresent == 0 {
		return false
	}
	if _, name, _, _ := x86.CPUID(signature, 0); name != kvm {
		return false
	}
	has, _, _, _ := x86.CPUID(features, 0)
	return has&clock2 != 0
}

// readKVMClock returns what KVM says of its clock at this moment.
func readKVMClock() pvclock {
	const enable = 1
	at := (uintptr(unsafe.Pointer(&kvmArea)) + 63) &^ 63
	x86.WRMSR(msrSystemTime, layout.Physical(at)|enable)
	c := **(**pvclock)(unsafe.Pointer(&at))
	x86.WRMSR(msrSystemTime, 0)
	return c
}

// WallClock returns the nanoseconds since the Epoch as KVM tells them; ok is
// false if it does not. Only one goroutine may call it.
func WallClock() (ns int64, ok bool) {
	if !hasKVMClock() {
		return 0, false
	}
	// The time at which KVM's clock was 0: pvclock_wall_clock.
	type wallClock struct{ version, sec, nsec uint32 }
	at := (uintptr(unsafe.Pointer(&kvmArea)) + 63) &^ 63
	x86.WRMSR(msrWallClock, layout.Physical(at))
	w := **(**wallClock)(unsafe.Pointer(&at))
	if w.sec == 0 {
		return 0, false
	}
	return int64(w.sec)*1_000_000_000 + int64(w.nsec) + int64(readKVMClock().system), true
}

// kvmFrequency returns the TSC's frequency as KVM computes it for its guests,
// 0 if the monitor is not KVM.
func kvmFrequency() uint64 {
	if !hasKVMClock() {
		return 0
	}
	c := readKVMClock()
	mul, shift := uint64(c.mul), c.shift
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
