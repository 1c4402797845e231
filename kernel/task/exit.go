package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/wait"
)

// Exit makes the calling thread end with the status when its system call
// returns: exit(2).
func (t *Task) Exit(status int) {
	t.exitCode = status & 0xff << 8
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.work.Or(workExit)
}

// ExitGroup makes the whole process end with the status: exit_group(2).
func (t *Task) ExitGroup(status int) { t.GroupExit(status & 0xff << 8) }

// GroupExit makes the whole process end. status is what wait reports: an exit
// status in bits 8 to 15, or a signal.
func (t *Task) GroupExit(status int) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.group.exitLocked(status)
}

// exitLocked makes every thread end. The caller holds g.mu.
func (g *ThreadGroup) exitLocked(status int) {
	if g.exiting {
		return
	}
	g.exiting, g.exitStatus = true, status
	for t := g.threads.head; t != nil; t = t.next {
		t.sig.stopPending = false
		if !t.sig.exiting {
			t.killThreadLocked()
		}
	}
}

// end gives back everything the thread has. It runs on the thread's goroutine
// and is the last thing to do so. Each step runs even if another panics.
func (t *Task) end() {
	var last bool
	t.guard(func() {
		var stopped bool
		if last, stopped = t.leaveSignals(); stopped {
			t.group.notifyParentStop(abi.CLD_STOPPED)
		}
	})
	t.guard(t.releaseFutexes)
	if last {
		t.guard(t.group.stopTimers)
		t.guard(t.group.leaveSession)
	}
	t.guard(t.releaseMM)
	t.guard(t.releaseFiles)
	t.guard(t.finishVfork)
	t.cpu.off()
	t.Ctx.Release()
	t.guard(t.leaveTree)
}

// leaveSignals makes the thread take no more signals, and hands on those that
// it would have taken. It reports whether this is the last thread, and whether
// the others were only waiting for it to be stopped.
func (t *Task) leaveSignals() (last, stopped bool) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.sig.exiting = true
	g.live--
	last = g.live == 0
	if last && !g.exiting {
		g.exiting, g.exitStatus = true, t.exitCode
	}
	if g.exiting {
		t.exitCode = g.exitStatus
	}
	t.sig.pending.flush(^abi.Sigset(0))
	if !g.exiting {
		t.retargetLocked(^t.sig.blocked)
		if t.sig.stopPending {
			t.sig.stopPending = false
			stopped = g.countStoppedLocked()
		}
	}
	if g.current == t {
		g.current = nil
	}
	return last, stopped
}

// releaseMM gives up the address space.
func (t *Task) releaseMM() {
	as := t.mm
	if as == nil {
		return
	}
	t.group.keepPeakRSS(as)
	t.mu.Lock()
	t.mm, t.table = nil, nil
	t.mu.Unlock()
	as.Put()
}

// releaseFiles gives up descriptors, directories and the program file.
func (t *Task) releaseFiles() {
	t.mu.Lock()
	files, fs, prog := t.files, t.fs, t.prog
	t.files, t.fs, t.prog = nil, nil, nil
	t.mu.Unlock()
	if files != nil {
		t.guard(files.Unref)
	}
	if fs != nil {
		t.guard(fs.Put)
	}
	if prog != nil {
		t.guard(prog.put)
	}
}

// finishVfork lets the parent of a vfork go on.
func (t *Task) finishVfork() {
	if c := t.vfork.Swap(nil); c != nil {
		c.complete()
	}
}

// leaveTree removes the thread from the table of threads, or makes it a
// zombie. A process whose last thread it was becomes one that its parent can
// wait for.
func (t *Task) leaveTree() {
	g := t.group
	treeMu.Lock()
	defer treeMu.Unlock()
	t.reparentChildrenLocked()
	t.countUsageLocked()
	if t != g.leader {
		t.unlinkLocked()
	} else {
		t.state.Store(uint32(Zombie))
	}
	if g.threads.n == 1 && g.leader.sig.counted {
		g.becomeZombieLocked()
	} else if x := g.execTask; x != nil {
		x.sleeper.Wake()
	}
}

// countUsageLocked moves what the thread has consumed to the process's sum.
func (t *Task) countUsageLocked() {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	u := t.usage()
	g.dead.add(&u)
	t.sig.counted = true
}

// unlinkLocked removes the thread from the tables. The caller holds treeMu.
func (t *Task) unlinkLocked() {
	g := t.group
	g.mu.Lock()
	g.threads.remove(t)
	g.mu.Unlock()
	t.state.Store(uint32(Dead))
	nr := t.TID()
	if e := ids.m[nr]; e != nil && e.task == t {
		e.task = nil
		releaseID(nr)
	}
	t.user.Load().release()
	threadCount.Add(-1)
}

