package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task/signal"
)

// signalState is the part of a thread that belongs to signals. It is guarded
// by the group's mu; the owner reads blocked without it, since only the owner
// changes it.
type signalState struct {
	pending signal.Queue
	blocked abi.Sigset
	// realBlocked is the mask while sigtimedwait(2) has unblocked what it
	// waits for: those signals must not end the process.
	realBlocked abi.Sigset
	// saved is the mask to return to when workMask is set.
	saved abi.Sigset
	alt   abi.SigAltStack
	// timers are the POSIX timers on the thread's CPU clock.
	timers ktime.Queue

	exiting      bool // takes no more signals
	counted      bool // its usage is in group.dead
	stopPending  bool // must stop before it returns to user mode
	stopped      bool
	stopDequeued bool // has taken a stop signal that SIGCONT has not cancelled

	// What is being delivered, the owner's alone.
	info   abi.Siginfo
	action abi.SigAction
	// Registers of the last exception, for the frame.
	trap, trapErr, trapAddr uint64
}

// nextSignal takes pending signals until one is found that a handler is to
// run for, and returns its number; info and action are set. It stops the
// thread where that is due. It returns 0 if there is no more, or if the
// thread is to end.
func (t *Task) nextSignal() int {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		t.sleeper.ClearInterrupt()
		if t.work.Load()&workKill != 0 {
			return 0
		}
		if code := g.stop.notify; code != 0 {
			g.stop.notify = 0
			g.notifyUnlocked(int32(code))
			continue
		}
		if t.sig.stopPending {
			t.parkStopped()
			continue
		}
		sig := t.dequeueLocked(t.sig.blocked)
		if sig == 0 {
			t.recalcPending()
			return 0
		}
		t.sig.action = g.actions.Take(sig)
		switch a := &t.sig.action; {
		case a.Handler > abi.SIG_IGN:
			t.recalcPending()
			return sig
		case signal.Ignores(a, sig), g.unkillable && !abi.Unblockable.Has(sig):
		case abi.StopSignals.Has(sig):
			if sig != abi.SIGSTOP && t.orphanedUnlocked() {
				continue
			}
			t.stopLocked(sig)
		default:
			g.exitLocked(sig)
			return 0
		}
	}
}

// orphanedUnlocked reports whether t's process group is orphaned, in which
// terminal stop signals do nothing. The group's mu, held at entry and return,
// is released in between.
func (t *Task) orphanedUnlocked() bool {
	t.group.mu.Unlock()
	defer t.group.mu.Lock()
	return t.OrphanedPGrp()
}

// dequeueLocked takes the next signal outside of blocked and stores what it
// tells in t.sig.info. It returns 0 if there is none.
func (t *Task) dequeueLocked(blocked abi.Sigset) int {
	g := t.group
	p := &t.sig.pending
	sig := p.First(blocked)
	if sig == 0 {
		p = &g.shared
		sig = p.First(blocked)
	} else if !abi.SynchronousSignals.Has(sig) {
		if s := g.shared.First(blocked); s != 0 && abi.SynchronousSignals.Has(s) {
			p, sig = &g.shared, s
		}
	}
	if sig == 0 {
		return 0
	}
	p.Take(sig, &t.sig.info)
	if abi.StopSignals.Has(sig) {
		t.sig.stopDequeued = true
	}
	if sig == abi.SIGALRM && p == &g.shared {
		g.rearmRealLocked()
	}
	return sig
}

// handleSignals does what is due before the return to user mode: signals,
// stops, restarts. It reports whether the thread is to end instead.
func (t *Task) handleSignals() (end bool) {
	for {
		sig := t.nextSignal()
		w := t.work.Load()
		if w&(workKill|workExit) != 0 {
			return true
		}
		if sig == 0 {
			t.restartPlain()
			if w&workMask != 0 {
				t.restoreMask()
				continue
			}
			return false
		}
		t.restartForHandler(&t.sig.action)
		if err := t.pushSignalFrame(sig); err != nil {
			t.badFrame(sig)
			continue
		}
		t.handlerEntered(sig)
	}
}

// handlerEntered blocks what the handler for sig asks for.
func (t *Task) handlerEntered(sig int) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.work.And(^uint32(workMask))
	mask := t.sig.blocked | t.sig.action.Mask
	if t.sig.action.Flags&abi.SA_NODEFER == 0 {
		mask.Add(sig)
	}
	t.setBlockedLocked(mask)
	if t.sig.alt.Flags&abi.SS_AUTODISARM != 0 {
		t.sig.alt = abi.SigAltStack{Flags: abi.SS_DISABLE}
	}
}

// badFrame ends the process, as a rule, because the frame for sig could not be
// written.
func (t *Task) badFrame(sig int) {
	if sig == abi.SIGSEGV {
		t.group.mu.Lock()
		t.group.actions.SetDefault(sig)
		t.group.mu.Unlock()
	}
	t.ForceSignal(kernelSiginfo(abi.SIGSEGV))
}
