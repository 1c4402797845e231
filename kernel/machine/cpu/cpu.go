package cpu

import (
	"unsafe"

	"kevlar/kernel/machine/x86"
)

// MaxCPU is the largest number of processors.
const MaxCPU = 64

// A Frame is the general state that entry code stores, in the order in which
// it pushes. The arguments of a system call, RDI to R9, stand together in their
// order. The last five words are the processor's own interrupt frame.
type Frame struct {
	R15, R14, R13, R12, R11, RBP, RBX, RCX uintptr
	RDI, RSI, RDX, R10, R8, R9, RAX        uintptr
	Vector, Err                            uintptr
	RIP, CS, RFLAGS, RSP, SS               uintptr
}

// A ThreadState is what entry code saves of a kernel thread that traps: the
// first part of every thread that a CPU runs. It must be 16-byte aligned.
type ThreadState struct {
	Frame    Frame
	XMMValid uint64 // XMM and MXCSR hold state that resume must restore
	MXCSR    uint32
	_        uint32
	XMM      [256]byte
}

// A CPU is the private data of one processor. Other packages'
// assembly knows ID and Root by their offsets, 8 and 32.
type CPU struct {
	self uintptr // the address of this structure, at 0(GS)
	ID   uint64  // at 8(GS)

	FrameEnd uintptr // end of the running thread's Frame
	ThreadFS uintptr // FS base of the running thread
	Root     uint64  // the page-table root in CR3, or RootChanging
	// Pending is set when something must be looked at before user mode is
	// entered: an interrupt to drain, a thread to switch to.
	Pending  uint64
	FPUOwner uintptr // the ring3.Context whose extended state is in this CPU's registers; 0 if none

	// UserFrameEnd is the end of the Registers of FPUOwner: where entry from
	// user mode pushes.
	UserFrameEnd uintptr

	scratch   uintptr // the stack pointer during the first instructions of SYSCALL
	kernelSP  uintptr // stack pointer of EnterUser's caller
	trapStack uintptr // initial stack pointer in trap context
	trapFS    uintptr // FS base in trap context: trapGP stands below it
	hasSMAP   uint64

	trapGP [2]uintptr  // the address of trapG, where TLS finds it
	trapG  [64]uintptr // a g with stack bounds and nothing else

	// Selectors is what DS, ES, FS and GS hold while this CPU has no FPUOwner,
	// 16 bits each, DS lowest. An owner may change them.
	Selectors uint64

	APIC   uint32 // local APIC number
	Online uint32 // 1 when the CPU runs threads; accessed atomically

	gdt     [8]uint64
	gdtHigh uint64 // the second half of the TSS descriptor: follows gdt
	tss     [26]uint32
	desc    [2][16]byte // pseudo-descriptors for LGDT and LIDT
}

const (
	_ = -(unsafe.Offsetof(CPU{}.ID) - 8)
	_ = -(unsafe.Offsetof(CPU{}.Root) - 32)
)

var (
	cpus  [MaxCPU]CPU
	count = 1 // processors known to exist; set before the Go runtime starts
)

// Hooks are the addresses (ABI0) of what trap entries call. They are set
// before the first trap.
var Hooks struct {
	// Syscall handles a SYSCALL instruction from ring 0:
	// func(f *Frame).
	Syscall uintptr
	// Interrupt handles a device or timer interrupt:
	// func(vector uintptr, fromUser uintptr).
	Interrupt uintptr
	// Exception handles an exception taken in ring 0:
	// func(f *Frame, cr2 uintptr). Exceptions in ring 3 end EnterUser.
	Exception uintptr
}

// RootChanging is a CPU's Root while it loads CR3 and may still use, or use
// already, any table.
const RootChanging = 1

// LoadRoot makes root the page tables of c, the calling CPU; interrupts are
// off. Other CPUs read Root to learn which tables c may use.
//
//go:nosplit
func (c *CPU) LoadRoot(root uint64) {
	c.Root = RootChanging
	x86.WriteCR3(root)
	c.Root = root
}

// Count returns the number of processors.
//
//go:nosplit
func Count() int { return count }

// SetCount sets the number of processors; only boot code does.
//
//go:nosplit
func SetCount(n int) { count = min(n, MaxCPU) }

// Get returns CPU i.
//
//go:nosplit
func Get(i int) *CPU { return &cpus[i&(MaxCPU-1)] }

// Results of EnterUser that are not exception vectors or TrapSyscall.
const (
	VectorInterrupt = 258
	VectorPrepare   = 259
	VectorPending   = 260
)

// Offsets of ring3.Context, which this package cannot import; ring3 asserts
// that they are true.
const (
	ContextFrameEnd = 176
	ContextFSBase   = 176
	ContextGSBase   = 184
	ContextCR2      = 192
	ContextFPU      = 200
	ContextHolder   = 208
	ContextTicks    = 216

	ContextSelectors = 224
	ContextPKRU      = 232
)

// InitialPKRU is what a program begins with, as under Linux: pages of
// protection key 0 alone can be accessed.
const InitialPKRU = 0x55555554

// HasPKU tells that the CPUs check protection keys. It is set before the Go
// runtime starts.
var HasPKU bool
