package task

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
)

func putUint64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
func putUint32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

// SigReturn undoes what pushSignalFrame has done: rt_sigreturn(2). The result
// is what RAX was. A frame that is none ends the process, as a rule.
func (t *Task) SigReturn() uintptr {
	var b [abi.SizeofUContext]byte
	frame := t.Ctx.RSP - 8
	t.restart.block = nil
	if _, err := t.CopyIn(b[:], uintptr(frame+abi.SigFrameUContext)); err != nil {
		t.ForceSignal(kernelSiginfo(abi.SIGSEGV))
		return uintptr(t.Ctx.RAX)
	}
	var uc abi.UContext
	uc.Unmarshal(b[:])
	t.SetBlocked(uc.Sigset)
	t.loadSigContext(&uc.Regs)
	if err := t.readFPState(uc.Regs.FPState); err != nil {
		t.Ctx.ResetFPU()
		t.ForceSignal(kernelSiginfo(abi.SIGSEGV))
	} else {
		t.SigAltStack(&uc.Stack) // what cannot be restored stays as it is
	}
	if !canonical(t.Ctx.RIP) || !validSelectors(&uc) {
		t.ForceSignal(kernelSiginfo(abi.SIGSEGV)) // as IRET would
	}
	return uintptr(t.Ctx.RAX)
}

// validSelectors reports whether the processor would take the selectors of uc
// for a program's: there is one for code and one for stacks. Their lowest bits,
// the privilege, do not count. Who does not ask for it gets his SS mended.
func validSelectors(uc *abi.UContext) bool {
	const level = 3
	return uc.Regs.CS|level == ring3.UserCS &&
		(uc.Regs.SS|level == ring3.UserSS || uc.Flags&abi.UC_STRICT_RESTORE_SS == 0)
}

// loadSigContext loads the general registers. Selectors and those flags that
// are the kernel's own stay: see validSelectors.
func (t *Task) loadSigContext(s *abi.SigContext) {
	c := t.Ctx
	c.R8, c.R9, c.R10, c.R11, c.R12, c.R13, c.R14, c.R15 = s.R8, s.R9, s.R10, s.R11, s.R12, s.R13, s.R14, s.R15
	c.RDI, c.RSI, c.RBP, c.RBX, c.RDX, c.RAX, c.RCX, c.RSP = s.RDI, s.RSI, s.RBP, s.RBX, s.RDX, s.RAX, s.RCX, s.RSP
	c.RIP = s.RIP
	c.RFLAGS = c.RFLAGS&^userFlags | s.RFLAGS&userFlags
	c.CS, c.SS = ring3.UserCS, ring3.UserSS
	c.RestoreAll()
}

// readFPState loads the FP state at addr; 0 stands for the initial one.
func (t *Task) readFPState(addr uint64) error {
	if addr == 0 {
		t.Ctx.ResetFPU()
		t.Ctx.ResetPKRU()
		return nil
	}
	bp := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(bp)
	const legacy = 512
	buf := (*bp)[:fpStateSize()]
	if _, err := t.CopyIn(buf[:legacy], uintptr(addr)); err != nil {
		return err
	}
	n := ring3.FPUSize()
	var sw abi.FPSWBytes
	sw.Unmarshal(buf)
	size := legacy
	if sw.Magic1 == abi.FP_XSTATE_MAGIC1 && int(sw.XStateSize) == n && sw.ExtendedSize >= sw.XStateSize {
		if _, err := t.CopyIn(buf[legacy:], uintptr(addr+legacy)); err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(buf[n:]) == abi.FP_XSTATE_MAGIC2 {
			size = n
		}
	}
	if binary.LittleEndian.Uint32(buf[fpKeyRights:]) == keyRightsMagic {
		t.Ctx.SetPKRU(binary.LittleEndian.Uint32(buf[fpKeyRights+4:]))
	} else {
		t.Ctx.ResetPKRU()
	}
	return t.Ctx.LoadFPU(buf[:size])
}

// canonical reports whether the processor takes addr for an address.
func canonical(addr uint64) bool { return int64(addr<<16)>>16 == int64(addr) }
