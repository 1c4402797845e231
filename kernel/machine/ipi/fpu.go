//go:build baremetal

package ipi

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/x86"
	"unsafe"
)

// owner views the fields of a ring3.Context that the FPU code needs. A
// context that owns a CPU's state is kept alive by its thread until Release,
// so the number in CPU.FPUOwner is a valid address.
type owner struct {
	_      [cpu.ContextGSBase]byte
	gsBase uint64
	_      [cpu.ContextFPU - cpu.ContextGSBase - 8]byte
	image  uintptr
	holder uint64
	ticks  uint64

	selectors uint64
	pkru      uint32
}

// ring3 asserts that these are the offsets of its own.
const (
	_ = -(unsafe.Offsetof(owner{}.gsBase) - cpu.ContextGSBase)
	_ = -(unsafe.Offsetof(owner{}.image) - cpu.ContextFPU)
	_ = -(unsafe.Offsetof(owner{}.holder) - cpu.ContextHolder)
	_ = -(unsafe.Offsetof(owner{}.ticks) - cpu.ContextTicks)
	_ = -(unsafe.Offsetof(owner{}.selectors) - cpu.ContextSelectors)
	_ = -(unsafe.Offsetof(owner{}.pkru) - cpu.ContextPKRU)
)

// SaveOwner stores the extended state, GS base, selectors and key rights in
// me's registers to the context that owns them, and leaves me without an owner
// and with the initial key rights. Interrupts are off;
// me is the calling CPU.
//
//go:nosplit
func SaveOwner(me *cpu.CPU) {
	if me.FPUOwner == 0 {
		return
	}
	o := *(**owner)(unsafe.Pointer(&me.FPUOwner))
	cpu.XSAVE(o.image, FPU.Features)
	o.gsBase = x86.RDMSR(x86.MSRKernelGSBase)
	cpu.StoreSelectors(uintptr(unsafe.Pointer(&o.selectors)))
	me.Selectors = o.selectors
	if cpu.HasPKU {
		o.pkru = x86.RDPKRU()
		if o.pkru != cpu.InitialPKRU {
			x86.WRPKRU(cpu.InitialPKRU)
		}
	}
	o.holder = 0
	me.FPUOwner = 0
}