// becomeZombieLocked makes a process whose threads have all ended wait for its
// parent, or vanish if nobody cares.
func (g *ThreadGroup) becomeZombieLocked() {
	hangUpIfOrphanedLocked(g, nil)
	g.zombie = true
	g.mu.Lock()
	g.shared.flush(^abi.Sigset(0))
	g.execTask = nil
	g.mu.Unlock()
	if g.tgid == 1 {
		g.initExitedLocked()
	}
	if g.tellParentLocked() {
		g.reapLocked()
	}
}

// initExitedLocked ends everything: process 1 is gone.
func (g *ThreadGroup) initExitedLocked() {
	status := g.exitStatus
	eachGroupLocked(func(o *ThreadGroup) bool {
		if o != g {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.unkillable = false
			o.exitLocked(abi.SIGKILL)
		}
		return true
	})
	klog.Printf("kevlar: process 1 has ended with status %#x", status)
	if OnInitExit != nil {
		go OnInitExit(status)
	}
}

// tellParentLocked sends the parent the exit signal and wakes it if it waits.
// It reports whether the parent does not want to wait for g.
func (g *ThreadGroup) tellParentLocked() (autoreap bool) {
	p := g.parent
	if p == nil {
		return true
	}
	code := int32(abi.CLD_EXITED)
	status := int32(g.exitStatus >> 8)
	if sig := g.exitStatus & 0x7f; sig != 0 {
		code, status = abi.CLD_KILLED, int32(sig)
	}
	sig := g.exitSignal
	if sig != 0 {
		func() {
			info := g.childSiginfo(code)
			info.Signo = int32(sig)
			info.SetStatus(status)
			p.mu.Lock()
			defer p.mu.Unlock()
			if sig == abi.SIGCHLD {
				a := p.handlers.get(sig)
				autoreap = a.Handler == abi.SIG_IGN || a.Flags&abi.SA_NOCLDWAIT != 0
				if a.Handler == abi.SIG_IGN {
					return
				}
			}
			p.sendLocked(nil, p.leader, info, true, false)
		}()
	}
	p.childWait.Notify(wait.All)
	return autoreap
}

// childSiginfo describes g to its parent; the status is left to the caller.
func (g *ThreadGroup) childSiginfo(code int32) *abi.Siginfo {
	info := &abi.Siginfo{Signo: abi.SIGCHLD, Code: code}
	info.SetPID(int32(g.tgid))
	info.SetUID(g.leader.Cred().UID)
	u := g.usage()
	info.SetUTime(ticksOf(u.times.user))
	info.SetSTime(ticksOf(u.times.kernel))
	return info
}

// reapLocked removes a zombie for good.
func (g *ThreadGroup) reapLocked() {
	if g.reaped {
		return
	}
	g.reaped = true
	if g.parent != nil {
		g.parent.children.remove(&g.sibling)
	}
	g.leader.unlinkLocked()
	joinLocked(g, nil)
	g.mu.Lock()
	h := g.handlers
	g.mu.Unlock()
	h.put()
}

// reparentChildrenLocked gives the children that t has made to another
// thread, or, if it was the last, to whoever adopts orphans.
func (t *Task) reparentChildrenLocked() {
	g := t.group
	if g.children.head == nil {
		return
	}
	heir, group := t.heirLocked()
	for k := g.children.head; k != nil; {
		c, next := k.group, k.next
		if c.parentThread == t {
			c.parentThread = heir
			t.signalDeath(c)
		}
		if group != g {
			c.reparentLocked(g, group)
		}
		k = next
	}
}

// signalDeath sends child c what its threads have asked for when the thread
// that has made it ends: prctl(2), PR_SET_PDEATHSIG.
func (t *Task) signalDeath(c *ThreadGroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := c.threads.head; p != nil; p = p.next {
		if sig := int(p.parentDeathSignal.Load()); sig != 0 {
			c.sendLocked(nil, p, t.userSiginfo(sig, abi.SI_USER), true, false)
		}
	}
}

// heirLocked returns who becomes the parent of t's children.
func (t *Task) heirLocked() (*Task, *ThreadGroup) {
	g := t.group
	if p := t.siblingThread(); p != nil {
		return p, g
	}
	for a := g.parent; a != nil; a = a.parent {
		if (a.subreaper || a.tgid == 1) && !a.zombie {
			return a.leader, a
		}
	}
	return nil, nil
}

// siblingThread returns another thread of the process that is not ending, or
// nil.
func (t *Task) siblingThread() *Task {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := g.threads.head; p != nil; p = p.next {
		if p != t && !p.sig.exiting {
			return p
		}
	}
	return nil
}

// reparentLocked moves c from the children of old to those of heir, nil for
// nobody.
func (c *ThreadGroup) reparentLocked(old, heir *ThreadGroup) {
	old.children.remove(&c.sibling)
	c.parent = heir
	if heir != nil {
		heir.children.add(&c.sibling, c)
		c.exitSignal = abi.SIGCHLD
	}
	if c.zombie && !c.reaped && c.tellParentLocked() {
		c.reapLocked()
		return
	}
	hangUpIfOrphanedLocked(c, old)
}
