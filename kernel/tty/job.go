package tty

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A Process is what job control asks of the thread that uses a terminal. The
// vfs.Caller of a user thread implements it; a caller that does not is the
// kernel, for which there is no job control.
type Process interface {
	// PGID returns the caller's process group.
	PGID() int
	// SID returns the caller's session.
	SID() int
	// IsSessionLeader reports whether the caller's process leads its
	// session.
	IsSessionLeader() bool
	// CTTY returns the controlling terminal of the caller's process, or nil.
	CTTY() *TTY
	// SetCTTY makes t the controlling terminal of the caller's session. nil
	// takes it away: from the whole session if the caller leads it,
	// otherwise from the caller's process alone.
	SetCTTY(t *TTY)
	// SignalBlockedOrIgnored reports whether sig would not reach the
	// caller.
	SignalBlockedOrIgnored(sig int) bool
	// OrphanedPGrp reports whether the caller's process group is orphaned:
	// nobody outside of it, but in its session, would see it stop.
	OrphanedPGrp() bool
	// SignalGroup sends sig to each process of a group, whoever owns it, or
	// fails with ESRCH.
	SignalGroup(pgid, sig int) error
	// GroupSession returns the session of a process group, and false if
	// there is no such group.
	GroupSession(pgid int) (sid int, ok bool)
}

// A Signaller sends the signals that terminals cause by themselves.
type Signaller interface {
	// SignalGroup sends sig to each process of a group; none is no error.
	SignalGroup(pgid, sig int)
	// HangUp is called when session sid has lost its controlling terminal t:
	// its processes forget the terminal, and the leader gets SIGHUP and then
	// SIGCONT. When the leader exits later, the group foreground, if not 0,
	// gets SIGHUP and SIGCONT.
	HangUp(t *TTY, sid, foreground int)
	// Disown makes the processes of session sid forget the terminal t
	// without a signal.
	Disown(t *TTY, sid int)
}

type noSignaller struct{}

func (noSignaller) SignalGroup(int, int)  {}
func (noSignaller) HangUp(*TTY, int, int) {}
func (noSignaller) Disown(*TTY, int)      {}

var signaller atomic.Pointer[Signaller]

// SetSignaller sets who sends signals. Until then they are dropped.
func SetSignaller(s Signaller) { signaller.Store(&s) }

func signals() Signaller {
	if s := signaller.Load(); s != nil {
		return *s
	}
	return noSignaller{}
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
	pgid := p.PGID()
	if foreground == 0 || foreground == pgid {
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
	p.SignalGroup(pgid, sig)
	return abi.ERESTARTSYS
}

// checkChange is checkJob for a change of the terminal.
func (t *TTY) checkChange(c vfs.Caller) error { return t.checkJob(c, abi.SIGTTOU) }

// acquire makes t the controlling terminal of p's session, with p's group in
// the foreground.
func (t *TTY) acquire(p Process) {
	t.lock()
	t.session, t.foreground = p.SID(), p.PGID()
	t.unlock()
	p.SetCTTY(t)
}

// acquireOnOpen makes t the controlling terminal of a session leader that has
// none, if t belongs to no session yet.
func (t *TTY) acquireOnOpen(c vfs.Caller) {
	p, ok := c.(Process)
	if !ok || !p.IsSessionLeader() || p.CTTY() != nil {
		return
	}
	t.lock()
	free := t.session == 0
	if free {
		t.session, t.foreground = p.SID(), p.PGID()
	}
	t.unlock()
	if free {
		p.SetCTTY(t)
	}
}

// setControlling is TIOCSCTTY. steal asks to take the terminal away from
// another session, which only the superuser may.
func (t *TTY) setControlling(c vfs.Caller, steal, readable bool) error {
	p, ok := c.(Process)
	if !ok {
		return abi.EPERM
	}
	t.lock()
	owner := t.session
	t.unlock()
	if p.IsSessionLeader() && owner == p.SID() {
		return nil
	}
	if !p.IsSessionLeader() || p.CTTY() != nil {
		return abi.EPERM
	}
	admin := c.Cred().HasCap(abi.CAP_SYS_ADMIN)
	if owner != 0 {
		if !steal || !admin {
			return abi.EPERM
		}
		signals().Disown(t, owner)
	}
	if !readable && !admin {
		return abi.EPERM
	}
	t.acquire(p)
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
		t.lock()
		t.signal(t.foreground, abi.SIGHUP)
		t.signal(t.foreground, abi.SIGCONT)
		t.session, t.foreground = 0, 0
		t.unlock()
	}
	p.SetCTTY(nil)
	return nil
}

// LeaderExited is called when the leader of session sid, whose controlling
// terminal is t, exits. The foreground group gets SIGHUP, t belongs to no
// session any more, and unless it is a pseudo-terminal it is hung up.
func (t *TTY) LeaderExited(sid int) {
	if t.leaveSession(sid) {
		signals().Disown(t, sid)
	}
}

// leaveSession reports whether t was the terminal of session sid.
func (t *TTY) leaveSession(sid int) bool {
	t.lock()
	defer t.unlock()
	if t.session != sid {
		return false
	}
	t.signal(t.foreground, abi.SIGHUP)
	t.session, t.foreground = 0, 0
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
	sid, exists := p.GroupSession(pgid)
	t.lock()
	defer t.unlock()
	switch {
	case t.session != p.SID():
		return abi.ENOTTY
	case !exists:
		return abi.ESRCH
	case sid != p.SID():
		return abi.EPERM
	}
	t.foreground = pgid
	return nil
}

// Foreground returns the foreground process group, 0 if there is none.
func (t *TTY) Foreground() int {
	t.lock()
	defer t.unlock()
	return t.foreground
}

// Session returns the session whose controlling terminal t is, 0 if there is
// none.
func (t *TTY) Session() int {
	t.lock()
	defer t.unlock()
	return t.session
}
