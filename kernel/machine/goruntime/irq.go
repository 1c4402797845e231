//go:build baremetal

package goruntime

import "kevlar/kernel/machine/clock"

// deviceInterrupt notes an interrupt of device vector n and makes somebody
// look. Trap context.
//
//go:nosplit
func deviceInterrupt(n uintptr) {
	idleSince := int64(0)
	if threads[current()&(maxThreads-1)].idle {
		idleSince = clock.Nanotime()
	}
	raise(n, idleSince)
	flags := sched.lock.Lock()
	notifyInterrupt()
	sched.lock.Unlock(flags)
}
