package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A Job is a process group. It is held by itself and not by its number, which
// another group may bear once this one has ended. Jobs are compared with ==.
type Job interface {
	// ID returns the number.
	ID() int
	// Session returns the session, which never changes.
	Session() Session
	// Signal sends sig to each process of the group, whoever owns it. There
	// may be none any more.
	Signal(sig int)
}

// A Session is the jobs of one login, held as a Job is.
type Session interface {
	// ID returns the number.
	ID() int
	// HangUp is called when the session has lost its controlling terminal t:
	// its processes forget the terminal, and the leader gets SIGHUP and then
	// SIGCONT. When the leader exits later, foreground, if not nil, gets
	// them.
	HangUp(t *TTY, foreground Job)
	// Disown makes the session's processes forget the terminal t without a
	// signal.
	Disown(t *TTY)
}

// A Process is what job control asks of the thread that uses a terminal. The
// vfs.Caller of a user thread implements it; a caller that does not is the
// kernel, for which there is no job control.
type Process interface {
	// Job returns the caller's process group.
	Job() Job
	// FindJob returns the process group with the number, or nil.
	FindJob(pgid int) Job
	// IsSessionLeader reports whether the caller's process leads its
	// session.
	IsSessionLeader() bool
	// CTTY returns the controlling terminal of the caller's process, or nil.
	CTTY() *TTY
	// AcquireCTTY makes t the controlling terminal of the caller's process,
	// and returns true, if it leads its session and has none.
	AcquireCTTY(t *TTY) bool
	// LeaveCTTY takes the terminal t away, if it still is the caller's: from
	// the whole session if the caller leads it, otherwise from the caller's
	// process alone.
	LeaveCTTY(t *TTY)
	// SignalBlockedOrIgnored reports whether sig would not reach the
	// caller.
	SignalBlockedOrIgnored(sig int) bool
	// OrphanedPGrp reports whether the caller's process group is orphaned:
	// nobody outside of it, but in its session, would see it stop.
	OrphanedPGrp() bool
}

// checkJob is called before a process changes the terminal t or, with
// SIGTTIN, reads from it. A process in the background gets the signal along
// with its group, and ERESTARTSYS; if it could not stop, the answer is EIO,
// except that an ignored SIGTTOU lets the change happen.
func (t *TTY) checkJob(c vfs.Caller, sig int) error {
	p, ok := c.(Process)
	if !ok || p.CTTY() != t {
		return nil
	}
	t.lock()
	foreground := t.foreground
	t.unlock()
	job := p.Job()
	if foreground == nil || foreground == job {
		return nil
	}
	if p.SignalBlockedOrIgnored(sig) {
		if sig == abi.SIGTTIN {
			return abi.EIO
		}
		return nil
	}
	if p.OrphanedPGrp() {
		return abi.EIO
	}
	job.Signal(sig)
	return abi.ERESTARTSYS
}

// checkChange is checkJob for a change of the terminal.
func (t *TTY) checkChange(c vfs.Caller) error { return t.checkJob(c, abi.SIGTTOU) }

// acquireLocked makes t the controlling terminal of the session that p leads,
// with p's group in the foreground, and reports whether p may have one. The
// caller holds t's lock: until it is released nobody else can have t.
func (t *TTY) acquireLocked(p Process) bool {
	if !p.AcquireCTTY(t) {
		return false
	}
	t.foreground = p.Job()
	t.session = t.foreground.Session()
	return true
}

// acquireOnOpen makes t the controlling terminal of a session leader that has
// none, if t belongs to no session yet.
func (t *TTY) acquireOnOpen(c vfs.Caller) {
	p, ok := c.(Process)
	if !ok {
		return
	}
	t.lock()
	defer t.unlock()
	if t.session == nil {
		t.acquireLocked(p)
	}
}

// setControlling is TIOCSCTTY. steal asks to take the terminal away from
// another session, which only the superuser may.
func (t *TTY) setControlling(c vfs.Caller, steal, readable bool) error {
	p, ok := c.(Process)
	if !ok {
		return abi.EPERM
	}
	admin := c.Cred().HasCap(abi.CAP_SYS_ADMIN)
	t.lock()
	defer t.unlock()
	owner := t.session
	switch {
	case owner != nil && owner == p.Job().Session() && p.IsSessionLeader():
		return nil
	case owner != nil && !(steal && admin), !readable && !admin:
		return abi.EPERM
	case !t.acquireLocked(p):
		return abi.EPERM
	}
	if owner != nil {
		owner.Disown(t)
	}
	return nil
}

// giveUp is TIOCNOTTY. When a session leader gives up its terminal, the
// foreground group gets SIGHUP and SIGCONT.
func (t *TTY) giveUp(c vfs.Caller) error {
	p, ok := c.(Process)
	if !ok || p.CTTY() != t {
		return abi.ENOTTY
	}
	if p.IsSessionLeader() {
		t.giveUpFor(p.Job().Session())
	}
	p.LeaveCTTY(t)
	return nil
}

// giveUpFor ends session s's hold on t, unless another has taken it meanwhile.
func (t *TTY) giveUpFor(s Session) {
	t.lock()
	defer t.unlock()
	if t.session != s {
		return
	}
	t.signal(t.foreground, abi.SIGHUP)
	t.signal(t.foreground, abi.SIGCONT)
	t.session, t.foreground = nil, nil
}

// LeaderExited is called when the leader of session s, whose controlling
// terminal is t, exits. The foreground group gets SIGHUP, t belongs to no
// session any more, and unless it is a pseudo-terminal it is hung up.
func (t *TTY) LeaderExited(s Session) {
	if t.leaveSession(s) {
		s.Disown(t)
	}
}

// leaveSession reports whether t was the terminal of session s.
func (t *TTY) leaveSession(s Session) bool {
	t.lock()
	defer t.unlock()
	if t.session != s {
		return false
	}
	t.signal(t.foreground, abi.SIGHUP)
	t.session, t.foreground = nil, nil
	if t.pty == nil {
		t.hangUpLocked()
	}
	return true
}

// setForeground is TIOCSPGRP: tcsetpgrp(3).
func (t *TTY) setForeground(c vfs.Caller, pgid int) error {
	p, ok := c.(Process)
	if !ok || p.CTTY() != t {
		return abi.ENOTTY
	}
	job := p.FindJob(pgid)
	t.lock()
	defer t.unlock()
	switch {
	case t.session != p.Job().Session():
		return abi.ENOTTY
	case job == nil:
		return abi.ESRCH
	case job.Session() != t.session:
		return abi.EPERM
	}
	t.foreground = job
	return nil
}

// Foreground returns the number of the foreground process group, 0 if there is
// none.
func (t *TTY) Foreground() int {
	t.lock()
	defer t.unlock()
	if t.foreground == nil {
		return 0
	}
	return t.foreground.ID()
}

// Session returns the number of the session whose controlling terminal t is, 0
// if there is none.
func (t *TTY) Session() int {
	t.lock()
	defer t.unlock()
	if t.session == nil {
		return 0
	}
	return t.session.ID()
}
