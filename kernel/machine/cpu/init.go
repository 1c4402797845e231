//go:build baremetal

package cpu

import (
	"unsafe"

	"kevlar/kernel/machine/x86"
)

// Segment selectors. SYSRET derives the user's from one base: STAR.
const (
	KernelCS = 0x08
	KernelSS = 0x10
	UserSS   = 0x2b
	UserCS   = 0x33
	tssSel   = 0x38

	starUserBase = 0x23 // SYSRET: CS = base+16, SS = base+8
)

// stackSize is the size of each trap stack.
const stackSize = 16 << 10

// Stacks tells where the trap stacks of a CPU end. On the boot CPU they are
// static until the kernel's tables can hold guard pages.
type Stacks struct{ Trap, Exception, NMI, DoubleFault, MachineCheck, Debug uintptr }

// bootStacks serve the boot CPU.
var bootStacks [6][stackSize]byte

// BootStacks returns the boot CPU's first stacks. Boot context.
func BootStacks() Stacks {
	end := func(i int) uintptr { return uintptr(unsafe.Pointer(&bootStacks[i])) + stackSize }
	return Stacks{end(0), end(1), end(2), end(3), end(4), end(5)}
}

// StackSize returns the size of a trap stack in bytes.
//
//go:nosplit
func StackSize() uintptr { return stackSize }

// Init makes c, which must be the CPU that runs the caller, ready for traps.
// GS points at c already.
//
//go:nosplit
func (c *CPU) Init(id int, s Stacks) {
	c.self = uintptr(unsafe.Pointer(c))
	c.ID = uint64(id)
	c.Root = x86.ReadCR3()
	if x86.ReadCR4()&x86.CR4SMAP != 0 {
		c.hasSMAP = 1
	}
	c.setStacks(s)

	c.gdt[KernelCS/8] = 0x00af9b000000ffff
	c.gdt[KernelSS/8] = 0x00cf93000000ffff
	// Entry 4, the base of STAR and the place of 32-bit user code, stays empty.
	c.gdt[UserSS/8] = 0x00cff3000000ffff
	c.gdt[UserCS/8] = 0x00affb000000ffff
	// The TSS descriptor takes two entries; the GDT ends with it.
	t := uint64(uintptr(unsafe.Pointer(&c.tss)))
	const limit = unsafe.Sizeof(c.tss) - 1
	c.gdtTSS(t, uint64(limit))

	putDescriptor(&c.desc[0], uintptr(unsafe.Pointer(&c.gdt)), uint16(unsafe.Sizeof(c.gdt)+8-1))
	putDescriptor(&c.desc[1], uintptr(unsafe.Pointer(&idt)), uint16(unsafe.Sizeof(idt)-1))
	if id == 0 {
		buildIDT()
	}
	x86.LGDT(uintptr(unsafe.Pointer(&c.desc[0])))
	x86.LIDT(uintptr(unsafe.Pointer(&c.desc[1])))
	x86.LTR(tssSel)
	x86.ClearLDT()
	LoadSelectors(0)
	c.Selectors = 0

	x86.WRMSR(x86.MSRStar, KernelCS<<32|starUserBase<<48)
	x86.WRMSR(x86.MSRLStar, uint64(syscallPC()))
	x86.WRMSR(x86.MSRCStar, uint64(compatPC()))
	x86.WRMSR(x86.MSRSysenterCS, 0) // SYSENTER is a general protection fault
	x86.WRMSR(x86.MSRSysenterESP, 0)
	x86.WRMSR(x86.MSRSysenterEIP, 0)
	const clearTF, clearIF, clearDF, clearIOPL, clearNT, clearAC = 1 << 8, 1 << 9, 1 << 10, 3 << 12, 1 << 14, 1 << 18
	x86.WRMSR(x86.MSRSFMask, clearTF|clearIF|clearDF|clearIOPL|clearNT|clearAC)
}

// Descriptors returns where the descriptor tables of c are and how many bytes
// they have: its own and that of interrupts, which all CPUs share.
func (c *CPU) Descriptors() (gdt, gdtSize, interrupts, interruptsSize uintptr) {
	return uintptr(unsafe.Pointer(&c.gdt)), unsafe.Sizeof(c.gdt) + 8, uintptr(unsafe.Pointer(&idt)), unsafe.Sizeof(idt)
}

// UseDescriptors makes c, the CPU that runs the caller, find the tables at other
// addresses, where they may be read-only. Interrupts are off.
//
//go:nosplit
func (c *CPU) UseDescriptors(gdt, interrupts uintptr) {
	putDescriptor(&c.desc[0], gdt, uint16(unsafe.Sizeof(c.gdt)+8-1))
	putDescriptor(&c.desc[1], interrupts, uint16(unsafe.Sizeof(idt)-1))
	x86.LGDT(uintptr(unsafe.Pointer(&c.desc[0])))
	x86.LIDT(uintptr(unsafe.Pointer(&c.desc[1])))
}

// setStacks points the TSS and trap context at s. The trap stack may not be
// in use.
//
//go:nosplit
func (c *CPU) setStacks(s Stacks) {
	const istBase = 9 // 32-bit words from the start of the TSS
	for i, end := range [...]uintptr{s.Exception, s.NMI, s.DoubleFault, s.MachineCheck, s.Debug} {
		ist := 2 + i
		if ist > 2 { // the entry of these finds the CPU above its frame
			end -= 16
			**(**uintptr)(unsafe.Pointer(&end)) = c.self
		}
		c.tss[istBase+2*(ist-1)] = uint32(end)
		c.tss[istBase+2*(ist-1)+1] = uint32(end >> 32)
	}
	c.tss[25] = uint32(unsafe.Sizeof(c.tss)) << 16 // no I/O bitmap

	// The fake g of trap context: stack.lo, stack.hi, stackguard0 and 1. All
	// trap stacks have the same g, so the bounds span them.
	lo := min(s.Trap, s.Exception, s.NMI, s.DoubleFault, s.MachineCheck, s.Debug) - stackSize
	c.trapStack = s.Trap - 64
	c.trapG[0], c.trapG[1] = lo, max(s.Trap, s.Exception, s.NMI, s.DoubleFault, s.MachineCheck, s.Debug)
	c.trapG[2], c.trapG[3] = lo, lo
	c.trapGP[0] = uintptr(unsafe.Pointer(&c.trapG))
	c.trapFS = uintptr(unsafe.Pointer(&c.trapGP)) + 8
}

// SetStacks moves c, the CPU that runs the caller, to other trap stacks.
//
//go:nosplit
func (c *CPU) SetStacks(s Stacks) { c.setStacks(s) }

// SetInterruptStack makes interrupts store the interrupted state below end.
//
//go:nosplit
func (c *CPU) SetInterruptStack(end uintptr) {
	c.tss[9] = uint32(end)
	c.tss[10] = uint32(end >> 32)
}

//go:nosplit
func putDescriptor(d *[16]byte, base uintptr, limit uint16) {
	d[0], d[1] = byte(limit), byte(limit>>8)
	for i := 0; i < 8; i++ {
		d[2+i] = byte(base >> (8 * i))
	}
}

//go:nosplit
func (c *CPU) gdtTSS(base, limit uint64) {
	const available64 = 0x89
	c.gdt[tssSel/8] = limit | (base&0xffffff)<<16 | available64<<40 | (base>>24&0xff)<<56
	c.gdtHigh = base >> 32
}
