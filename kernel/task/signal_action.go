package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task/signal"
)

// SigAction sets the action for sig, if act is not nil, and returns the former
// one: sigaction(2).
func (t *Task) SigAction(sig int, act *abi.SigAction) (abi.SigAction, error) {
	if !abi.ValidSignal(sig) || act != nil && abi.Unblockable.Has(sig) {
		return abi.SigAction{}, abi.EINVAL
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.actions.Get(sig)
	if act == nil {
		return old, nil
	}
	if a := g.actions.Set(sig, *act); signal.Ignores(&a, sig) {
		// What is pending and now ignored is dropped, blocked or not.
		set := abi.SigsetOf(sig)
		g.shared.Flush(set)
		for p := g.threads.head; p != nil; p = p.next {
			p.sig.pending.Flush(set)
			p.recalcPending()
		}
	} else {
		g.timers.wakeLocked(abi.SigsetOf(sig))
	}
	return old, nil
}

// kernelSiginfo describes a signal that the kernel sends for a reason of its
// own.
func kernelSiginfo(sig int) *abi.Siginfo {
	return &abi.Siginfo{Signo: int32(sig), Code: abi.SI_KERNEL}
}

// userSiginfo describes a signal that t sends with kill(2) or tkill(2).
func (t *Task) userSiginfo(sig, code int) *abi.Siginfo {
	info := &abi.Siginfo{Signo: int32(sig), Code: int32(code)}
	info.SetPID(int32(t.TGID()))
	info.SetUID(t.Cred().UID)
	return info
}
