package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/task/signal"
	"kevlar/kernel/wait"
)

// sendLocked makes the signal that info describes pending for thread t, or for
// its whole process if shared, and wakes who is to take it. by is the calling
// thread, or nil if that is not known. force is set for signals of the
// kernel's own, which reach process 1 too. It returns EAGAIN if
// a real-time signal finds the queue full. The caller holds the group's mu.
func (g *ThreadGroup) sendLocked(by, t *Task, info *abi.Siginfo, shared, force bool) error {
	sig := int(info.Signo)
	if !g.prepareLocked(t, sig, force) {
		return nil
	}
	pending := &t.sig.pending
	if shared {
		pending = &g.shared
	}
	if sig < abi.SIGRTMIN && pending.Set().Has(sig) {
		return nil
	}
	if sig == abi.SIGKILL {
		pending.Mark(sig)
	} else if e := g.newEntry(t, info); e != nil {
		pending.Push(e)
	} else if sig >= abi.SIGRTMIN && info.Code != abi.SI_USER {
		return abi.EAGAIN
	} else {
		pending.Mark(sig)
	}
	g.signalWait.Notify(wait.All)
	g.completeLocked(by, t, sig, shared)
	return nil
}

// newEntry returns a queue entry for info, or nil if the receiving user has
// too many. What the kernel says itself about an ordinary signal is always
// kept.
func (g *ThreadGroup) newEntry(t *Task, info *abi.Siginfo) *signal.Entry {
	u := t.user.Load()
	n := u.pending.Add(1)
	if int(info.Signo) < abi.SIGRTMIN && info.Code >= 0 {
		u.memory.ChargeAnyway(signalCost) // there is one of each at most
	} else if uint64(n) > g.rlimits.Soft(abi.RLIMIT_SIGPENDING) || u.memory.Charge(signalCost) != nil {
		u.pending.Add(-1)
		return nil
	}
	return &signal.Entry{Info: *info, Source: u}
}

// prepareLocked does what a signal does at once, whether it is blocked or not:
// stop signals cancel SIGCONT, and the other way round, and SIGCONT makes a
// stopped process go on. It reports whether the signal is to become pending.
func (g *ThreadGroup) prepareLocked(t *Task, sig int, force bool) bool {
	if g.exiting || g.live == 0 {
		return false // it is dying anyway
	}
	switch {
	case abi.StopSignals.Has(sig):
		g.flushLocked(abi.SigsetOf(abi.SIGCONT))
	case sig == abi.SIGCONT:
		g.flushLocked(abi.StopSignals)
		g.continueLocked()
	}
	if (t.sig.blocked | t.sig.realBlocked).Has(sig) {
		return true
	}
	a := g.actions.Get(sig)
	if g.unkillable && a.Handler == abi.SIG_DFL && !(force && abi.Unblockable.Has(sig)) {
		return false
	}
	return !signal.Ignores(&a, sig)
}

// flushLocked drops the pending signals of set from every queue of g.
func (g *ThreadGroup) flushLocked(set abi.Sigset) {
	g.shared.Flush(set)
	for t := g.threads.head; t != nil; t = t.next {
		t.sig.pending.Flush(set)
	}
}

// completeLocked chooses the thread that takes a signal just made pending, and
// wakes it. A signal that is certain to end the process ends it now.
func (g *ThreadGroup) completeLocked(by, t *Task, sig int, shared bool) {
	if !t.wantsSignal(sig) {
		if !shared || g.threads.n == 1 {
			return
		}
		if t = g.chooseThread(sig); t == nil {
			return // all block it; it waits in the queue
		}
	}
	a := g.actions.Get(sig)
	fatal := sig == abi.SIGKILL || a.Handler == abi.SIG_DFL &&
		!(abi.IgnoredByDefault|abi.StopSignals|abi.CoreSignals).Has(sig)
	if fatal && !g.exiting && !t.sig.realBlocked.Has(sig) && !(g.unkillable && a.Handler == abi.SIG_DFL) {
		g.exitLocked(sig)
		return
	}
	t.notifySignal(by)
}

// chooseThread returns a thread that takes sig now. The search goes round, so
// that signals are spread.
func (g *ThreadGroup) chooseThread(sig int) *Task {
	start := g.current
	if start == nil {
		start = g.threads.head
	}
	for p := start; p != nil; {
		if p.wantsSignal(sig) {
			g.current = p
			return p
		}
		if p = p.next; p == nil {
			p = g.threads.head
		}
		if p == start {
			break
		}
	}
	return nil
}

// wantsSignal reports whether t can take sig soon.
func (t *Task) wantsSignal(sig int) bool {
	switch {
	case t.sig.blocked.Has(sig) || t.sig.exiting:
		return false
	case sig == abi.SIGKILL:
		return true
	case t.sig.stopped:
		return false
	}
	return t.work.Load()&workSignal == 0 || t.group.threads.n == 1
}

// notifySignal makes t look at its pending signals soon. by is the calling
// thread, or nil: it is in the kernel, and looks before it leaves.
func (t *Task) notifySignal(by *Task) {
	t.work.Or(workSignal)
	t.sleeper.Interrupt()
	if t != by && t.State() == Running {
		ring3.Kick(t.Ctx)
	}
}

// killThreadLocked makes t end soon, whatever it does. The caller holds the
// group's mu.
func (t *Task) killThreadLocked() {
	t.work.Or(workKill)
	t.notifySignal(nil)
}

// recalcPending sets or clears the work bit for signals after a change of the
// mask or of what is pending. The caller holds the group's mu.
func (t *Task) recalcPending() {
	g := t.group
	if (t.sig.pending.Set()|g.shared.Set())&^t.sig.blocked != 0 || t.sig.stopPending ||
		g.stop.notify != 0 || t.work.Load()&workKill != 0 {
		t.work.Or(workSignal)
		t.sleeper.Interrupt()
		return
	}
	t.work.And(^uint32(workSignal))
	t.sleeper.ClearInterrupt()
}

// sendGroup sends a signal to the process.
func (g *ThreadGroup) sendGroup(by *Task, info *abi.Siginfo, force bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sendLocked(by, g.leader, info, true, force)
}

// SendSignal sends sig to the process on behalf of the kernel.
func (g *ThreadGroup) SendSignal(sig int) { g.sendGroup(nil, kernelSiginfo(sig), true) }

// SendSignal sends sig to the thread on behalf of the kernel: SIGPIPE,
// SIGXFSZ.
func (t *Task) SendSignal(sig int) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sendLocked(t, t, t.userSiginfo(sig, abi.SI_USER), false, true)
}

// signalLocked sends info to every member of p. The caller holds treeMu.
func (p *ProcessGroup) signalLocked(info *abi.Siginfo) {
	for k := p.members.head; k != nil; k = k.next {
		k.group.sendGroup(nil, info, true)
	}
}

// ForceSignal sends the thread a signal for something that it did itself and
// cannot go on after: if it is blocked or ignored, the default action is
// taken.
func (t *Task) ForceSignal(info *abi.Siginfo) {
	sig := int(info.Signo)
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	blocked := t.sig.blocked.Has(sig)
	a := g.actions.Get(sig)
	if blocked || a.Handler == abi.SIG_IGN {
		g.actions.SetDefault(sig)
		a.Handler = abi.SIG_DFL
		if blocked {
			t.sig.blocked.Del(sig)
		}
	}
	if a.Handler == abi.SIG_DFL {
		g.unkillable = false // process 1 dies of its own faults
	}
	g.sendLocked(t, t, info, false, true)
	t.recalcPending()
}
