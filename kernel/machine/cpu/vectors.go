package cpu

// Interrupt vectors.
const (
	VectorTimer    = 32 // local APIC timer
	VectorIPI      = 33 // another CPU wants something
	VectorDevice   = 48 // first of DeviceVectors for devices
	DeviceVectors  = 32
	VectorSpurious = 255
)

// Exceptions that the kernel names.
const (
	ExcDivide      = 0
	ExcDebug       = 1
	ExcNMI         = 2
	ExcBreakpoint  = 3
	ExcInvalid     = 6
	ExcDoubleFault = 8
	ExcGP          = 13
	ExcPageFault   = 14
	ExcMachine     = 18
)

// vectors holds the addresses of the entry points in entry_amd64.s: 32
// exceptions, the timer, the IPI, then the devices.
var vectors [34 + DeviceVectors]uintptr // initialised in vectors_amd64.s

// idt is shared by all CPUs: 256 gates of two words.
var idt [512]uint64

//go:nosplit
func setGate(vector int, pc uintptr, ist, dpl uint64) {
	a := uint64(pc)
	const interruptGate = 0x8e
	idt[vector*2] = a&0xffff | KernelCS<<16 | ist<<32 | (interruptGate|dpl<<5)<<40 | (a>>16&0xffff)<<48
	idt[vector*2+1] = a >> 32
}

// buildIDT fills the interrupt descriptor table; the boot CPU does it once.
// spurious is the entry of the spurious interrupt.
//
//go:nosplit
func buildIDT(spurious uintptr) {
	for i := 0; i < 32; i++ {
		ist, dpl := uint64(2), uint64(0)
		switch i {
		case ExcNMI:
			ist = 3
		case ExcDoubleFault:
			ist = 4
		case ExcMachine:
			ist = 5
		case ExcDebug:
			ist = 6
		case ExcBreakpoint, 4: // INT3 and INTO are for user mode
			dpl = 3
		}
		setGate(i, vectors[i], ist, dpl)
	}
	setGate(VectorTimer, vectors[32], 1, 0)
	setGate(VectorIPI, vectors[33], 1, 0)
	for i := 0; i < DeviceVectors; i++ {
		setGate(VectorDevice+i, vectors[34+i], 1, 0)
	}
	setGate(VectorSpurious, spurious, 3, 0)
}
