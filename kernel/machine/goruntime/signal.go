//go:build baremetal

package goruntime

import (
	"unsafe"

	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/usercopy"
)

// Signals reach the runtime as on Linux: a frame on the thread's signal stack
// and a call of the handler. Two kinds exist: SIGURG, with which the runtime
// preempts a goroutine in a long loop, and the synchronous ones of a fault in
// ring 0, which the runtime turns into a Go panic.
const (
	sigFPE  = 8
	sigSEGV = 11
	sigURG  = 23
)

// handlers are the kernel_sigaction structures, one for each signal: handler,
// flags, restorer, mask.
var handlers [65][4]uintptr

// Offsets in the signal frame, from its lowest address: rt_sigframe of the
// x86-64 psABI. The floating-point image is the legacy 512 bytes of FXSAVE, of
// which only the SSE part is used.
const (
	frameSize   = 2048
	frUContext  = 8
	frGregs     = frUContext + 40
	frFPPointer = frGregs + 23*8
	frSigmask   = frFPPointer + 8 + 8*8
	frSiginfo   = 1024
	frFPImage   = 1280 // 64-byte aligned, as the frame is
	fpMXCSR     = 24
	fpXMM       = 160
)

func sigaction(sig, act, old uintptr) uintptr {
	if sig == 0 || sig >= uintptr(len(handlers)) {
		return errInval
	}
	h := &handlers[sig]
	if old != 0 {
		for i, v := range h {
			store64(old+uintptr(i)*8, v)
		}
	}
	if act != 0 {
		for i := range h {
			h[i] = load64(act + uintptr(i)*8)
		}
	}
	return 0
}

func sigprocmask(how, set, old uintptr) uintptr {
	const block, unblock, setMask = 0, 1, 2
	t := &threads[current()&(maxThreads-1)]
	if old != 0 {
		store64(old, uintptr(t.sigMask))
	}
	if set == 0 {
		return 0
	}
	v := uint64(load64(set))
	switch how {
	case block:
		t.sigMask |= v
	case unblock:
		t.sigMask &^= v
	case setMask:
		t.sigMask = v
	default:
		return errInval
	}
	return 0
}

func sigaltstack(set, old uintptr) uintptr {
	const disable = 2
	t := &threads[current()&(maxThreads-1)]
	if old != 0 {
		store64(old, t.altStack)
		store32(old+8, disable) // the runtime brings its own signal stacks
		store64(old+16, t.altSize)
	}
	if set != 0 {
		t.altStack, t.altSize = load64(set), load64(set+16)
	}
	return 0
}

// tgkill makes a signal pending for thread i; the runtime only sends SIGURG,
// and SIGABRT when it gives up.
func tgkill(i int32, sig uintptr) uintptr {
	if i < 0 || i >= maxThreads || sig == 0 || sig > 64 {
		return errInval
	}
	if sig != sigURG {
		exitGroup(2)
	}
	flags := sched.lock.Lock()
	t := &threads[i]
	t.sigPending |= 1 << (sig - 1)
	if on := t.onCPU; on >= 0 && uint64(on) != cpu.Current().ID {
		lapic.Send(cpu.Get(int(on)).APIC, cpu.VectorIPI)
	}
	sched.lock.Unlock(flags)
	return 0
}

// deliverPending gives the thread about to be resumed its pending signal.
// Only a thread that goes on in ring 0 can take it: its state is complete in
// its Frame. sched.lock is held.
func deliverPending() {
	t := &threads[current()&(maxThreads-1)]
	if usercopy.InRange(t.state.Frame.RIP) {
		// The copy relies on its page table, which the scheduler keeps for
		// a thread that it finds in the copy, not in a handler over it.
		return
	}
	deliverable := t.sigPending &^ t.sigMask
	if deliverable&(1<<(sigURG-1)) == 0 || t.inSignal || t.altStack == 0 || handlers[sigURG][0] < 2 {
		return
	}
	t.sigPending &^= 1 << (sigURG - 1)
	const siTkill = ^uintptr(6 - 1)
	pushSignal(t, &t.state.Frame, sigURG, siTkill, 0)
}

