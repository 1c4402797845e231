package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/tty"
)

// A ProcessGroup is a job: the processes that a terminal's keys signal
// together. All belong to one session.
type ProcessGroup struct {
	pgid    int
	session *Session
	members groupList // guarded by treeMu; never empty but between two holders
}

// A Session is what a login shell and its jobs form. It lives while it has a
// process group.
type Session struct {
	pids   *pidTable // that sid and the groups' numbers are in
	sid    int
	leader *ThreadGroup // nil once it has ended; guarded by treeMu
	groups int          // process groups in it; guarded by treeMu
	// formerForeground is the foreground process group at the time when the
	// terminal hung up, nil if it did not; guarded by treeMu.
	formerForeground tty.Job
}

// PGID returns the process group's ID, 0 for a process that nobody can find any
// more.
func (g *ThreadGroup) PGID() int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	if g.pgrp == nil {
		return 0
	}
	return g.pgrp.pgid
}

// SID returns the session's ID, 0 for a process that nobody can find any more.
func (g *ThreadGroup) SID() int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	if g.pgrp == nil {
		return 0
	}
	return g.pgrp.session.sid
}

// newSessionLocked makes g the leader of a new session and process group,
// which it joins. The number g.tgid is in the table.
func newSessionLocked(g *ThreadGroup) {
	s := &Session{pids: g.pids, sid: g.tgid, leader: g}
	g.tty = nil
	s.pids.m[g.tgid].session = s
	joinLocked(g, newPgrpLocked(g.tgid, s))
}

// newPgrpLocked makes an empty process group, which something is about to
// join. The number pgid is in the table.
func newPgrpLocked(pgid int, s *Session) *ProcessGroup {
	p := &ProcessGroup{pgid: pgid, session: s}
	s.pids.m[pgid].pgrp = p
	s.groups++
	return p
}

// joinLocked moves g to process group p, nil for none. What that leaves empty
// ends.
func joinLocked(g *ThreadGroup, p *ProcessGroup) {
	old := g.pgrp
	if old == p {
		return
	}
	if old != nil {
		old.members.remove(&g.pgrpLink)
	}
	if g.pgrp = p; p != nil {
		p.members.add(&g.pgrpLink, g)
	}
	if old == nil || old.members.head != nil {
		return
	}
	if old.pgid == 0 {
		return // that of process 1; see linkInit
	}
	s := old.session
	s.pids.m[old.pgid].pgrp = nil
	s.pids.release(old.pgid)
	if s.groups--; s.groups == 0 {
		s.pids.m[s.sid].session = nil
		s.pids.release(s.sid)
	}
}

// Setpgid moves process pid, 0 for the caller's, to process group pgid, 0 for
// one of its own: setpgid(2).
func (t *Task) Setpgid(pid, pgid int) error {
	if pid == 0 {
		pid = t.TGID()
	}
	if pgid == 0 {
		pgid = pid
	}
	if pgid < 0 {
		return abi.EINVAL
	}
	treeMu.Lock()
	defer treeMu.Unlock()
	p := t.group.pids.task(pid)
	if p == nil {
		return abi.ESRCH
	}
	g := p.group
	if g.tgid != pid {
		return abi.EINVAL
	}
	s := t.group.pgrp.session
	switch {
	case g != t.group && g.parent != t.group:
		return abi.ESRCH
	case g != t.group && g.pgrp.session != s:
		return abi.EPERM
	case g != t.group && g.execed:
		return abi.EACCES
	case g.pgrp.session.leader == g:
		return abi.EPERM
	}
	to := t.group.pids.pgrp(pgid)
	if to == nil {
		if pgid != pid {
			return abi.EPERM
		}
		to = newPgrpLocked(pgid, s)
	} else if to.session != s {
		return abi.EPERM
	}
	joinLocked(g, to)
	return nil
}

// Getpgid returns the process group of process pid, 0 for the caller's.
func (t *Task) Getpgid(pid int) (int, error) {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p, err := t.groupOfLocked(pid)
	if err != nil {
		return 0, err
	}
	return p.pgrp.pgid, nil
}

// Getsid returns the session of process pid, 0 for the caller's.
func (t *Task) Getsid(pid int) (int, error) {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p, err := t.groupOfLocked(pid)
	if err != nil {
		return 0, err
	}
	return p.pgrp.session.sid, nil
}

func (t *Task) groupOfLocked(pid int) (*ThreadGroup, error) {
	if pid == 0 {
		return t.group, nil
	}
	p := t.group.pids.task(pid)
	if p == nil {
		return nil, abi.ESRCH
	}
	return p.group, nil
}

// Setsid makes the caller's process the leader of a new session without a
// terminal: setsid(2).
func (t *Task) Setsid() (int, error) {
	treeMu.Lock()
	defer treeMu.Unlock()
	g := t.group
	if g.pgrp.session.leader == g || g.pids.pgrp(g.tgid) != nil {
		return 0, abi.EPERM
	}
	newSessionLocked(g)
	return g.tgid, nil
}

// orphanedLocked reports whether process group p has no member whose parent,
// outside of the group, is in the same session: nobody could continue it if it
// stopped. ignore, which may be nil, does not count as a member.
func (p *ProcessGroup) orphanedLocked(ignore *ThreadGroup) bool {
	for k := p.members.head; k != nil; k = k.next {
		g := k.group
		if g == ignore || g.zombie || g.parent == nil || g.parent.tgid == 1 {
			continue
		}
		if pp := g.parent.pgrp; pp != nil && pp != p && pp.session == p.session {
			return false
		}
	}
	return true
}

// hasStoppedLocked reports whether a member of p is stopped.
func (p *ProcessGroup) hasStoppedLocked() bool {
	for k := p.members.head; k != nil; k = k.next {
		if k.group.isStopped() {
			return true
		}
	}
	return false
}

// hangUpIfOrphaned sends SIGHUP and SIGCONT to the process group of g if it
// has stopped members and becomes orphaned because g ends (parent nil), or
// because g's parent, which was parent, ends: POSIX exit.
func hangUpIfOrphanedLocked(g, parent *ThreadGroup) {
	p, ignore := g.pgrp, g
	if p == nil {
		return
	}
	if parent == nil {
		parent = g.parent
	} else {
		ignore = nil
	}
	if parent == nil || parent.pgrp == p || parent.pgrp == nil || parent.pgrp.session != p.session {
		return
	}
	if p.orphanedLocked(ignore) && p.hasStoppedLocked() {
		p.signalLocked(kernelSiginfo(abi.SIGHUP))
		p.signalLocked(kernelSiginfo(abi.SIGCONT))
	}
}
