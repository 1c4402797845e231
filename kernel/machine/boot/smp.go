//go:build baremetal

package boot

import (
	"errors"
	"sync/atomic"
	"time"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/layout"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/x86"
)

// starting is what the CPU being started reads: first, for entry code, the
// address of its CPU structure. One CPU starts at a time.
var starting struct {
	cpu    *cpu.CPU
	id     int
	stacks cpu.Stacks
	tables descriptors
}

// StartProcessors gives this CPU its guarded trap stacks and full extended
// state, and starts the others. It is called once, from main, while the boot
// CPU is the only one; errors name the CPUs that did not come.
func StartProcessors() error {
	stacks, err := newStacks(0)
	if err != nil {
		return err
	}
	features := userXCR0()
	setXCR0(features)
	// CPUID reports the size for what XCR0 holds now.
	_, size, _, _ := x86.CPUID(0xd, 0)
	ring3.Init(features, int(size))
	goruntime.MoveStacks(stacks)
	tables, ok := mapDescriptors(0)
	if !ok {
		return errors.New("no memory for descriptor tables")
	}
	tables.use(cpu.Get(0))

	if cpu.Count() == 1 {
		return nil
	}
	root, err := trampolineRoot()
	if err != nil {
		return err
	}
	defer root.free()
	writeTrampoline(uint32(root.pml4), otherEntryPC())
	for i := 1; i < cpu.Count(); i++ {
		if err := startProcessor(i); err != nil {
			return err
		}
	}
	return nil
}

// newStacks maps the trap stacks of CPU i.
func newStacks(i int) (cpu.Stacks, error) {
	var end [6]uintptr
	for k := range end {
		if end[k] = goruntime.MapStack(i*len(end) + k); end[k] == 0 {
			return cpu.Stacks{}, errors.New("no memory for trap stacks")
		}
	}
	return cpu.Stacks{Trap: end[0], Exception: end[1], NMI: end[2], DoubleFault: end[3], MachineCheck: end[4], Debug: end[5]}, nil
}

// startProcessor starts CPU i by INIT and two STARTUP interrupts, as the Intel
// SDM volume 3, section 8.4.4 says; the waits are for real hardware's sake and
// end as soon as the CPU answers.
func startProcessor(i int) error {
	stacks, err := newStacks(i)
	if err != nil {
		return err
	}
	tables, ok := mapDescriptors(i)
	if !ok {
		return errors.New("no memory for descriptor tables")
	}
	c := cpu.Get(i)
	starting.cpu, starting.id, starting.stacks, starting.tables = c, i, stacks, tables
	sendInit(c.APIC)
	for try := 0; try < 3; try++ {
		sendStartup(c.APIC)
		for end := time.Now().Add(100 * time.Millisecond << try); time.Now().Before(end); {
			if atomic.LoadUint32(&c.Online) != 0 {
				return nil
			}
			x86.Pause()
		}
	}
	return errors.New("a processor did not start")
}

// setXCR0 lets this CPU, the only one yet, have more extended state.
//
//go:nosplit
func setXCR0(features uint64) {
	flags := spin.Disable()
	x86.XSETBV(features)
	spin.Restore(flags)
}

//go:nosplit
func sendInit(apic uint32) {
	flags := spin.Disable()
	lapic.SendInit(apic)
	spin.Restore(flags)
}

//go:nosplit
func sendStartup(apic uint32) {
	flags := spin.Disable()
	lapic.SendStartup(apic, layout.Trampoline>>12)
	spin.Restore(flags)
}

// startThis prepares the CPU that runs it. Boot context on the static stack.
func startThis() {
	enableFeatures(ring3.Features())
	x86.WriteCR3(ipi.KernelRoot)
	starting.cpu.Init(starting.id, starting.stacks)
	starting.tables.use(starting.cpu)
	numberCPU(starting.id)
	lapic.Enable(cpu.VectorSpurious, cpu.VectorTimer)
}

// runThis makes the CPU one of those that run threads. Trap context on its own
// stack: the moment it is online, the next CPU may take the static one.
func runThis() { goruntime.StartOther(int(cpu.Current().ID), idleStackEnd()) }

// A lowRoot is a page table for the trampoline: the kernel's half, and the
// first 2 MiB where they are.
type lowRoot struct{ pml4, pdpt, pd frame.Frame }

func trampolineRoot() (r lowRoot, err error) {
	for _, f := range []*frame.Frame{&r.pml4, &r.pdpt, &r.pd} {
		if *f, err = frame.AllocReserved(); err != nil {
			return r, err
		}
		f.Zero()
	}
	if r.pml4 >= 1<<32 {
		r.free()
		return r, errors.New("no memory below 4 GiB for starting processors")
	}
	top := direct.Table(uint64(r.pml4))
	*top = *direct.Table(ipi.KernelRoot)
	top[0] = uint64(r.pdpt) | layout.PTEPresent | layout.PTEWrite
	direct.Table(uint64(r.pdpt))[0] = uint64(r.pd) | layout.PTEPresent | layout.PTEWrite
	direct.Table(uint64(r.pd))[0] = layout.PTEPresent | layout.PTEWrite | layout.PTEHuge
	return r, nil
}

func (r lowRoot) free() {
	r.pml4.Put()
	r.pdpt.Put()
	r.pd.Put()
}
