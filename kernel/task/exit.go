package task

import "kevlar/kernel/abi"

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
	t.endThreadTimersLocked()
	g.live--
	last = g.live == 0
	if last && !g.exiting {
		g.exiting, g.exitStatus = true, t.exitCode
	}
	if g.exiting {
		t.exitCode = g.exitStatus
	}
	t.sig.pending.Flush(^abi.Sigset(0))
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
		t.guard(fs.Leave)
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
		t.uncharge(threadCost - endedCost)
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
	if e := g.pids.m[nr]; e != nil && e.task == t {
		e.task = nil
		g.pids.release(nr)
	}
	t.forget()
}
