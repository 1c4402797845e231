package signal

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
)

// Actions is the table of a process's signal actions. CLONE_SIGHAND without
// CLONE_THREAD shares it between processes. Its lock is a leaf.
type Actions struct {
	mu    sync.Mutex
	users int    // processes; guarded by mu
	table *table // guarded by mu; changed by way of own
}

// A table holds actions by signal number. A fork shares the parent's until
// either changes it: most never do.
type table struct {
	shared atomic.Bool // more than one Actions may have it: read-only
	by     [abi.NSIG + 1]abi.SigAction
}

// NewActions returns a table for one process with every action the default.
func NewActions() *Actions { return &Actions{users: 1, table: new(table)} }

// own returns the actions to be changed. The caller holds a.mu.
func (a *Actions) own() *[abi.NSIG + 1]abi.SigAction {
	if a.table.shared.Load() {
		a.table = &table{by: a.table.by}
	}
	return &a.table.by
}

// knownFlags are the flags that sigaction(2) knows; others are cleared, by
// which a program finds out what the kernel supports.
const knownFlags = abi.SA_NOCLDSTOP | abi.SA_NOCLDWAIT | abi.SA_SIGINFO | abi.SA_ONSTACK |
	abi.SA_RESTART | abi.SA_NODEFER | abi.SA_RESETHAND | abi.SA_EXPOSE_TAGBITS | abi.SA_RESTORER

// Get returns the action for sig.
func (a *Actions) Get(sig int) abi.SigAction {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.table.by[sig]
}

// Set sets the action for sig, without flags that are not known and without
// signals in the mask that cannot be blocked, and returns it as it is then.
func (a *Actions) Set(sig int, act abi.SigAction) abi.SigAction {
	act.Flags &= knownFlags
	act.Mask &^= abi.Unblockable
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own()[sig] = act
	return act
}

// SetDefault makes the action for sig the default one, with its flags.
func (a *Actions) SetDefault(sig int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own()[sig].Handler = abi.SIG_DFL
}

// Take returns the action for a signal that is being delivered; SA_RESETHAND
// resets it.
func (a *Actions) Take(sig int) abi.SigAction {
	a.mu.Lock()
	defer a.mu.Unlock()
	act := a.table.by[sig]
	if act.Handler > abi.SIG_IGN && act.Flags&abi.SA_RESETHAND != 0 {
		a.own()[sig].Handler = abi.SIG_DFL
	}
	return act
}

// Sets returns the signals that are ignored and those that have a handler.
func (a *Actions) Sets() (ignored, caught abi.Sigset) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for sig := 1; sig <= abi.NSIG; sig++ {
		switch a.table.by[sig].Handler {
		case abi.SIG_DFL:
		case abi.SIG_IGN:
			ignored.Add(sig)
		default:
			caught.Add(sig)
		}
	}
	return ignored, caught
}

// Copy returns a table of its own with the same actions. clear resets all but
// ignored signals to the default: CLONE_CLEAR_SIGHAND.
func (a *Actions) Copy(clear bool) *Actions {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.table.shared.Store(true)
	n := &Actions{users: 1, table: a.table}
	if clear {
		n.resetLocked()
	}
	return n
}

// Share makes one process more use a, which it returns.
func (a *Actions) Share() *Actions {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users++
	return a
}

// Put makes one process less use a.
func (a *Actions) Put() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users--
}

// Shared reports whether more than one process uses a.
func (a *Actions) Shared() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.users > 1
}

// Unshare returns a table that only the caller has: a if that is so already.
func (a *Actions) Unshare() *Actions {
	if !a.Shared() {
		return a
	}
	n := a.Copy(false)
	a.Put()
	return n
}

// Reset puts the table into the state that execve(2) leaves: ignored signals
// stay ignored, everything else is the default.
func (a *Actions) Reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resetLocked()
}

func (a *Actions) resetLocked() {
	for i := range a.table.by {
		act := abi.SigAction{Handler: a.table.by[i].Handler}
		if act.Handler != abi.SIG_IGN {
			act.Handler = abi.SIG_DFL
		}
		if act != a.table.by[i] {
			a.own()[i] = act
		}
	}
}

// Ignores reports whether action act for sig does nothing.
func Ignores(act *abi.SigAction, sig int) bool {
	return act.Handler == abi.SIG_IGN ||
		act.Handler == abi.SIG_DFL && abi.IgnoredByDefault.Has(sig)
}
