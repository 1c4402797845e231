// Package ring3 enters user mode and comes back.
//
// A Context is the user half of a thread: its registers and its
// floating-point state. Enter loads it, enters user mode on the calling
// goroutine's stack, and returns when the user program makes a system call,
// faults, or is interrupted. To the caller that is an ordinary function call.
// System calls are told apart at once; Event looks into the other reasons.
//
// General registers and XMM0-15 are stored in the Context at each return. The
// rest of the extended state (x87, the upper halves of YMM, and so on) stays
// in the CPU's registers, which the kernel never touches, until another
// Context runs there: the CPU remembers its owner, and saves that state when
// the owner changes.
package ring3

import (
	"sync/atomic"
	"unsafe"
)

// Registers are the general registers of user mode, in the order in which
// the entry code stores them: the arguments of a system call, RDI to R9, stand
// together. Trap is the exception vector, or TrapSyscall.
type Registers struct {
	R15, R14, R13, R12, R11, RBP, RBX, RCX uint64
	RDI, RSI, RDX, R10, R8, R9, RAX        uint64
	Trap, Err                              uint64
	RIP, CS, RFLAGS, RSP, SS               uint64
}

// Args returns the registers with the arguments of a system call, in the order
// of the ABI. They change with the registers.
func (r *Registers) Args() *[6]uintptr { return (*[6]uintptr)(unsafe.Pointer(&r.RDI)) }

// Selectors of user mode, and the RFLAGS a program starts with: interrupts on.
const (
	UserCS     = 0x33
	UserSS     = 0x2b
	initRFLAGS = 0x202
)

// TrapSyscall in Registers.Trap marks a SYSCALL instruction. Such a return
// may go back by SYSRET, which does not restore RCX and R11.
const TrapSyscall = 256

// trapNone marks a Context whose registers must all be restored.
const trapNone = 257

// A Reason is what Enter returns: Called, or something that Event explains.
type Reason uintptr

// Called means that the program made a system call. RAX is the number.
const Called Reason = TrapSyscall

// An Event is why user mode was left.
type Event int

const (
	// Syscall: RAX is the number; RDI RSI RDX R10 R8 R9 the arguments.
	Syscall Event = iota
	// PageFault: CR2 is the address, Err the error code of the exception.
	PageFault
	// Exception: Trap is the vector, Err its error code.
	Exception
	// Interrupt: something wants the CPU, or an interrupt handler to run.
	Interrupt
	// None: the CPU was not ready for the Context. Now it is.
	None
)

// Bits of Err after a PageFault.
const (
	FaultPresent = 1 << 0 // the page is mapped: a protection violation
	FaultWrite   = 1 << 1
	FaultUser    = 1 << 2 // by the program, not by the processor for it
	FaultExec    = 1 << 4
	FaultKey     = 1 << 5 // the page's protection key forbids it
)

// A Context is the user-mode state of one thread. Only the thread's own
// goroutine may enter or change it; Release must be called before it is
// dropped.
type Context struct {
	Registers
	FSBase, GSBase uint64
	CR2            uint64 // address of the last page fault

	// fpu is where the extended state lives when no CPU holds it, in the
	// layout of XSAVE; its address is a multiple of 64. XMM and MXCSR are
	// always current here while the thread is in the kernel.
	fpu uintptr
	// holder is one more than the CPU whose registers hold the rest of the
	// extended state; 0 if fpu does.
	holder uint64
	// ticks counts interrupts that came in the kernel while the CPU had run
	// this Context last.
	ticks uint64

	// selectors are DS, ES, FS and GS, 16 bits each, and pkru the rights to
	// pages of each protection key; current while holder is 0.
	selectors uint64
	pkru      uint32

	fpuMemory []byte // what fpu points into

	// kicked is set while Kick waits for the thread to leave user mode.
	kicked atomic.Uint32

	// label names the thread in the report of a fatal error.
	label [16]byte
}

// SetLabel names the thread for the report of a fatal error; 16 bytes count.
func (c *Context) SetLabel(name string) {
	c.label = [16]byte{}
	copy(c.label[:], name)
}

// New returns the state of a program that has not begun: registers zero,
// interrupts on, floating point as after FNINIT.
func New() *Context {
	c := &Context{}
	c.CS, c.SS, c.RFLAGS, c.Trap = UserCS, UserSS, initRFLAGS, trapNone
	c.allocFPU()
	c.ResetFPU()
	c.pkru = initPKRU
	return c
}

// CopyFrom makes c a copy of src, floating point included, as fork(2) does.
// src must be the calling thread's own, outside of Enter.
func (c *Context) CopyFrom(src *Context) {
	src.syncFPU()
	c.dropFPU()
	c.Registers, c.FSBase, c.GSBase, c.CR2 = src.Registers, src.FSBase, src.GSBase, src.CR2
	c.selectors, c.pkru = src.selectors, src.pkru
	copy(c.fpuImage(), src.fpuImage())
}

// ResetSegments gives c the segment registers and bases of a new program: 0.
func (c *Context) ResetSegments() {
	c.syncFPU()
	c.FSBase, c.GSBase, c.selectors = 0, 0, 0
}

// initPKRU is what a program begins with, as under Linux: it may access pages
// of protection key 0 alone.
const initPKRU = 0x55555554

// PKRU returns the rights to pages of each protection key: two bits a key, no
// access and no write. Where the CPU has no keys they are those that a program
// begins with.
func (c *Context) PKRU() uint32 {
	c.syncFPU()
	return c.pkru
}

// SetPKRU sets what PKRU returns.
func (c *Context) SetPKRU(v uint32) {
	c.syncFPU()
	c.pkru = v
}

// ResetPKRU gives c the rights that a program begins with, and a handler of a
// signal.
func (c *Context) ResetPKRU() { c.SetPKRU(initPKRU) }

// KernelTicks counts interrupts that came after this Context had left
// user mode and before its CPU ran another: a sample of where time goes.
func (c *Context) KernelTicks() uint64 { return atomic.LoadUint64(&c.ticks) }

// RestoreAll makes the next Enter restore every register exactly, RCX and R11
// included: after sigreturn(2), and wherever the registers do not come from
// a SYSCALL.
func (c *Context) RestoreAll() { c.Trap = trapNone }
