//go:build baremetal

package goruntime

import (
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/spin"
)

// Init prepares everything for the Go runtime's first instruction. The boot
// CPU calls it, in boot context with interrupts off; it reports whether there
// was enough memory. idleStack is the end of a small stack for the idle loop.
//
//go:nosplit
func Init(idleStack uintptr) bool {
	installHooks()
	initSched()
	if !initVM() {
		return false
	}
	initIdle(0, idleStack)
	initBootThread()
	cpu.Current().Online = 1
	return true
}

// StartOther makes the calling CPU, whose structure is ready, run threads. Its
// entry code goes on with the idle thread.
//
//go:nosplit
func StartOther(id int, idleStack uintptr) {
	initIdle(id, idleStack)
	startOther(id)
}

func installHooks()

// Stats are counts since boot.
type Stats struct {
	Switches uint64 // changes of thread
	Threads  int    // threads that exist, idle ones not counted
}

// ReadStats returns the present counts.
//
//go:nosplit
func ReadStats() Stats {
	flags := sched.lock.Lock()
	s := Stats{Switches: sched.switches}
	for i := cpu.MaxCPU; i < highest; i++ {
		if threads[i&(maxThreads-1)].status != free {
			s.Threads++
		}
	}
	sched.lock.Unlock(flags)
	return s
}

// MoveStacks makes the calling CPU use other trap stacks. Only the boot CPU
// does, while it is alone.
//
//go:nosplit
func MoveStacks(s cpu.Stacks) {
	flags := spin.Disable()
	cpu.Current().SetStacks(s)
	spin.Restore(flags)
}
