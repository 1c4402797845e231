package task

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
)

// SignalHandlers is the table of a process's signal actions. CLONE_SIGHAND
// without CLONE_THREAD shares it between processes. Its lock is taken after a
// group's.
type SignalHandlers struct {
	mu      sync.Mutex
	users   int          // processes; guarded by mu
	actions *actionTable // guarded by mu; changed by way of own
}

// An actionTable holds actions by signal number. A fork shares the parent's
// until either changes it: most never do.
type actionTable struct {
	shared atomic.Bool // more than one SignalHandlers may have it: read-only
	by     [abi.NSIG + 1]abi.SigAction
}

// newSignalHandlers returns a table for one process with every action the
// default.
func newSignalHandlers() *SignalHandlers {
	return &SignalHandlers{users: 1, actions: new(actionTable)}
}

// own returns the actions to be changed. The caller holds h.mu.
func (h *SignalHandlers) own() *[abi.NSIG + 1]abi.SigAction {
	if h.actions.shared.Load() {
		h.actions = &actionTable{by: h.actions.by}
	}
	return &h.actions.by
}

// actionFlags are the flags that sigaction(2) knows; others are cleared, by
// which a program finds out what the kernel supports.
const actionFlags = abi.SA_NOCLDSTOP | abi.SA_NOCLDWAIT | abi.SA_SIGINFO | abi.SA_ONSTACK |
	abi.SA_RESTART | abi.SA_NODEFER | abi.SA_RESETHAND | abi.SA_EXPOSE_TAGBITS | abi.SA_RESTORER

func (h *SignalHandlers) get(sig int) abi.SigAction {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.actions.by[sig]
}

// take returns the action for a signal that is being delivered; SA_RESETHAND
// resets it.
func (h *SignalHandlers) take(sig int) abi.SigAction {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.actions.by[sig]
	if a.Handler > abi.SIG_IGN && a.Flags&abi.SA_RESETHAND != 0 {
		h.own()[sig].Handler = abi.SIG_DFL
	}
	return a
}

func (h *SignalHandlers) setDefault(sig int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own()[sig].Handler = abi.SIG_DFL
}

// copy returns a table of its own with the same actions. clear resets all but
// ignored signals to the default: CLONE_CLEAR_SIGHAND.
func (h *SignalHandlers) copy(clear bool) *SignalHandlers {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.actions.shared.Store(true)
	n := &SignalHandlers{users: 1, actions: h.actions}
	if clear {
		n.reset()
	}
	return n
}

func (h *SignalHandlers) share() *SignalHandlers {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users++
	return h
}

func (h *SignalHandlers) put() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
}

// unshare returns a table that only the caller has: h if that is so already.
func (h *SignalHandlers) unshare() *SignalHandlers {
	h.mu.Lock()
	alone := h.users == 1
	h.mu.Unlock()
	if alone {
		return h
	}
	n := h.copy(false)
	h.put()
	return n
}

// reset puts the table into the state that execve(2) leaves: ignored signals
// stay ignored, everything else is the default. The table is the caller's own
// or its lock is held.
func (h *SignalHandlers) reset() {
	for i := range h.actions.by {
		a := abi.SigAction{Handler: h.actions.by[i].Handler}
		if a.Handler != abi.SIG_IGN {
			a.Handler = abi.SIG_DFL
		}
		if a != h.actions.by[i] {
			h.own()[i] = a
		}
	}
}

// ignores reports whether action a for sig does nothing.
func ignores(a *abi.SigAction, sig int) bool {
	return a.Handler == abi.SIG_IGN ||
		a.Handler == abi.SIG_DFL && abi.IgnoredByDefault.Has(sig)
}

// SigAction sets the action for sig, if act is not nil, and returns the former
// one: sigaction(2).
func (t *Task) SigAction(sig int, act *abi.SigAction) (abi.SigAction, error) {
	if !abi.ValidSignal(sig) || act != nil && abi.Unblockable.Has(sig) {
		return abi.SigAction{}, abi.EINVAL
	}
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.handlers.get(sig)
	old.Flags &= actionFlags
	if act == nil {
		return old, nil
	}
	a := *act
	a.Flags &= actionFlags
	a.Mask &^= abi.Unblockable
	g.handlers.mu.Lock()
	g.handlers.own()[sig] = a
	g.handlers.mu.Unlock()
	if ignores(&a, sig) {
		// What is pending and now ignored is dropped, blocked or not.
		set := abi.SigsetOf(sig)
		g.shared.flush(set)
		for p := g.threads.head; p != nil; p = p.next {
			p.sig.pending.flush(set)
			p.recalcPending()
		}
	} else {
		g.timers.wakeLocked(abi.SigsetOf(sig))
	}
	return old, nil
}
