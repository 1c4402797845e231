//go:build baremetal

package goruntime

import "kevlar/kernel/machine/clock"

// futexWait puts the thread to sleep while the word at addr is val:
// futex(2), FUTEX_WAIT. timeout points to a relative struct timespec or is 0.
func futexWait(addr uintptr, val uint32, timeout uintptr) uintptr {
	deadline := int64(0)
	if timeout != 0 {
		deadline = clock.Nanotime() + loadTimespec(timeout)
	}
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	if load32(addr) != val {
		return errAgain
	}
	t := &threads[current()&(maxThreads-1)]
	t.wait = addr
	t.state.Frame.RAX = 0
	block(waitFutex, deadline)
	return blocked
}

// futexWake wakes up to n threads that wait at addr and returns how many.
func futexWake(addr uintptr, n uint32) uintptr {
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	woken := uint32(0)
	for i := int32(0); int(i) < highest && woken < n; i++ {
		t := &threads[i&(maxThreads-1)]
		if t.status == waitFutex && t.wait == addr {
			makeReady(i, false)
			woken++
		}
	}
	return uintptr(woken)
}
