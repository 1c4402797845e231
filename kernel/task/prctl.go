package task

import "kevlar/kernel/abi"

// ParentDeathSignal returns the signal that the thread gets when its parent
// ends: PR_GET_PDEATHSIG.
func (t *Task) ParentDeathSignal() int { return int(t.parentDeathSignal.Load()) }

// SetParentDeathSignal sets it; 0 is none.
func (t *Task) SetParentDeathSignal(sig int) error {
	if sig < 0 || sig > abi.NSIG {
		return abi.EINVAL
	}
	t.parentDeathSignal.Store(int32(sig))
	return nil
}

// Dumpable returns what PR_GET_DUMPABLE does: 1 if the process may be looked
// into by others of the same user.
func (g *ThreadGroup) Dumpable() int { return int(g.dumpable.Load()) }

// SetDumpable does PR_SET_DUMPABLE.
func (g *ThreadGroup) SetDumpable(v int) error {
	if v != 0 && v != 1 {
		return abi.EINVAL
	}
	g.dumpable.Store(int32(v))
	return nil
}

// NoNewPrivs reports whether execve gives the thread no new privileges.
func (t *Task) NoNewPrivs() bool { return t.noNewPrivs.Load() }

// SetNoNewPrivs makes it so, for good: PR_SET_NO_NEW_PRIVS.
func (t *Task) SetNoNewPrivs() { t.noNewPrivs.Store(true) }

// TimerSlack returns PR_GET_TIMERSLACK, in nanoseconds.
func (t *Task) TimerSlack() uint64 { return t.timerSlack }

// SetTimerSlack sets it; 0 is the default. Timers are exact all the same.
func (t *Task) SetTimerSlack(ns uint64) {
	if ns == 0 {
		ns = defaultTimerSlack
	}
	t.timerSlack = ns
}

// Personality returns what personality(2) has set.
func (t *Task) Personality() uint32 { return t.group.personality.Load() }

// SetPersonality sets it. Of its flags only ADDR_NO_RANDOMIZE has an effect.
func (t *Task) SetPersonality(p uint32) { t.group.personality.Store(p) }

// OOMScoreAdj returns /proc/PID/oom_score_adj.
func (g *ThreadGroup) OOMScoreAdj() int { return int(g.oomScoreAdj.Load()) }

// SetOOMScoreAdj sets it, -1000 to 1000.
func (g *ThreadGroup) SetOOMScoreAdj(v int) error {
	if v < oomAdjMin || v > oomAdjMax {
		return abi.EINVAL
	}
	g.oomScoreAdj.Store(int32(v))
	return nil
}
