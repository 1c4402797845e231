//go:build baremetal

package boot

import (
	"kevlar/kernel/machine/acpi"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/machine/usercopy"
	"kevlar/kernel/machine/x86"
	"unsafe"
)

// entry, movedEntry and otherEntry are in entry_amd64.s.
func entry()
func movedEntryPC() uintptr
func otherEntryPC() uintptr

// imageEnd and dataEnd return the ends of the image and of what is loaded of
// it, constantsEnd that of the constants that hold no addresses, which follow
// the text.
func imageEnd() uintptr
func dataEnd() uintptr
func constantsEnd() uintptr

// random is what AT_RANDOM points to.
var random [16]byte

// idleStack is where idle loops halt. They use no stack, as every interrupt
// brings its own, so one serves all CPUs.
var idleStack [256]byte

func idleStackEnd() uintptr { return uintptr(unsafe.Pointer(&idleStack)) + uintptr(len(idleStack)) }

// start prepares the boot CPU and memory for the Go runtime. Boot context.
func start(startInfo uint64) {
	direct.Base = layout.Placed.Direct
	root := x86.ReadCR3()
	const loaded = layout.KernelImage >> 39 & 511
	if loaded != layout.Placed.Image>>39&511 {
		direct.Table(root)[loaded] = 0
		x86.WriteCR3(root)
	}
	debugcon.Init()
	enableFeatures(kernelXCR0)
	ipi.KernelRoot = root
	pagetable.KernelRoot = frame.Frame(root)
	pagetable.SetExecuteOnly(cpu.HasPKU)

	readStartInfo(startInfo)
	if !initMemory() {
		die(tooLittle)
	}
	usercopy.Init()
	cpu.Get(0).Init(0, cpu.BootStacks())
	numberCPU(0)
	maskPIC()
	useEntropy()
	calibrate()
	acpi.Find(info.rsdp)
	power.Init()
	findCPUs()
	lapic.Enable(cpu.VectorSpurious, cpu.VectorTimer)
	for i := range random {
		random[i] = byte(clock.Entropy())
	}
	if !goruntime.Init(idleStackEnd()) {
		die("too little memory")
	}
}

const tooLittle = "too little memory: Kevlar needs at least 24 MiB"

// die ends the machine before the Go runtime could say why.
func die(why string) {
	debugcon.Loud()
	debugcon.String("kevlar: ")
	debugcon.String(why)
	debugcon.String("\n")
	power.Fail()
}

// findCPUs counts the processors: from the command line, else from the
// firmware's tables. APIC numbers are consecutive where there is no table.
func findCPUs() {
	cpu.Get(0).APIC = lapic.ID()
	if n := cmdlineNumber("cpus="); n > 0 {
		cpu.SetCount(n)
		for i := 1; i < cpu.Count(); i++ {
			cpu.Get(i).APIC = uint32(i)
		}
		return
	}
	n := 1
	acpi.EachCPU(func(apic uint32) {
		if apic != cpu.Get(0).APIC && n < cpu.MaxCPU {
			cpu.Get(n).APIC = apic
			n++
		}
	})
	cpu.SetCount(n)
}
