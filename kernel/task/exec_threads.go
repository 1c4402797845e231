package task

import "kevlar/kernel/abi"

// killOtherThreads ends all threads of the process but t, which becomes the
// leader: execve(2), "Effect on process attributes". It fails with EAGAIN if
// the process is ending, or another thread is in execve already; then t is
// about to end.
func (t *Task) killOtherThreads() error {
	if err := t.beginAlone(); err != nil {
		return err
	}
	for !t.isAlone() {
		if t.Killed() {
			t.endAlone()
			return abi.EAGAIN
		}
		t.sleeper.SleepUninterruptible()
	}
	treeMu.Lock()
	defer treeMu.Unlock()
	if leader := t.becomeLeaderLocked(); leader != t {
		leader.forget()
	}
	return nil
}

// becomeLeaderLocked makes t the leader and returns who has been it. The caller
// holds treeMu.
func (t *Task) becomeLeaderLocked() (former *Task) {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	former = g.leader
	if former != t {
		t.takeLeadershipLocked(former)
	}
	g.execTask = nil
	return former
}

func (t *Task) beginAlone() error {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting || g.execTask != nil {
		return abi.EAGAIN
	}
	g.execTask = t
	for p := g.threads.head; p != nil; p = p.next {
		if p != t && !p.sig.exiting {
			p.killThreadLocked()
		}
	}
	return nil
}

func (t *Task) endAlone() {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	t.group.execTask = nil
}

// isAlone reports whether t is the only thread left, but for a leader that has
// ended.
func (t *Task) isAlone() bool {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.threads.n == 1 || g.threads.n == 2 && g.leader != t && g.leader.sig.counted
}

// takeLeadershipLocked gives t the place and the ID of leader, which has
// ended. The caller holds treeMu and the group's mu.
func (t *Task) takeLeadershipLocked(leader *Task) {
	g := t.group
	g.threads.remove(leader)
	g.leader = t
	own := t.TID()
	g.pids.m[own].task = nil
	g.pids.release(own)
	g.pids.m[g.tgid].task = t
	t.tid.Store(int32(g.tgid))
	t.startTime = leader.startTime
	leader.state.Store(uint32(Dead))
	for k := g.children.head; k != nil; k = k.next {
		k.group.parentThread = t
	}
}
