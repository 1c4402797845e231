package cpu

import "unsafe"

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

// buildGDT fills the descriptor table of c: Intel SDM volume 3, section 3.4.5.
//
//go:nosplit
func (c *CPU) buildGDT() {
	c.gdt[KernelCS/8] = 0x00af9b000000ffff
	c.gdt[KernelSS/8] = 0x00cf93000000ffff
	// Entry 4, the base of STAR and the place of 32-bit user code, stays empty.
	c.gdt[UserSS/8] = 0x00cff3000000ffff
	c.gdt[UserCS/8] = 0x00affb000000ffff
	// The TSS descriptor takes two entries; the GDT ends with it.
	t := uint64(uintptr(unsafe.Pointer(&c.tss)))
	const limit = unsafe.Sizeof(c.tss) - 1
	c.gdtTSS(t, uint64(limit))
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
