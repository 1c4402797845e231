package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// What the objects of this package cost of the kernel's memory, in bytes, with
// all that hangs on them; package kmem tells of charges. Process groups and
// sessions are no more than processes, and their cost is in that.
const (
	// threadCost is a thread that runs; endedCost of it stays until somebody
	// has waited for the process.
	threadCost = endedCost + 12<<10 // the goroutine's stack, its registers
	endedCost  = 4 << 10
	// processCost is what the threads of a process have together: directories,
	// signal actions, limits, interval timers. The table of descriptors has a
	// charge of its own.
	processCost = 6 << 10
	timerCost   = 640 // a POSIX timer with its signal
	signalCost  = 256 // a queued signal
	// groupsFree is how many supplementary groups a thread has for nothing.
	groupsFree = 64
)

// groupsCost returns what n supplementary groups cost. Threads share lists,
// but each pays for its own: the last one keeps it.
func groupsCost(n int) int64 {
	if n <= groupsFree {
		return 0
	}
	return 4 * int64(n)
}

// charge adds n bytes to what t is charged for, or fails with EAGAIN.
func (t *Task) charge(n int64) error {
	if t.account.Charge(n) != nil {
		return abi.EAGAIN
	}
	t.charged += n
	return nil
}

// uncharge takes n bytes off. After the thread's end the caller holds treeMu.
func (t *Task) uncharge(n int64) {
	t.account.Uncharge(n)
	t.charged -= n
}

// chargeProcess charges g, or fails with EAGAIN.
func (g *ThreadGroup) chargeProcess(a *kmem.Account) error {
	if a.Charge(processCost) != nil {
		return abi.EAGAIN
	}
	g.account = a
	return nil
}
