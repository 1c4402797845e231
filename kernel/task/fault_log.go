package task

import (
	"fmt"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// faultLog keeps programs that crash again and again from flooding the log.
var faultLog = klog.NewLimiter(10, 5e9)

// exceptionNames are Linux's for the exceptions that end a program.
var exceptionNames = map[uint64]string{
	vectorDE: "trap divide error",
	vectorDB: "trap debug",
	vectorBP: "trap int3",
	vectorOF: "trap overflow",
	vectorBR: "trap bounds",
	vectorUD: "trap invalid opcode",
	vectorTS: "trap invalid TSS",
	vectorNP: "trap segment not present",
	vectorSS: "trap stack segment",
	vectorGP: "general protection fault",
	vectorMF: "trap fp exception",
	vectorAC: "trap alignment check",
	vectorXM: "trap simd exception",
}

// logFault logs the exception that c is the state of, if the signal sig for it
// will end the process, in the words of Linux on x86.
func (t *Task) logFault(sig int) {
	if !t.isFatal(sig) || !faultLog.Allow() {
		return
	}
	c := t.Ctx
	text := fmt.Sprintf("traps: %s[%d] %s ip:%x sp:%x error:%x", t.Comm(), t.TID(), exceptionNames[c.Trap], c.RIP, c.RSP, c.Err)
	if c.Trap == vectorPF {
		// Whether there was a page and what was tried; and that it was the
		// user.
		what := c.Err&(ring3.FaultPresent|ring3.FaultWrite|ring3.FaultExec|ring3.FaultKey) | ring3.FaultUser
		text = fmt.Sprintf("%s[%d]: segfault at %x ip %016x sp %016x error %x", t.Comm(), t.TID(), c.CR2, c.RIP, c.RSP, what)
	}
	klog.Print(klog.Info, text+t.place(uintptr(c.RIP)))
}

// isFatal reports whether sig, which cannot be put off, ends the process.
func (t *Task) isFatal(sig int) bool {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.sig.blocked.Has(sig) || t.group.actions.Get(sig).Handler <= abi.SIG_IGN
}

// place tells which file is mapped at addr, and where; "" if none is.
func (t *Task) place(addr uintptr) (text string) {
	t.mm.VMAs(func(v mm.VMAInfo) bool {
		if addr >= v.End {
			return true
		}
		if f, ok := v.File.(*vfs.File); ok && addr >= v.Start {
			text = fmt.Sprintf(" in %s[%x+%x]", f.Path().Dentry.Name(), v.Start, v.End-v.Start)
		}
		return false
	})
	return text
}
