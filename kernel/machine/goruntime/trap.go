//go:build baremetal

package goruntime

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/machine/usercopy"
	"kevlar/kernel/machine/x86"
)

// exception is the hook for exceptions in ring 0. A page of the runtime that
// was never touched is filled; a fault in a user copy goes to its fix-up; what
// a Go program can recover from becomes a signal; the rest is fatal.
func exception(f *cpu.Frame, cr2 uintptr) {
	const present, key = 1 << 0, 1 << 5
	switch f.Vector {
	case cpu.ExcNMI:
		park(f)
		return
	case cpu.ExcDebug:
		// Nothing arms a debug register or sets the trap flag in ring 0.
		const trapFlag, none = 1 << 8, 1 << 10
		x86.WriteDR7(none)
		f.RFLAGS &^= trapFlag
		return
	}
	if f.Vector == cpu.ExcPageFault {
		if f.Err&present == 0 && reserved(cr2) {
			if populate(cr2) {
				if frame.Low() {
					raiseShortage()
				}
				return
			}
			fatal(f, cr2, "out of memory for the kernel's own heap")
		}
		if me := cpu.Current(); f.Err&key != 0 && me.FPUOwner != 0 {
			// The rights to keys are those of the program that ran here
			// last, which may be another one than the copy is for. Without
			// an owner they are the initial ones.
			ipi.SaveOwner(me)
			return
		}
		if cr2 < layout.UserEnd && usercopy.Fixup(&f.RIP) {
			return
		}
	}
	if f.Vector == cpu.ExcGP && usercopy.Fixup(&f.RIP) {
		return
	}
	t := &threads[current()&(maxThreads-1)]
	sig, code := uintptr(sigSEGV), uintptr(1)
	switch f.Vector {
	case cpu.ExcDivide:
		sig = sigFPE
	case cpu.ExcPageFault:
	case cpu.ExcGP:
		const siKernel = 0x80
		code = siKernel
	default:
		fatal(f, cr2, "exception in ring 0")
	}
	// The interrupted code must be a goroutine's: not a trap handler, not
	// the runtime's own signal handler.
	if f.RFLAGS&interruptFlag == 0 || t.inSignal || t.altStack == 0 || handlers[sig][0] < 2 {
		fatal(f, cr2, "exception in ring 0")
	}
	t.state.XMMValid = 0
	if !pushSignal(t, f, sig, code, cr2) {
		fatal(f, cr2, "no memory for a signal frame")
	}
}

// exitGroup ends the machine when the runtime exits: with main's status, or 2
// after a panic.
func exitGroup(status int) {
	debugcon.Loud()
	debugcon.String("kevlar: the Go runtime exits with status ")
	debugcon.Hex(uint64(status))
	debugcon.String("\n")
	if status == 0 {
		power.Off()
	}
	if dying.CompareAndSwap(0, uint32(cpu.Current().ID)+1) {
		reportOthers()
	}
	power.Fail()
}
