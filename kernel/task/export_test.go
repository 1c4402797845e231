package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// HandleSignals lets tests deliver signals from inside of the kernel.
func (t *Task) HandleSignals() bool { return t.handleSignals() }

// SetLastID makes the search for a free ID go on after n.
func SetLastID(n int) {
	treeMu.Lock()
	defer treeMu.Unlock()
	allPIDs.last = n
}

// PendingSignals returns the signals that are pending for the process as a
// whole, or SIGKILL if it is ending.
func (g *ThreadGroup) PendingSignals() abi.Sigset {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return abi.SigsetOf(abi.SIGKILL)
	}
	return g.shared.Set()
}

// Reap ends what the killer has dropped, for ever.
func Reap() { reap() }

// DropAsKiller drops a reference on t as the killer does.
func DropAsKiller(t *vfs.FDTable) {
	oom.mu.Lock()
	defer oom.mu.Unlock()
	oom.dropped.tables.Unref(t)
	oom.dropped.leave()
}

// ForgetPanics makes the number of contained panics n again.
func ForgetPanics(n uint64) { containedPanics.Store(n) }
