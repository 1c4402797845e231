package mm

import "kevlar/kernel/abi"

// A Caller is the thread on whose behalf an address space changes. nil stands
// for one without privileges that nobody kills.
type Caller interface {
	// Killed reports whether the thread is to die, so that bringing in more
	// memory for it is of no use.
	Killed() bool
	// HasCap reports whether the thread has the capability abi.CAP_*.
	HasCap(capability int) bool
}

func killed(c Caller) bool { return c != nil && c.Killed() }

func hasCap(c Caller, capability int) bool { return c != nil && c.HasCap(capability) }

// mayLockAny reports whether RLIMIT_MEMLOCK does not bind c.
func mayLockAny(c Caller) bool { return hasCap(c, abi.CAP_IPC_LOCK) }
