//go:build baremetal

package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/machine/usercopy"
	"kevlar/kernel/machine/x86"
)

// exception is the hook for exceptions in ring 0. A page of the runtime that
// was never touched is filled; a fault in a user copy goes to its fix-up; what
// a Go program can recover from becomes a signal; the rest is fatal.
func exception(f *cpu.Frame, cr2 uintptr) {
	const present = 1
	switch f.Vector {
	case cpu.ExcNMI:
		return // nobody here sends one
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
				return
			}
			fatal(f, cr2, "out of memory for the kernel's own heap")
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

// FatalHook, if set, prints what the kernel knows of the task that runs on
// the CPU of a fatal error. It runs in trap context.
var FatalHook func()

// dying is one more than the number of the CPU that reports a fatal error; 0
// while none does.
var dying atomic.Uint32

// fatal prints the state of the machine and ends it with a failure status. A
// CPU that fails while another one reports lets that one finish.
func fatal(f *cpu.Frame, cr2 uintptr, why string) {
	me := uint32(cpu.Current().ID) + 1
	if !dying.CompareAndSwap(0, me) {
		for dying.Load() != me {
			x86.Pause()
		}
		debugcon.String("\nkevlar: another fatal error while this one is reported: ")
		debugcon.String(why)
		debugcon.String("\n")
		power.Fail()
	}
	debugcon.Loud()
	debugcon.String("\nkevlar: fatal: ")
	debugcon.String(why)
	debugcon.String("\ncpu ")
	debugcon.Hex(cpu.Current().ID)
	debugcon.String(" thread ")
	debugcon.Hex(uint64(current()))
	for _, r := range [...]struct {
		name string
		v    uintptr
	}{
		{"\nvector", f.Vector}, {"err", f.Err}, {"cr2", cr2}, {"rip", f.RIP}, {"rsp", f.RSP}, {"rflags", f.RFLAGS},
		{"\nrax", f.RAX}, {"rbx", f.RBX}, {"rcx", f.RCX}, {"rdx", f.RDX}, {"rsi", f.RSI}, {"rdi", f.RDI},
		{"\nrbp", f.RBP}, {"r8", f.R8}, {"r9", f.R9}, {"r10", f.R10}, {"r11", f.R11}, {"r12", f.R12},
		{"\nr13", f.R13}, {"r14", f.R14}, {"r15", f.R15}, {"cs", f.CS}, {"ss", f.SS},
	} {
		debugcon.String(r.name)
		debugcon.String("=")
		debugcon.Hex(uint64(r.v))
		debugcon.String(" ")
	}
	debugcon.String("\nstack:\n")
	walkStack(f)
	if FatalHook != nil {
		FatalHook()
	}
	power.Fail()
}

// walkStack prints the return addresses that the frame pointers lead to.
func walkStack(f *cpu.Frame) {
	printPC(f.RIP)
	bp := f.RBP
	for i := 0; i < 40 && bp >= layout.DirectMap && mapped(bp) && mapped(bp+15); i++ {
		printPC(load64(bp+8) - 1)
		next := load64(bp)
		if next <= bp {
			return
		}
		bp = next
	}
}

// mapped reports whether a kernel address can be read.
func mapped(va uintptr) bool {
	if va >= layout.KernelBase {
		return true
	}
	e := entry(va, false)
	return e != nil && *e&layout.PTEPresent != 0
}

// printPC prints a code address. Its name takes tables that only ordinary Go
// code can read; go tool addr2line tells it.
func printPC(pc uintptr) {
	debugcon.String("  ")
	debugcon.Hex(uint64(pc))
	debugcon.String("\n")
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
	power.Fail()
}
