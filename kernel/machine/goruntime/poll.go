//go:build baremetal

package goruntime

import (
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/debugcon"
	"kevlar/kernel/machine/spin"
)

// The descriptors that exist in here: standard output, and what the runtime's
// network poller is made of.
const (
	fdEpoll = 3
	fdEvent = 4 // the poller's own wake-up
	// FDInterrupt is readable after a device interrupt, so that a goroutine
	// can wait for one while its thread does other work.
	FDInterrupt = 5
)

// poll is the state of the one epoll instance; sched.lock guards it.
var poll struct {
	eventData     uintptr // what epoll_ctl attached to each descriptor
	interruptData uintptr
	eventSet      bool // fdEvent was written and not read
	interruptSet  bool // an edge of FDInterrupt is to be reported
	interrupts    uint64
}

func readPseudo(fd, buf, n uintptr) uintptr {
	if n < 8 {
		return errInval
	}
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	switch fd {
	case fdEvent:
		if !poll.eventSet {
			return errAgain
		}
		poll.eventSet = false
		return 8
	case FDInterrupt:
		if poll.interrupts == 0 {
			return errAgain
		}
		poll.interrupts = 0
		return 8
	}
	return errBadF
}

func writePseudo(fd, buf, n uintptr) uintptr {
	switch fd {
	case 1, 2:
		debugcon.Loud()
		for i := uintptr(0); i < n; i++ {
			debugcon.Byte(load8(buf + i))
		}
		return n
	case fdEvent:
		flags := sched.lock.Lock()
		poll.eventSet = true
		wakePoller()
		sched.lock.Unlock(flags)
		return 8
	}
	return errBadF
}

func fcntlPseudo(fd, cmd uintptr) uintptr {
	const getFD, getFlags, readWrite, nonblock = 1, 3, 2, 0x800
	switch {
	case fd > FDInterrupt:
		return errBadF
	case cmd == getFD:
		return 0
	case cmd == getFlags && fd == FDInterrupt:
		return readWrite | nonblock
	case cmd == getFlags:
		return readWrite
	}
	return errInval
}

// epollCtl remembers what is attached to a descriptor: struct epoll_event is
// packed, four bytes of events and eight of data.
func epollCtl(op, fd, event uintptr) uintptr {
	const add = 1
	if op != add {
		return 0
	}
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	switch fd {
	case fdEvent:
		poll.eventData = load64(event + 4)
	case FDInterrupt:
		poll.interruptData = load64(event + 4)
	default:
		return errBadF
	}
	return 0
}

func epollWait(events, max uintptr, timeoutMS int32) uintptr {
	flags := sched.lock.Lock()
	defer unlockSched(flags)
	if n := collect(events); n > 0 || timeoutMS == 0 {
		return n
	}
	deadline := int64(0)
	if timeoutMS > 0 {
		deadline = clock.Nanotime() + int64(timeoutMS)*1_000_000
	}
	threads[current()&(maxThreads-1)].state.Frame.RAX = 0
	block(waitPoll, deadline)
	return blocked
}

// collect stores the pending events at p and returns how many. The runtime
// asks for 128 at least; there are two. sched.lock is held.
//
//go:nosplit
func collect(p uintptr) uintptr {
	const in = 1
	n := uintptr(0)
	if poll.interruptSet && poll.interruptData != 0 {
		poll.interruptSet = false
		store32(p, in)
		store64(p+4, poll.interruptData)
		p += 12
		n++
	}
	if poll.eventSet {
		store32(p, in)
		store64(p+4, poll.eventData)
		n++
	}
	return n
}

// wakePoller gives the pending events to a thread that waits for them.
// sched.lock is held.
//
//go:nosplit
func wakePoller() {
	for i := int32(cpu.MaxCPU); int(i) < highest; i++ {
		t := &threads[i&(maxThreads-1)]
		if t.status != waitPoll {
			continue
		}
		// The events go to that thread's stack, which is mapped: it was
		// zeroed before the call.
		if n := collect(t.state.Frame.RSI); n > 0 {
			t.state.Frame.RAX = n
			makeReady(i, true)
		}
		return
	}
}

// notifyInterrupt makes FDInterrupt readable and the calling CPU look at
// PendingInterrupt. Trap context. sched.lock is held.
//
//go:nosplit
func notifyInterrupt() {
	cpu.Current().Pending |= PendingInterrupt
	poll.interrupts++
	poll.interruptSet = true
	wakePoller()
}

// TakePending returns and clears the calling CPU's pending work.
//
//go:nosplit
func TakePending() uint64 {
	flags := spin.Disable()
	c := cpu.Current()
	p := c.Pending
	c.Pending = 0
	spin.Restore(flags)
	return p
}

// getrandom fills a buffer from the processor's generator, or from the time
// stamps of this moment where it has none: it seeds the runtime's own.
func getrandom(buf, n uintptr) uintptr {
	for i := uintptr(0); i < n; i++ {
		store8(buf+i, byte(clock.Entropy()))
	}
	return n
}
