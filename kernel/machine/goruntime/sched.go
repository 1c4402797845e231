//go:build baremetal

package goruntime

import (
	"sync/atomic"

	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/lapic"
	"kevlar/kernel/machine/spin"
	"kevlar/kernel/machine/usercopy"
)

// quantum is how long a thread runs while others are ready.
const quantum = 2_000_000 // ns

// Bits of cpu.CPU.Pending.
const (
	PendingYield     = 1 << 0 // call Yield before user mode
	PendingInterrupt = 1 << 1 // interrupts wait for Drain
)

// sched is the scheduler of kernel threads: one queue for all CPUs.
var sched struct {
	lock      spin.Lock
	ready     queue
	deadlines deadlines // of the threads that wait
	switches  uint64
}

// percpu is the scheduler's data for each CPU; sched.lock guards it.
var percpu [cpu.MaxCPU]struct {
	armed  int64 // when the timer will fire; 0 if it is stopped
	slice  int64 // end of the running thread's quantum; 0 if nobody waits
	kicked bool  // an IPI is on its way to the idle CPU

	idle      int64 // nanoseconds that the CPU was idle before idleSince
	idleSince int64 // when it became idle; 0 while it is not
}

//go:nosplit
func initSched() { sched.ready.init() }

// makeReady puts thread i into the ready queue, at its head if it is urgent,
// and finds a CPU for it. sched.lock is held.
//
//go:nosplit
func makeReady(i int32, urgent bool) {
	t := &threads[i&(maxThreads-1)]
	t.status, t.wait = ready, 0
	sched.deadlines.set(i, 0, 0)
	sched.ready.push(i, urgent)
	if threads[current()&(maxThreads-1)].idle {
		return // this CPU looks into the queue before it returns
	}
	if id := cpu.Current().ID & (cpu.MaxCPU - 1); !kickIdle() && percpu[id].slice == 0 {
		percpu[id].slice = clock.Nanotime() + quantum
	}
}

// kickIdle makes another CPU that is idle look into the ready queue, and
// reports whether there is one. sched.lock is held.
//
//go:nosplit
func kickIdle() bool {
	me := cpu.Current()
	for n := 0; n < cpu.Count(); n++ {
		c := cpu.Get(n)
		if c != me && atomic.LoadUint32(&c.Online) != 0 && c.FrameEnd == threads[n&(cpu.MaxCPU-1)].frameEnd() && !percpu[n&(cpu.MaxCPU-1)].kicked {
			percpu[n&(cpu.MaxCPU-1)].kicked = true
			lapic.Send(c.APIC, cpu.VectorIPI)
			return true
		}
	}
	return false
}

// schedule gives the calling CPU to the next ready thread, or to its idle
// thread if there is none and the present one cannot go on. The present
// thread has been queued or put to sleep already. sched.lock is held.
//
//go:nosplit
func schedule() {
	me := cpu.Current()
	id := me.ID & (cpu.MaxCPU - 1)
	old := &threads[current()&(maxThreads-1)]
	old.root = 0
	if usercopy.InRange(old.state.Frame.RIP) {
		old.root = me.Root
	}
	old.onCPU = -1
	if old.idle {
		old.status = ready
	}
	next := sched.ready.pop()
	if next < 0 {
		next = int32(id)
	}
	percpu[id].slice = 0
	if !sched.ready.empty() && !kickIdle() {
		percpu[id].slice = clock.Nanotime() + quantum
	}
	sched.switches++
	run(me, next)
}

// run makes thread i the one that resume continues on CPU me.
//
//go:nosplit
func run(me *cpu.CPU, i int32) {
	t := &threads[i&(maxThreads-1)]
	t.status, t.onCPU, t.lastCPU = running, int32(me.ID), int32(me.ID)
	me.FrameEnd = t.frameEnd()
	me.ThreadFS = t.fs
	countIdle(int(me.ID&(cpu.MaxCPU-1)), t.idle)
	me.SetInterruptStack(me.FrameEnd)
	if t.root != 0 && t.root != me.Root {
		me.LoadRoot(t.root)
	}
}

// countIdle notes whether CPU id is idle from now on. sched.lock is held.
//
//go:nosplit
func countIdle(id int, idle bool) {
	p := &percpu[id]
	if idle == (p.idleSince != 0) {
		return
	}
	now := max(clock.Nanotime(), 1)
	if idle {
		p.idleSince = now
		return
	}
	p.idle += now - p.idleSince
	p.idleSince = 0
}

// IdleTime returns how long CPU id has had nothing to run, in nanoseconds.
//
//go:nosplit
func IdleTime(id int) int64 {
	flags := sched.lock.Lock()
	p := &percpu[id&(cpu.MaxCPU-1)]
	n := p.idle
	if p.idleSince != 0 {
		n += clock.Nanotime() - p.idleSince
	}
	sched.lock.Unlock(flags)
	return n
}

