package tty

import "kevlar/kernel/abi"

// receiveStaged feeds the line discipline with as much of what was typed as
// the input queue has room for.
func (t *TTY) receiveStaged() {
	before := t.line.head
	had := t.staged.len()
	for t.staged.len() > 0 {
		if !t.roomForInput() {
			break
		}
		c := t.staged.front()[0]
		t.staged.drop(1)
		t.receive(c)
	}
	if had > 0 {
		t.pump()
	}
	if !t.canonical() && t.line.head != before {
		t.queue.Notify(wakeRead)
	}
	if t.pty != nil && t.staged.len() < had && t.staged.room() > 0 {
		t.pty.queue.Notify(wakeWrite)
	}
	t.throttle()
}

// roomForInput reports whether the line discipline can take another byte.
// When the queue is full but holds no complete line, bytes are let through so
// that editing and the end of the line work; each takes the place of the one
// before it.
func (t *TTY) roomForInput() bool {
	room := lineSize - t.line.len()
	if t.iflag(abi.PARMRK) {
		room = (room + 2) / 3
	}
	room--
	if room > 0 {
		return true
	}
	if !t.lflag(abi.ICANON) || t.line.canon != t.line.tail {
		return false
	}
	if room < 0 {
		t.line.head--
	}
	return true
}

// receive is the line discipline for one byte.
func (t *TTY) receive(c byte) {
	if t.settings.plain {
		t.line.add(c)
		return
	}
	literal := t.lnext
	t.lnext = false
	if t.iflag(abi.ISTRIP) {
		c &= 0x7f
	}
	if t.iflag(abi.IUCLC) && t.lflag(abi.IEXTEN) {
		c = lower(c)
	}
	switch {
	case literal:
		t.receiveData(c)
	case t.lflag(abi.EXTPROC):
		t.line.add(c)
	case t.settings.special[c]:
		t.receiveSpecial(c)
	default:
		t.receiveData(c)
	}
}

// receiveData takes a character that is just data.
func (t *TTY) receiveData(c byte) {
	t.restartOnAny()
	if t.lflag(abi.ECHO) {
		t.finishErasing()
		t.echoData(c)
	}
	t.queueData(c)
}

// queueData queues c, twice if PARMRK asks for that.
func (t *TTY) queueData(c byte) {
	if c == 0xff && t.iflag(abi.PARMRK) {
		t.line.add(c)
	}
	t.line.add(c)
}

// receiveSpecial takes a character that may have a meaning.
func (t *TTY) receiveSpecial(c byte) {
	if t.iflag(abi.IXON) {
		switch c {
		case t.cc(abi.VSTART):
			t.restart()
			return
		case t.cc(abi.VSTOP):
			t.stopOutput()
			return
		}
	}
	if t.lflag(abi.ISIG) {
		switch c {
		case t.cc(abi.VINTR):
			t.receiveSignal(abi.SIGINT, c)
			return
		case t.cc(abi.VQUIT):
			t.receiveSignal(abi.SIGQUIT, c)
			return
		case t.cc(abi.VSUSP):
			t.receiveSignal(abi.SIGTSTP, c)
			return
		}
	}
	t.restartOnAny()
	switch {
	case c == '\r' && t.iflag(abi.IGNCR):
		return
	case c == '\r' && t.iflag(abi.ICRNL):
		c = '\n'
	case c == '\n' && t.iflag(abi.INLCR):
		c = '\r'
	}
	if t.lflag(abi.ICANON) && t.edit(c) {
		return
	}
	if t.lflag(abi.ECHO) {
		t.finishErasing()
		if c == '\n' {
			t.echoRaw(c)
		} else {
			t.echoData(c)
		}
	}
	t.queueData(c)
}

// receiveSignal takes a character that sends a signal.
func (t *TTY) receiveSignal(sig int, c byte) {
	t.interrupt(sig)
	if t.iflag(abi.IXON) {
		t.startOutput()
	}
	if t.lflag(abi.ECHO) {
		t.echoChar(c)
	}
}

// interrupt sends sig to the foreground group and, unless NOFLSH is set,
// drops what has been typed and what has not been sent.
func (t *TTY) interrupt(sig int) {
	t.signal(t.foreground, sig)
	if t.lflag(abi.NOFLSH) {
		return
	}
	t.flushOutput()
	t.line.clear()
	t.lnext, t.erasing = false, false
	if t.pty != nil {
		t.pty.status(abi.TIOCPKT_FLUSHREAD, 0)
	}
}
