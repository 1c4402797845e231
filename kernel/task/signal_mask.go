package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// Blocked returns the thread's signal mask.
func (t *Task) Blocked() abi.Sigset { return t.sig.blocked }

// setBlockedLocked sets the signal mask. Signals that the thread no longer
// takes are handed to threads that do. The caller holds the group's mu.
func (t *Task) setBlockedLocked(mask abi.Sigset) {
	mask &^= abi.Unblockable
	added := mask &^ t.sig.blocked
	t.sig.blocked = mask
	if added != 0 {
		t.group.timers.wakeLocked(added)
		if t.group.threads.n > 1 {
			t.retargetLocked(added)
		}
	}
	t.recalcPending()
}

// retargetLocked wakes other threads for the shared signals of set that t will
// not take.
func (t *Task) retargetLocked(set abi.Sigset) {
	left := t.group.shared.Set() & set
	for p := t.group.threads.head; p != nil && left != 0; p = p.next {
		if p == t || p.sig.exiting || left&^p.sig.blocked == 0 {
			continue
		}
		left &= p.sig.blocked
		p.notifySignal(nil)
	}
}

// SetBlocked sets the thread's signal mask.
func (t *Task) SetBlocked(mask abi.Sigset) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.setBlockedLocked(mask)
}

// SigProcMask changes the mask as how says and returns the former one:
// sigprocmask(2).
func (t *Task) SigProcMask(how int, set abi.Sigset) (abi.Sigset, error) {
	old := t.sig.blocked
	switch how {
	case abi.SIG_BLOCK:
		set = old | set
	case abi.SIG_UNBLOCK:
		set = old &^ set
	case abi.SIG_SETMASK:
	default:
		return old, abi.EINVAL
	}
	t.SetBlocked(set)
	return old, nil
}

// SigPending returns the signals that are pending for the thread or its
// process, and blocked: sigpending(2).
func (t *Task) SigPending() abi.Sigset {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return (t.sig.pending.Set() | t.group.shared.Set()) & t.sig.blocked
}

// PushMask sets the signal mask for the length of one system call: ppoll(2).
// PopMask must follow.
func (t *Task) PushMask(mask abi.Sigset) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.sig.saved = t.sig.blocked
	t.work.Or(workMask)
	t.setBlockedLocked(mask)
}

// PopMask ends what PushMask began. If the call was interrupted, which is to
// say that it returns a restart code, the mask stays until the signal has been
// delivered, whose handler returns to the former one.
func (t *Task) PopMask(interrupted bool) {
	if interrupted {
		return
	}
	t.restoreMask()
}

// restoreMask sets the mask that was saved.
func (t *Task) restoreMask() {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.work.And(^uint32(workMask))
	t.setBlockedLocked(t.sig.saved)
}

// SigSuspend waits with the mask set for a signal: sigsuspend(2).
func (t *Task) SigSuspend(mask abi.Sigset) error {
	t.PushMask(mask)
	return t.Pause()
}

// Pause waits for a signal: pause(2).
func (t *Task) Pause() error {
	for t.sleeper.Sleep(1<<63-1) == nil {
	}
	return abi.ERESTARTNOHAND
}

// SigTimedWait takes a pending signal of set, waiting for one until deadline:
// sigtimedwait(2). It returns EAGAIN when there was none.
func (t *Task) SigTimedWait(set abi.Sigset, deadline int64) (abi.Siginfo, error) {
	set &^= abi.Unblockable
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	sig := t.dequeueLocked(^set)
	if sig == 0 && deadline > 0 {
		t.sig.realBlocked = t.sig.blocked
		t.sig.blocked &^= set
		t.recalcPending()
		err := t.interruptUnlocked(deadline)
		t.sig.blocked, t.sig.realBlocked = t.sig.realBlocked, 0
		sig = t.dequeueLocked(^set)
		t.recalcPending()
		if sig == 0 && err != abi.ETIMEDOUT {
			return abi.Siginfo{}, abi.EINTR
		}
	} else if sig != 0 {
		t.recalcPending()
	}
	if sig == 0 {
		return abi.Siginfo{}, abi.EAGAIN
	}
	return t.sig.info, nil
}

// interruptUnlocked sleeps until a signal comes or until deadline, and returns
// which it was. The group's mu, held at entry and return, is released in
// between.
func (t *Task) interruptUnlocked(deadline int64) (err error) {
	t.group.mu.Unlock()
	defer t.group.mu.Lock()
	for err == nil {
		err = t.sleeper.Sleep(deadline)
	}
	return err
}

// DequeueSignal takes a pending signal of set without waiting: signalfd(2).
func (t *Task) DequeueSignal(set abi.Sigset) (abi.Siginfo, bool) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.dequeueLocked(^set|abi.Unblockable) == 0 {
		return abi.Siginfo{}, false
	}
	t.recalcPending()
	return t.sig.info, true
}

// HasSignal reports whether a signal of set is pending for the thread or its
// process: signalfd(2).
func (t *Task) HasSignal(set abi.Sigset) bool {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return (t.sig.pending.Set()|t.group.shared.Set())&set != 0
}

// SignalQueue returns the queue that is notified when a signal becomes pending
// for the thread or its process.
func (t *Task) SignalQueue() *wait.Queue { return &t.group.signalWait }

// SigAltStack sets the alternate signal stack, if s is not nil, and returns the
// former one: sigaltstack(2).
func (t *Task) SigAltStack(s *abi.SigAltStack) (abi.SigAltStack, error) {
	old := t.sig.alt
	old.Flags = t.altStackFlags(t.Ctx.RSP) | t.sig.alt.Flags&abi.SS_AUTODISARM
	if s == nil {
		return old, nil
	}
	if t.onAltStack(t.Ctx.RSP) {
		return old, abi.EPERM
	}
	n := *s
	switch n.Flags &^ abi.SS_AUTODISARM {
	case abi.SS_DISABLE:
		n.SP, n.Size = 0, 0
	case abi.SS_ONSTACK, 0:
		if n.Size < abi.MINSIGSTKSZ {
			return old, abi.ENOMEM
		}
	default:
		return old, abi.EINVAL
	}
	t.sig.alt = n
	return old, nil
}

// onAltStack reports whether sp is on the alternate stack. One that is
// disarmed while a handler runs on it never is.
func (t *Task) onAltStack(sp uint64) bool {
	a := &t.sig.alt
	return a.Flags&abi.SS_AUTODISARM == 0 && sp > a.SP && sp-a.SP <= a.Size
}

// altStackFlags returns what sigaltstack(2) tells of the state of the
// alternate stack.
func (t *Task) altStackFlags(sp uint64) uint32 {
	switch {
	case t.sig.alt.Size == 0:
		return abi.SS_DISABLE
	case t.onAltStack(sp):
		return abi.SS_ONSTACK
	}
	return 0
}