// pushSignal builds a signal frame on the thread's signal stack and points f
// at the handler. XMM state travels with it if the thread's is valid.
func pushSignal(t *thread, f *cpu.Frame, sig, code, addr uintptr) bool {
	sp := (t.altStack + t.altSize - frameSize) &^ 63
	// An exception hook must not take a page fault of its own.
	if !populate(sp) || !populate(sp+frameSize-1) {
		return false
	}
	store64(sp, handlers[sig][2])
	for a := sp + frUContext; a < sp+frFPPointer; a += 8 {
		store64(a, 0)
	}
	store64(sp+frSiginfo, sig)
	store64(sp+frSiginfo+8, code&0xffffffff)
	store64(sp+frSiginfo+16, addr)
	for i, v := range gregs(f) {
		store64(sp+frGregs+uintptr(i)*8, v)
	}
	store64(sp+frGregs+22*8, addr) // CR2
	store64(sp+frFPPointer, sp+frFPImage)
	store64(sp+frSigmask, uintptr(t.sigMask))
	valid := t.state.XMMValid
	store64(sp+frFPImage, uintptr(valid))
	if valid != 0 {
		store32(sp+frFPImage+fpMXCSR, t.state.MXCSR)
		from := uintptr(unsafe.Pointer(&t.state.XMM))
		for i := uintptr(0); i < 256; i += 8 {
			store64(sp+frFPImage+fpXMM+i, load64(from+i))
		}
		t.state.XMMValid = 0
	}
	t.inSignal = true
	f.RDI, f.RSI, f.RDX = sig, sp+frSiginfo, sp+frUContext
	f.RSP, f.RIP = sp, handlers[sig][0]
	const directionFlag, accessFlag = 1 << 10, 1 << 18
	f.RFLAGS &^= directionFlag | accessFlag
	return true
}

// gregs lists the registers in the order of struct sigcontext: r8 to r15, di,
// si, bp, bx, dx, ax, cx, sp, ip, flags, segments, err, trapno.
func gregs(f *cpu.Frame) [21]uintptr {
	return [...]uintptr{
		f.R8, f.R9, f.R10, f.R11, f.R12, f.R13, f.R14, f.R15,
		f.RDI, f.RSI, f.RBP, f.RBX, f.RDX, f.RAX, f.RCX, f.RSP,
		f.RIP, f.RFLAGS, f.CS, f.Err, f.Vector,
	}
}

// sigreturn restores what pushSignal saved, with the runtime's changes. The
// handler has popped the restorer's address from the frame.
func sigreturn(f *cpu.Frame) {
	t := &threads[current()&(maxThreads-1)]
	sp := f.RSP - frUContext
	g := sp + frGregs
	f.R8, f.R9, f.R10, f.R11 = load64(g), load64(g+8), load64(g+16), load64(g+24)
	f.R12, f.R13, f.R14, f.R15 = load64(g+32), load64(g+40), load64(g+48), load64(g+56)
	f.RDI, f.RSI, f.RBP, f.RBX = load64(g+64), load64(g+72), load64(g+80), load64(g+88)
	f.RDX, f.RAX, f.RCX = load64(g+96), load64(g+104), load64(g+112)
	rsp, rip, rflags := load64(g+120), load64(g+128), load64(g+136)
	if load64(sp+frFPImage) != 0 {
		t.state.MXCSR = load32(sp + frFPImage + fpMXCSR)
		to := uintptr(unsafe.Pointer(&t.state.XMM))
		for i := uintptr(0); i < 256; i += 8 {
			store64(to+i, load64(sp+frFPImage+fpXMM+i))
		}
		t.state.XMMValid = 1
	}
	t.inSignal = false
	f.RSP, f.RIP, f.RFLAGS = rsp, rip, rflags
}
