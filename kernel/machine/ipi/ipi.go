//go:build baremetal

package ipi

import (
	"sync/atomic"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// An Op is what the called CPU does.
type Op uint32

// Operations and their arguments.
const (
	FlushUser   Op = iota // root, start, end: drop user translations of a table
	FlushKernel           // -, start, end: drop kernel translations
	Evict                 // root: leave this table for the kernel's own
	Nothing               // an interrupt is a memory barrier
	SaveFPU               // ctx: store the extended state of this context
)

var (
	busy    atomic.Uint32 // 1 while a call is in progress
	pending atomic.Uint64 // CPUs that have yet to serve it
	call    struct {      // owned by whoever set busy; read by the CPUs in pending
		op      Op
		a, b, c uint64
	}
)

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

// All is the set of all CPUs.
const All = ^uint64(0)

// online returns the set of CPUs that run threads.
//
//go:nosplit
func online() uint64 {
	var set uint64
	for i := 0; i < cpu.Count(); i++ {
		if atomic.LoadUint32(&cpu.Get(i).Online) != 0 {
			set |= 1 << (uint(i) & 63)
		}
	}
	return set
}

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
	others := cpus &^ self & online()
	if op == FlushUser || op == Evict {
		others = having(others, a)
	}
	if others != 0 {
		callOthers(others, op, a, b, c)
	}
	spin.Restore(flags)
}

// having returns those of cpus that may have root loaded. A CPU that loads it
// later walks the tables as they are by then: the caller has changed them with
// locked instructions before.
//
//go:nosplit
func having(cpus, root uint64) uint64 {
	for i := 0; i < cpu.Count(); i++ {
		if cpus>>(uint(i)&63)&1 == 0 {
			continue
		}
		if r := atomic.LoadUint64(&cpu.Get(i).Root); r != root && r != cpu.RootChanging {
			cpus &^= 1 << (uint(i) & 63)
		}
	}
	return cpus
}

//go:nosplit
func callOthers(cpus uint64, op Op, a, b, c uint64) {
	for !busy.CompareAndSwap(0, 1) {
		Serve()
		x86.Pause()
	}
	call.op, call.a, call.b, call.c = op, a, b, c
	pending.Store(cpus)
	for i := uint(0); i < cpu.MaxCPU; i++ {
		if cpus>>i&1 != 0 {
			lapic.Send(cpu.Get(int(i)).APIC, cpu.VectorIPI)
		}
	}
	for pending.Load() != 0 {
		x86.Pause()
	}
	busy.Store(0)
}

// Serve does what other CPUs have asked of this one. It is called with
// interrupts off: by the IPI handler and by whoever spins.
//
//go:nosplit
func Serve() {
	self := Self()
	if pending.Load()&self == 0 {
		return
	}
	do(call.op, call.a, call.b, call.c)
	pending.And(^self)
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
	const pageSize, fewPages = 4096, 32
	if end-start <= fewPages*pageSize {
		for ; start < end; start += pageSize {
			x86.INVLPG(start)
		}
		return
	}
	if int64(start) >= 0 {
		x86.WriteCR3(x86.ReadCR3())
		return
	}
	// Kernel translations are global: they survive a write to CR3 but not
	// a change of CR4.PGE.
	cr4 := x86.ReadCR4()
	x86.WriteCR4(cr4 &^ x86.CR4PGE)
	x86.WriteCR4(cr4)
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
