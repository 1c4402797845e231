package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// groupStop is where a process is on its way into or out of a job-control
// stop. It is guarded by the group's mu.
type groupStop struct {
	sig     int  // what stops it
	count   int  // threads that are yet to stop
	stopped bool // all threads have stopped
	// report is the signal that wait is yet to be told of, 0 for none;
	// continued says the same of the end of a stop.
	report    int
	continued bool
	// notify is the CLD_ code that a woken thread is to tell the parent.
	notify int
}

// isStopped reports whether every thread is stopped, or about to be.
func (g *ThreadGroup) isStopped() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stop.stopped
}

// stopLocked begins to stop the process because t has dequeued sig. Every
// thread stops as soon as it is about to return to user mode.
func (t *Task) stopLocked(sig int) {
	g := t.group
	if !t.sig.stopDequeued || g.exiting || g.execTask != nil {
		return // SIGCONT came in between, or there is nothing to stop any more
	}
	g.stop.sig, g.stop.count = sig, 0
	for p := g.threads.head; p != nil; p = p.next {
		if p.sig.exiting || p.sig.stopped {
			continue
		}
		p.sig.stopPending = true
		g.stop.count++
		if p != t {
			p.notifySignal(nil)
		}
	}
}

// parkStopped stops the calling thread until SIGCONT or its end. The group's
// mu is held at entry and at return.
func (t *Task) parkStopped() {
	g := t.group
	t.sig.stopPending = false
	t.sig.stopped, t.inStop = true, true
	t.state.Store(uint32(Stopped))
	if g.countStoppedLocked() {
		g.notifyUnlocked(abi.CLD_STOPPED)
	}
	for t.sig.stopped && t.work.Load()&workKill == 0 {
		t.sleepUnlocked()
	}
	t.sig.stopped, t.inStop = false, false
	t.state.Store(uint32(Running))
}

// countStoppedLocked counts one thread as stopped, and reports whether it was
// the last: the process is stopped now and the parent is to be told.
func (g *ThreadGroup) countStoppedLocked() bool {
	if g.stop.count > 0 {
		g.stop.count--
	}
	if g.stop.count > 0 || g.stop.stopped {
		return false
	}
	g.stop.stopped = true
	g.stop.report, g.stop.continued = g.stop.sig, false
	return true
}

// continueLocked ends a stop, or one that is under way.
func (g *ThreadGroup) continueLocked() {
	switch {
	case g.stop.stopped:
		g.stop.notify = abi.CLD_CONTINUED
	case g.stop.count > 0:
		g.stop.notify = abi.CLD_STOPPED
	}
	if g.stop.notify != 0 {
		g.stop.stopped, g.stop.continued = false, true
		g.stop.report, g.stop.count = 0, 0
	}
	for t := g.threads.head; t != nil; t = t.next {
		t.sig.stopPending, t.sig.stopDequeued = false, false
		if t.sig.stopped {
			t.sig.stopped = false
			t.sleeper.Wake()
		}
	}
	if g.stop.notify != 0 {
		// One of them tells the parent on its way.
		g.threads.head.notifySignal(nil)
		for t := g.threads.head; t != nil; t = t.next {
			if !t.sig.exiting {
				t.notifySignal(nil)
				break
			}
		}
	}
}

// sleepUnlocked sleeps until the thread is woken. The group's mu, held at entry
// and return, is released in between.
func (t *Task) sleepUnlocked() {
	t.group.mu.Unlock()
	defer t.group.mu.Lock()
	t.sleeper.SleepUninterruptible()
}

// notifyUnlocked is notifyParentStop for a caller that holds mu, which is
// released meanwhile.
func (g *ThreadGroup) notifyUnlocked(code int32) {
	g.mu.Unlock()
	defer g.mu.Lock()
	g.notifyParentStop(code)
}

// notifyParentStop tells the parent that the process has stopped or goes on.
func (g *ThreadGroup) notifyParentStop(code int32) {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p := g.parent
	if p == nil {
		return
	}
	info := g.childSiginfo(code)
	status := int32(abi.SIGCONT)
	if code == abi.CLD_STOPPED {
		g.mu.Lock()
		status = int32(g.stop.sig)
		g.mu.Unlock()
	}
	info.SetStatus(status)
	func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		a := p.actions.Get(abi.SIGCHLD)
		if a.Handler != abi.SIG_IGN && a.Flags&abi.SA_NOCLDSTOP == 0 {
			p.sendLocked(nil, p.leader, info, true, false)
		}
	}()
	p.childWait.Notify(wait.All)
}
