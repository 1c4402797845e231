package task

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
)

// Flags of RFLAGS.
const (
	flagTF = 1 << 8
	flagDF = 1 << 10
	flagRF = 1 << 16

	// userFlags are those that sigreturn(2) may change: CF PF AF ZF SF TF DF
	// OF RF AC.
	userFlags = 1<<0 | 1<<2 | 1<<4 | 1<<6 | 1<<7 | flagTF | flagDF | 1<<11 | flagRF | 1<<18
)

// redZone is how many bytes below the stack pointer a program may use.
const redZone = 128

// frameBuffers holds memory to compose signal frames in.
var frameBuffers = sync.Pool{New: func() any {
	b := make([]byte, abi.SizeofSigFrame+fpStateSize())
	return &b
}}

// The rights to protection keys stand in the bytes of the FP state that are left
// for software, behind struct _fpx_sw_bytes: as a component of XSAVE, which they
// are under Linux, they would make the frame three times as large.
const (
	fpKeyRights    = 496
	keyRightsMagic = 0x554b5250 // "PRKU"
)

// fpStateSize is the size of the FP state in a signal frame.
func fpStateSize() int { return ring3.FPUSize() + abi.FP_XSTATE_MAGIC2_SIZE }

// pushSignalFrame puts onto the user's stack what the handler for sig needs,
// and makes the thread continue there. It returns EFAULT if the stack cannot
// take it.
func (t *Task) pushSignalFrame(sig int) error {
	a := &t.sig.action
	if a.Flags&abi.SA_RESTORER == 0 {
		return abi.EFAULT
	}
	frame, fp, err := t.placeSignalFrame(a)
	if err != nil {
		return err
	}
	bp := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(bp)
	buf := *bp
	if err := t.writeFPState(uintptr(fp), buf[abi.SizeofSigFrame:]); err != nil {
		return err
	}
	c := t.Ctx
	uc := abi.UContext{
		Flags:  abi.UC_FP_XSTATE | abi.UC_SIGCONTEXT_SS | abi.UC_STRICT_RESTORE_SS,
		Stack:  t.sig.alt,
		Sigset: t.sig.blocked,
		Regs: abi.SigContext{
			R8: c.R8, R9: c.R9, R10: c.R10, R11: c.R11, R12: c.R12, R13: c.R13, R14: c.R14, R15: c.R15,
			RDI: c.RDI, RSI: c.RSI, RBP: c.RBP, RBX: c.RBX, RDX: c.RDX, RAX: c.RAX, RCX: c.RCX, RSP: c.RSP,
			RIP: c.RIP, RFLAGS: c.RFLAGS, CS: uint16(c.CS), SS: uint16(c.SS),
			Err: t.sig.trapErr, Trap: t.sig.trap, CR2: t.sig.trapAddr,
			FPState: fp,
		},
	}
	if t.work.Load()&workMask != 0 {
		uc.Sigset = t.sig.saved
	}
	uc.Regs.OldMask = uint64(uc.Sigset)
	b := buf[:abi.SizeofSigFrame]
	putUint64(b, a.Restorer)
	uc.MarshalTo(b[abi.SigFrameUContext:])
	n := abi.SigFrameSiginfo
	if a.Flags&abi.SA_SIGINFO != 0 {
		t.sig.info.MarshalTo(b[abi.SigFrameSiginfo:])
		n = abi.SizeofSigFrame
	}
	if _, err := t.CopyOut(uintptr(frame), b[:n]); err != nil {
		return err
	}
	c.RDI = uint64(sig)
	c.RSI = frame + abi.SigFrameSiginfo
	c.RDX = frame + abi.SigFrameUContext
	c.RAX = 0
	c.RIP, c.RSP = a.Handler, frame
	c.CS, c.SS = ring3.UserCS, ring3.UserSS
	c.RFLAGS &^= flagDF | flagRF | flagTF
	c.ResetFPU()
	c.ResetPKRU()
	c.RestoreAll()
	return nil
}

// placeSignalFrame returns where the frame and the FP state go. It returns
// EFAULT if the alternate stack is too small.
func (t *Task) placeSignalFrame(a *abi.SigAction) (frame, fp uint64, err error) {
	old := t.Ctx.RSP
	sp := old - redZone
	onAlt := t.onAltStack(old)
	if a.Flags&abi.SA_ONSTACK != 0 && t.altStackFlags(old) == 0 {
		sp = t.sig.alt.SP + t.sig.alt.Size
		onAlt = true
	}
	fp = (sp - uint64(fpStateSize())) &^ 63
	frame = (fp-abi.SizeofSigFrame)&^15 - 8
	if onAlt && (frame <= t.sig.alt.SP || frame-t.sig.alt.SP > t.sig.alt.Size) {
		return 0, 0, abi.EFAULT
	}
	return frame, fp, nil
}

// writeFPState stores the thread's FP state at addr, composing it in buf.
func (t *Task) writeFPState(addr uintptr, buf []byte) error {
	n := ring3.FPUSize()
	t.Ctx.SaveFPU(buf[:n])
	sw := abi.FPSWBytes{
		Magic1:       abi.FP_XSTATE_MAGIC1,
		ExtendedSize: uint32(n + abi.FP_XSTATE_MAGIC2_SIZE),
		Features:     ring3.FPUFeatures(),
		XStateSize:   uint32(n),
	}
	sw.MarshalTo(buf)
	putUint32(buf[fpKeyRights:], keyRightsMagic)
	putUint32(buf[fpKeyRights+4:], t.Ctx.PKRU())
	putUint32(buf[n:], abi.FP_XSTATE_MAGIC2)
	_, err := t.CopyOut(addr, buf)
	return err
}
