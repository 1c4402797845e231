package task

import (
	"encoding/binary"
	"errors"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
)

// pageFault resolves a fault of user mode, or sends the signal for it.
func (t *Task) pageFault() {
	c := t.Ctx
	addr := c.CR2
	write, exec := c.Err&ring3.FaultWrite != 0, c.Err&ring3.FaultExec != 0
	if uintptr(addr) >= mm.UserTop {
		// What is there in the kernel's half is not told, to the log
		// neither: it looks protected throughout, as under Linux.
		c.Err |= ring3.FaultPresent
	}
	err := t.mm.Fault(uintptr(addr), write, exec, c.Err&ring3.FaultPresent != 0)
	if err == nil && c.Err&(ring3.FaultPresent|ring3.FaultUser) == ring3.FaultPresent {
		// The processor reads for the program where only the kernel may, and
		// would do so again. Real ones do not; QEMU does in a far return.
		err = mm.FaultError{Signal: abi.SIGSEGV, Code: abi.SEGV_ACCERR, Addr: uintptr(addr)}
	}
	key := uint32(pagetable.ExecuteOnlyKey)
	if err == nil && c.Err&ring3.FaultKey != 0 && deniesOrdinary(c.PKRU(), write) {
		err, key = mm.FaultError{Signal: abi.SIGSEGV, Code: abi.SEGV_PKUERR, Addr: uintptr(addr)}, 0
	}
	if err == nil {
		t.cpu.minorFaults.Add(1)
		return
	}
	t.setTrap(vectorPF, c.Err)
	t.sig.trapAddr = addr
	var f mm.FaultError
	if !errors.As(err, &f) {
		t.outOfMemory()
		return
	}
	info := abi.Siginfo{Signo: int32(f.Signal), Code: int32(f.Code)}
	info.SetAddr(addr)
	if f.Code == abi.SEGV_PKUERR {
		info.SetPKey(key)
	}
	if f.Signal == abi.SIGSEGV {
		t.logFault(f.Signal)
	}
	t.ForceSignal(&info)
}

// deniesOrdinary reports whether rights, as PKRU has them, forbid a read or a
// write of ordinary pages, which have key 0: Intel SDM volume 3, 4.6.2. Only the
// program itself can have said so.
func deniesOrdinary(rights uint32, write bool) bool {
	const noAccess, noWrite = 1 << 0, 1 << 1
	return rights&noAccess != 0 || write && rights&noWrite != 0
}

// Exception vectors of x86-64.
const (
	vectorDE = 0  // divide error
	vectorDB = 1  // debug
	vectorBP = 3  // INT3
	vectorOF = 4  // overflow
	vectorBR = 5  // bound range
	vectorUD = 6  // invalid opcode
	vectorTS = 10 // invalid TSS
	vectorNP = 11 // segment not present
	vectorSS = 12 // stack fault
	vectorGP = 13 // general protection
	vectorPF = 14 // page fault
	vectorMF = 16 // x87 floating point
	vectorAC = 17 // alignment check
	vectorXM = 19 // SIMD floating point
)

// exception sends the signal for an exception of user mode.
func (t *Task) exception() {
	c := t.Ctx
	t.setTrap(c.Trap, c.Err)
	info := abi.Siginfo{Signo: abi.SIGSEGV, Code: abi.SI_KERNEL}
	switch c.Trap {
	case vectorDE:
		info.Signo, info.Code = abi.SIGFPE, abi.FPE_INTDIV
		info.SetAddr(c.RIP)
	case vectorDB:
		info.Signo, info.Code = abi.SIGTRAP, abi.TRAP_TRACE
		info.SetAddr(c.RIP)
	case vectorBP:
		info.Signo = abi.SIGTRAP
	case vectorUD:
		info.Signo, info.Code = abi.SIGILL, abi.ILL_ILLOPN
		info.SetAddr(c.RIP)
	case vectorNP, vectorSS:
		info.Signo = abi.SIGBUS
	case vectorAC:
		info.Signo, info.Code = abi.SIGBUS, abi.BUS_ADRALN
	case vectorMF, vectorXM:
		info.Signo, info.Code = abi.SIGFPE, t.floatingPointCode(c.Trap)
		info.SetAddr(c.RIP)
	}
	t.logFault(int(info.Signo))
	t.ForceSignal(&info)
}

// setTrap remembers an exception for the frame of the signal that follows.
func (t *Task) setTrap(vector, errorCode uint64) {
	t.sig.trap, t.sig.trapErr = vector, errorCode
}

// floatingPointCode returns which of the unmasked floating-point exceptions
// has happened.
func (t *Task) floatingPointCode(vector uint64) int32 {
	bp := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(bp)
	img := (*bp)[:ring3.FPUSize()]
	t.Ctx.SaveFPU(img)
	le := binary.LittleEndian
	var e uint32
	if vector == vectorMF {
		e = uint32(le.Uint16(img[2:]) &^ le.Uint16(img[0:])) // status, control
	} else {
		mxcsr := le.Uint32(img[24:])
		e = mxcsr &^ (mxcsr >> 7)
	}
	switch {
	case e&0x01 != 0:
		return abi.FPE_FLTINV
	case e&0x04 != 0:
		return abi.FPE_FLTDIV
	case e&0x08 != 0:
		return abi.FPE_FLTOVF
	case e&0x12 != 0:
		return abi.FPE_FLTUND
	case e&0x20 != 0:
		return abi.FPE_FLTRES
	}
	return 0
}

// errnoOf turns an error that is not an Errno into one.
func errnoOf(err error) abi.Errno {
	var e abi.Errno
	if errors.As(err, &e) {
		return e
	}
	var f mm.FaultError
	if errors.As(err, &f) {
		return abi.EFAULT
	}
	return abi.EIO
}
