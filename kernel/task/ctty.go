package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/tty"
)

// Terminals call in here with their own lock held: it is taken before treeMu.

var (
	_ tty.Process = (*Task)(nil)
	_ tty.Job     = (*ProcessGroup)(nil)
	_ tty.Session = (*Session)(nil)
)

// PGID returns the ID of the thread's process group.
func (t *Task) PGID() int { return t.group.PGID() }

// SID returns the ID of the thread's session.
func (t *Task) SID() int { return t.group.SID() }

// Job returns the thread's process group.
func (t *Task) Job() tty.Job {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return t.group.pgrp
}

// FindJob returns the process group with the ID, or nil.
func (t *Task) FindJob(pgid int) tty.Job {
	treeMu.RLock()
	defer treeMu.RUnlock()
	if p := t.group.pids.pgrp(pgid); p != nil {
		return p
	}
	return nil
}

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

// AcquireCTTY makes term the controlling terminal of the thread's process, and
// returns true, if it leads its session and has none.
func (t *Task) AcquireCTTY(term *tty.TTY) bool {
	treeMu.Lock()
	defer treeMu.Unlock()
	g := t.group
	if g.pgrp.session.leader != g || g.tty != nil {
		return false
	}
	g.tty = term
	return true
}

// LeaveCTTY takes the terminal term away, if it still is the process's: from the
// whole session if the thread's process leads it, otherwise from that process
// alone.
func (t *Task) LeaveCTTY(term *tty.TTY) {
	treeMu.Lock()
	defer treeMu.Unlock()
	if t.group.tty != term {
		return
	}
	if s := t.group.pgrp.session; s.leader == t.group {
		s.forgetLocked(t.group.tty)
	}
	t.group.tty = nil
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
	s.pids.eachGroup(func(g *ThreadGroup) bool {
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
	a := g.actions.Get(sig)
	return t.sig.blocked.Has(sig) || a.Handler == abi.SIG_IGN
}

// OrphanedPGrp reports whether the thread's process group is orphaned.
func (t *Task) OrphanedPGrp() bool {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return t.group.pgrp.orphanedLocked(nil)
}

// ID returns the number of the process group.
func (p *ProcessGroup) ID() int { return p.pgid }

// Session returns the session that the process group belongs to.
func (p *ProcessGroup) Session() tty.Session { return p.session }

// Signal sends sig to each process of the group, whoever owns it.
func (p *ProcessGroup) Signal(sig int) {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p.signalLocked(kernelSiginfo(sig))
}

// ID returns the number of the session.
func (s *Session) ID() int { return s.sid }

// HangUp makes the session's processes forget the terminal, and its leader is
// told; so is foreground when the leader exits.
func (s *Session) HangUp(term *tty.TTY, foreground tty.Job) {
	treeMu.Lock()
	defer treeMu.Unlock()
	s.forgetLocked(term)
	s.formerForeground = foreground
	if s.leader != nil {
		s.leader.sendGroup(nil, kernelSiginfo(abi.SIGHUP), true)
		s.leader.sendGroup(nil, kernelSiginfo(abi.SIGCONT), true)
	}
}

// Disown makes the session's processes forget the terminal.
func (s *Session) Disown(term *tty.TTY) {
	treeMu.Lock()
	defer treeMu.Unlock()
	s.forgetLocked(term)
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
	s.formerForeground = nil
	treeMu.Unlock()
	if term != nil {
		term.LeaderExited(s)
	} else if former != nil {
		former.Signal(abi.SIGHUP)
		former.Signal(abi.SIGCONT)
	}
}
