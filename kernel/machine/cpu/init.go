//go:build baremetal

package cpu

import (
	"unsafe"

	"kevlar/kernel/machine/x86"
)

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
	c.buildGDT()
	putDescriptor(&c.desc[0], uintptr(unsafe.Pointer(&c.gdt)), uint16(unsafe.Sizeof(c.gdt)+8-1))
	putDescriptor(&c.desc[1], uintptr(unsafe.Pointer(&idt)), uint16(unsafe.Sizeof(idt)-1))
	if id == 0 {
		buildIDT(spuriousPC())
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

// SetStacks moves c, the CPU that runs the caller, to other trap stacks.
//
//go:nosplit
func (c *CPU) SetStacks(s Stacks) { c.setStacks(s) }
