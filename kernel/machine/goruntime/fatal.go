//go:build baremetal

package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/symbol"
	"kevlar/kernel/machine/x86"
)

// FatalHook, if set, prints what the kernel knows of the task that runs on
// c, for the report of a fatal error. It runs in trap context.
var FatalHook func(c *cpu.CPU)

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
	stopOthers() // what they write would come between the lines
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
	debugcon.String("\nimage at ")
	debugcon.Hex(uint64(layout.Placed.Image))
	debugcon.String(", linked for ")
	debugcon.Hex(layout.KernelImage)
	debugcon.String("; direct map at ")
	debugcon.Hex(uint64(layout.Placed.Direct))
	debugcon.String("\nstack:\n")
	walkStack(f)
	if FatalHook != nil {
		FatalHook(cpu.Current())
	}
	reportOthers()
	power.Fail()
}

// parked is where the other CPUs were when a fatal error stopped them.
var parked [cpu.MaxCPU]struct {
	stopped atomic.Bool
	frame   cpu.Frame // set before stopped
}

// park stops this CPU for good if another one reports a fatal error. It is the
// handler of NMIs, whoever sent them, and what it needs is mapped.
func park(f *cpu.Frame) {
	me := cpu.Current().ID & (cpu.MaxCPU - 1)
	if by := dying.Load(); by == 0 || by == uint32(me)+1 {
		return
	}
	parked[me].frame = *f
	parked[me].stopped.Store(true)
	x86.Halt()
}

// isOther reports whether c is a CPU that runs and is not the calling one.
func isOther(c *cpu.CPU) bool { return c != cpu.Current() && atomic.LoadUint32(&c.Online) != 0 }

// stopOthers stops the other CPUs by NMIs, which nothing masks. A CPU that does
// not stop in a tenth of a second is passed over.
func stopOthers() {
	for i := 0; i < cpu.Count(); i++ {
		c := cpu.Get(i)
		if !isOther(c) {
			continue
		}
		flags := spin.Disable()
		lapic.SendNMI(c.APIC)
		spin.Restore(flags)
		p := &parked[i&(cpu.MaxCPU-1)]
		for start := x86.RDTSC(); !p.stopped.Load() && x86.RDTSC()-start < clock.Frequency()/10; {
			x86.Pause()
		}
	}
}

// reportOthers prints what the other CPUs were doing when they were stopped.
func reportOthers() {
	for i := 0; i < cpu.Count(); i++ {
		c := cpu.Get(i)
		if !isOther(c) {
			continue
		}
		debugcon.String("cpu ")
		debugcon.Hex(uint64(i))
		p := &parked[i&(cpu.MaxCPU-1)]
		switch {
		case !p.stopped.Load():
			debugcon.String(" does not answer\n")
		case p.frame.CS&3 != 0:
			debugcon.String(" was in user mode at ")
			debugcon.Hex(uint64(p.frame.RIP))
			debugcon.String("\n")
			reportTask(c)
		case c.FrameEnd == threads[i&(cpu.MaxCPU-1)].frameEnd():
			debugcon.String(" was idle\n")
		default:
			debugcon.String(" was in the kernel:\n")
			walkStack(&p.frame)
			reportTask(c)
		}
	}
}

func reportTask(c *cpu.CPU) {
	if FatalHook != nil {
		FatalHook(c)
	}
}

// walkStack prints where f is and the return addresses that the frame pointers
// lead to.
func walkStack(f *cpu.Frame) {
	printPC(f.RIP, f.RIP)
	bp := f.RBP
	for i := 0; i < 40 && readable(bp) && readable(bp+15); i++ {
		if pc := load64(bp + 8); pc != 0 {
			printPC(pc, pc-1)
		}
		next := load64(bp)
		if next <= bp {
			return
		}
		bp = next
	}
}

// readable reports whether va is an address of the kernel's that is mapped.
func readable(va uintptr) bool {
	if int64(va) >= 0 {
		return false
	}
	table := ipi.KernelRoot
	for shift := uint(39); ; shift -= 9 {
		e := direct.Table(table)[va>>(shift&63)&511]
		switch {
		case e&layout.PTEPresent == 0:
			return false
		case shift == 12 || e&layout.PTEHuge != 0:
			return true
		}
		table = e & layout.PTEFrame
	}
}

// printPC prints a code address with the function that in is in: where it is
// the address of an instruction itself, or of the call before it.
func printPC(pc, in uintptr) {
	debugcon.String("  ")
	debugcon.Hex(uint64(pc))
	if name, offset, ok := symbol.Find(in); ok {
		debugcon.String(" ")
		debugcon.String(name)
		debugcon.String("+0x")
		debugcon.Hex(uint64(offset + pc - in))
	}
	debugcon.String("\n")
}
