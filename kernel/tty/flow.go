package tty

import "kevlar/kernel/abi"

// stopOutput and startOutput are ^S and ^Q. After startOutput somebody has to
// call pump.
func (t *TTY) stopOutput() {
	if t.stopped {
		return
	}
	t.stopped = true
	if t.pty != nil {
		t.pty.status(abi.TIOCPKT_STOP, abi.TIOCPKT_START)
	}
}

func (t *TTY) startOutput() {
	if !t.stopped || t.tcStopped {
		return
	}
	t.stopped = false
	if t.pty != nil {
		t.pty.status(abi.TIOCPKT_START, abi.TIOCPKT_STOP)
	}
	t.queue.Notify(wakeWrite)
}

// restartOnAny starts stopped output if any character does so.
func (t *TTY) restartOnAny() {
	if t.stopped && t.iflag(abi.IXON) && t.iflag(abi.IXANY) {
		t.restart()
	}
}

// restart starts stopped output, and lets out what has been held back even if
// the next character stops it again.
func (t *TTY) restart() {
	t.startOutput()
	if !t.stopped {
		t.commit()
	}
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
