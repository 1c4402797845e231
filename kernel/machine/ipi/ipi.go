//go:build baremetal

package ipi

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// current is the call in progress.
var current mailbox

// KernelRoot is the kernel's own page table, which every CPU can fall back to.
var KernelRoot uint64

// FPU is told where the parts of a context are by ring3.
var FPU struct {
	Features uint64
}

// Self returns the set that holds only the calling CPU; interrupts are off.
//
//go:nosplit
func Self() uint64 { return 1 << (cpu.Current().ID & 63) }

// Call makes every CPU in cpus that runs threads do op, the caller included if
// it is in the set, and returns when all have done it.
//
//go:nosplit
func Call(cpus uint64, op Op, a, b, c uint64) {
	flags := spin.Disable()
	self := Self()
	if cpus&self != 0 {
		do(op, a, b, c)
	}
	if others := targets(cpus&^self, op, a); others != 0 {
		callOthers(others, op, a, b, c)
	}
	spin.Restore(flags)
}

//go:nosplit
func callOthers(cpus uint64, op Op, a, b, c uint64) {
	for !current.claim() {
		Serve()
		x86.Pause()
	}
	current.post(cpus, op, a, b, c)
	for i := uint(0); i < cpu.MaxCPU; i++ {
		if cpus>>i&1 != 0 {
			lapic.Send(cpu.Get(int(i)).APIC, cpu.VectorIPI)
		}
	}
	for !current.served() {
		x86.Pause()
	}
	current.release()
}

// Serve does what other CPUs have asked of this one. It is called with
// interrupts off: by the IPI handler and by whoever spins.
//
//go:nosplit
func Serve() {
	self := Self()
	if !current.asks(self) {
		return
	}
	do(current.op, current.a, current.b, current.c)
	current.answer(self)
}

//go:nosplit
func do(op Op, a, b, c uint64) {
	me := cpu.Current()
	switch op {
	case FlushUser:
		if me.Root == a {
			flush(uintptr(b), uintptr(c))
		}
	case FlushKernel:
		flush(uintptr(b), uintptr(c))
	case Evict:
		if me.Root == a {
			me.LoadRoot(KernelRoot)
		}
	case SaveFPU:
		if me.FPUOwner == uintptr(a) {
			SaveOwner(me)
		}
	}
}

// flush drops the translations of [start, end) on this CPU: page by page, or
// all at once where that is cheaper.
//
//go:nosplit
func flush(start, end uintptr) {
	switch extentOf(start, end) {
	case fewPages:
		for ; start < end; start += pageSize {
			x86.INVLPG(start)
		}
	case allUser:
		x86.WriteCR3(x86.ReadCR3())
	case allKernel:
		// Kernel translations are global: they survive a write to CR3 but not
		// a change of CR4.PGE.
		cr4 := x86.ReadCR4()
		x86.WriteCR4(cr4 &^ x86.CR4PGE)
		x86.WriteCR4(cr4)
	}
}

// Barrier makes every CPU execute a memory barrier.
func Barrier() { Call(All, Nothing, 0, 0, 0) }

// Kick makes CPU i leave user mode or idling to look at its Pending word.
//
//go:nosplit
func Kick(i int) {
	flags := spin.Disable()
	lapic.Send(cpu.Get(i).APIC, cpu.VectorIPI)
	spin.Restore(flags)
}
