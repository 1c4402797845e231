package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/tty"
)

// Terminals call in here with their own lock held: it is taken before treeMu.

var _ tty.Process = (*Task)(nil)

// PGID returns the ID of the thread's process group.
func (t *Task) PGID() int { return t.group.PGID() }

// SID returns the ID of the thread's session.
func (t *Task) SID() int { return t.group.SID() }

// IsSessionLeader reports whether the thread's process leads its session.
func (t *Task) IsSessionLeader() bool {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return t.group.pgrp.session.leader == t.group
}

// CTTY returns the controlling terminal of the thread's process, or nil.
func (t *Task) CTTY() *tty.TTY { return t.group.CTTY() }

// CTTY returns the controlling terminal of the process, or nil.
func (g *ThreadGroup) CTTY() *tty.TTY {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return g.tty
}

// SetCTTY makes term the controlling terminal of the thread's session. nil
// takes the terminal away: from the whole session if the thread's process
// leads it, otherwise from that process alone.
func (t *Task) SetCTTY(term *tty.TTY) {
	treeMu.Lock()
	defer treeMu.Unlock()
	s := t.group.pgrp.session
	if term == nil && s.leader == t.group {
		s.forgetLocked(t.group.tty)
	}
	t.group.tty = term
}

// forgetLocked takes terminal term away from every process of s.
func (s *Session) forgetLocked(term *tty.TTY) {
	s.eachLocked(func(g *ThreadGroup) {
		if g.tty == term {
			g.tty = nil
		}
	})
}

// eachLocked calls f for every process of s. The caller holds treeMu.
func (s *Session) eachLocked(f func(*ThreadGroup)) {
	eachGroupLocked(func(g *ThreadGroup) bool {
		if g.pgrp != nil && g.pgrp.session == s {
			f(g)
		}
		return true
	})
}

// SignalBlockedOrIgnored reports whether sig would not reach the thread.
func (t *Task) SignalBlockedOrIgnored(sig int) bool {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.handlers.get(sig)
	return t.sig.blocked.Has(sig) || a.Handler == abi.SIG_IGN
}

// OrphanedPGrp reports whether the thread's process group is orphaned.
func (t *Task) OrphanedPGrp() bool {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return t.group.pgrp.orphanedLocked(nil)
}

// SignalGroup sends sig to each process of a group, whoever owns it. It
// returns ESRCH if there is no such group.
func (t *Task) SignalGroup(pgid, sig int) error { return signalGroup(pgid, sig) }

// GroupSession returns the session of a process group, and false if there is
// no such group.
func (t *Task) GroupSession(pgid int) (sid int, ok bool) {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p := findPgrpLocked(pgid)
	if p == nil {
		return 0, false
	}
	return p.session.sid, true
}

func signalGroup(pgid, sig int) error {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p := findPgrpLocked(pgid)
	if p == nil {
		return abi.ESRCH
	}
	p.signalLocked(kernelSiginfo(sig))
	return nil
}

// terminalSignaller sends the signals that terminals cause.
type terminalSignaller struct{}

func (terminalSignaller) SignalGroup(pgid, sig int) { signalGroup(pgid, sig) }

func (terminalSignaller) HangUp(t *tty.TTY, sid, foreground int) {
	treeMu.Lock()
	defer treeMu.Unlock()
	e := ids.m[sid]
	if e == nil || e.session == nil {
		return
	}
	s := e.session
	s.forgetLocked(t)
	s.formerForeground = foreground
	if s.leader != nil {
		s.leader.sendGroup(nil, kernelSiginfo(abi.SIGHUP), true)
		s.leader.sendGroup(nil, kernelSiginfo(abi.SIGCONT), true)
	}
}

func (terminalSignaller) Disown(t *tty.TTY, sid int) {
	treeMu.Lock()
	defer treeMu.Unlock()
	if e := ids.m[sid]; e != nil && e.session != nil {
		e.session.forgetLocked(t)
	}
}

// leaveSession gives up the terminal of a session whose leader, g, ends.
func (g *ThreadGroup) leaveSession() {
	treeMu.Lock()
	s := g.pgrp.session
	if s.leader != g {
		treeMu.Unlock()
		return
	}
	s.leader = nil
	term, former := g.tty, s.formerForeground
	treeMu.Unlock()
	if term != nil {
		term.LeaderExited(s.sid)
	} else if former != 0 {
		signalGroup(former, abi.SIGHUP)
		signalGroup(former, abi.SIGCONT)
	}
}
