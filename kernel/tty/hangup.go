package tty

import "kevlar/kernel/wait"

// HangUp ends the connection: every open file of t reads the end of file and
// fails to write from now on, and the session whose controlling terminal t
// was loses it and is told.
func (t *TTY) HangUp() {
	if session, foreground := t.disconnect(); session != nil {
		session.HangUp(t, foreground)
	}
}

// disconnect returns the session and the foreground group that t had.
func (t *TTY) disconnect() (session Session, foreground Job) {
	t.lock()
	defer t.unlock()
	session, foreground = t.session, t.foreground
	t.hangUpLocked()
	return session, foreground
}

func (t *TTY) hangUpLocked() {
	t.generation++
	t.session, t.foreground = nil, nil
	t.exclusive, t.stopped, t.tcStopped, t.throttled = false, false, false, false
	t.lnext, t.erasing = false, false
	t.line.clear()
	t.out.clear()
	t.committed = 0
	t.queue.Notify(wait.Hup | wakeRead | wakeWrite)
}

// release frees the memory of a terminal that nobody can open any more.
func (t *TTY) release() {
	t.staged.release()
	t.out.release()
	t.line.clear()
	t.line.buf.release()
	t.scratch.release()
	if t.pty != nil {
		t.pty.uncharge()
	}
}
