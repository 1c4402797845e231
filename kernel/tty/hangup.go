package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// HangUp ends the connection: every open file of t reads the end of file and
// fails to write from now on, and the session whose controlling terminal t
// was loses it and is told.
func (t *TTY) HangUp() {
	t.lock()
	session, foreground := t.session, t.foreground
	t.hangUpLocked()
	t.unlock()
	if session != 0 {
		signals().HangUp(t, session, foreground)
	}
}

func (t *TTY) hangUpLocked() {
	t.generation++
	t.session, t.foreground = 0, 0
	t.exclusive, t.stopped, t.tcStopped, t.throttled = false, false, false, false
	t.lnext, t.erasing = false, false
	t.line.clear()
	t.out.clear()
	t.committed = 0
	t.queue.Notify(wait.Hup | wakeRead | wakeWrite)
}

// throttle does IXOFF: it sends the STOP character when the input queue gets
// full, and START when it has been read.
func (t *TTY) throttle() {
	const margin = 128
	if t.pty != nil {
		return
	}
	switch {
	case !t.throttled && t.iflag(abi.IXOFF) && t.line.len() > lineSize-margin:
		t.throttled = true
		t.sendFlowChar(abi.VSTOP)
	case t.throttled && t.line.len() < margin:
		t.throttled = false
		t.sendFlowChar(abi.VSTART)
	}
}

// sendFlowChar sends a STOP or START character, stopped or not.
func (t *TTY) sendFlowChar(i int) {
	if c := t.cc(i); c != abi.VDISABL {
		t.driver.Write([]byte{c})
	}
}

// release frees the memory of a terminal that nobody can open any more.
func (t *TTY) release() {
	t.staged.release()
	t.out.release()
	t.line.clear()
	t.line.buf.release()
	t.scratch.release()
}