// block puts the calling thread to sleep until makeReady, or until deadline if
// that is not 0. sched.lock is held.
//
//go:nosplit
func block(why status, deadline int64) {
	t := &threads[current()&(maxThreads-1)]
	t.status = why
	sched.deadlines.set(current(), deadline, int32(cpu.Current().ID))
	schedule()
}

// yield lets another ready thread run. sched.lock is held.
//
//go:nosplit
func yield() {
	i := current()
	if sched.ready.empty() && !threads[i&(maxThreads-1)].idle {
		return
	}
	if !threads[i&(maxThreads-1)].idle {
		threads[i&(maxThreads-1)].status = ready
		sched.ready.push(i, false)
	}
	schedule()
}

// wakeExpired makes the threads ready whose deadline this CPU keeps and has
// passed; timed-out futex waits get their error. sched.lock is held.
//
//go:nosplit
func wakeExpired(now int64) (woke bool) {
	id := int32(cpu.Current().ID)
	for i := int32(firstThread); ; i++ {
		if i = sched.deadlines.expired(i, id, now); i < 0 {
			return woke
		}
		t := &threads[i&(maxThreads-1)]
		t.state.Frame.RAX = 0
		if t.status == waitFutex {
			t.state.Frame.RAX = errTimedOut
		}
		makeReady(i, true)
		woke = true
	}
}

// armTimer sets the calling CPU's timer to the first thing that it must wake
// for, and stops it if there is none. sched.lock is held.
//
//go:nosplit
func armTimer() {
	id := cpu.Current().ID & (cpu.MaxCPU - 1)
	first := percpu[id].slice
	if at := sched.deadlines.first(int32(id)); at != 0 && (first == 0 || at < first) {
		first = at
	}
	if alarm.when != 0 && alarm.cpu == id && (first == 0 || alarm.when < first) {
		first = alarm.when
	}
	if first == percpu[id].armed {
		return
	}
	percpu[id].armed = first
	if first == 0 {
		lapic.OneShot(0, 0)
		return
	}
	lapic.OneShot(max(first-clock.Nanotime(), 1), clock.TSCAt(first))
}

// timerFired handles the timer interrupt of the calling CPU.
//
//go:nosplit
func timerFired(fromUser bool) {
	me := cpu.Current()
	id := me.ID & (cpu.MaxCPU - 1)
	percpu[id].armed = 0
	now := clock.Nanotime()
	ring(now)
	preempt := wakeExpired(now)
	if percpu[id].slice != 0 && percpu[id].slice <= now {
		percpu[id].slice = 0
		preempt = true
	}
	if preempt && !sched.ready.empty() {
		reschedule(fromUser)
	}
}

// reschedule makes the calling CPU look into the ready queue: at once in ring
// 0, or before ring3.Enter enters user mode. sched.lock is held.
//
//go:nosplit
func reschedule(fromUser bool) {
	if fromUser {
		cpu.Current().Pending |= PendingYield
		return
	}
	yield()
}

// Yield gives other kernel threads their turn: goroutine context calls it
// when CPU.Pending asks for it. It also lets signals for this thread, such as
// the runtime's preemption requests, be delivered.
//
//go:nosplit
func Yield() { schedYield() }

// schedYield is the system call sched_yield, from ring 0.
func schedYield()

// interrupt is the hook for interrupts.
func interrupt(vector uintptr, fromUser uintptr) {
	if vector >= cpu.VectorDevice {
		deviceInterrupt(vector - cpu.VectorDevice)
	}
	lapic.EOI()
	flags := sched.lock.Lock()
	user := fromUser != 0
	switch {
	case vector == cpu.VectorTimer:
		timerFired(user)
	case vector == cpu.VectorIPI:
		sched.lock.Unlock(flags)
		ipi.Serve()
		flags = sched.lock.Lock()
		// Whoever sent it may want the thread here to look up before it
		// enters user mode.
		cpu.Current().Pending |= PendingInterrupt
	}
	if owner := cpu.Current().FPUOwner; !user && owner != 0 {
		store64(owner+cpu.ContextTicks, load64(owner+cpu.ContextTicks)+1)
		cpu.Current().Pending |= PendingInterrupt
	}
	me := current()
	percpu[cpu.Current().ID&(cpu.MaxCPU-1)].kicked = false
	if threads[me&(maxThreads-1)].idle && !sched.ready.empty() {
		schedule()
	}
	if user {
		if threads[me&(maxThreads-1)].sigPending != 0 {
			cpu.Current().Pending |= PendingYield
		}
	} else {
		deliverPending()
	}
	armTimer()
	sched.lock.Unlock(flags)
}

// startOther begins scheduling on another CPU, with its idle thread.
//
//go:nosplit
func startOther(id int) {
	flags := sched.lock.Lock()
	me := cpu.Get(id)
	run(me, int32(id))
	atomic.StoreUint32(&me.Online, 1)
	sched.lock.Unlock(flags)
}
