package tty

import "kevlar/kernel/abi"

// columns is where the cursor is.
type columns struct {
	now   uint // column of the next character
	canon uint // where the line that is edited began
}

// process does OPOST for one character and queues the result.
func (t *TTY) process(c byte) {
	col := &t.columns
	if !t.oflag(abi.OPOST) {
		t.emit(c)
		return
	}
	switch c {
	case '\n':
		if t.oflag(abi.ONLRET) {
			col.now = 0
		}
		if t.oflag(abi.ONLCR) {
			col.now = 0
			t.emit('\r')
		}
		col.canon = col.now
	case '\r':
		if t.oflag(abi.ONOCR) && col.now == 0 {
			return
		}
		if t.oflag(abi.OCRNL) {
			c = '\n'
			if !t.oflag(abi.ONLRET) {
				break
			}
		}
		col.now, col.canon = 0, 0
	case '\t':
		n := 8 - col.now&7
		col.now += n
		if t.termios.Oflag&abi.TABDLY == abi.XTABS {
			for ; n > 0; n-- {
				t.emit(' ')
			}
			return
		}
	case '\b':
		if col.now > 0 {
			col.now--
		}
	default:
		if isControl(c) {
			break
		}
		if t.oflag(abi.OLCUC) {
			c = upper(c)
		}
		if !t.isContinuation(c) {
			col.now++
		}
	}
	t.emit(c)
}

// growth is how many bytes one character can become on output.
func (t *TTY) growth() int {
	switch {
	case !t.oflag(abi.OPOST):
		return 1
	case t.termios.Oflag&abi.TABDLY == abi.XTABS:
		return maxGrowth
	default:
		return 2
	}
}

// emit queues one byte for the driver.
func (t *TTY) emit(c byte) { t.out.put([]byte{c}) }

// commit makes what is in the output queue count as shown: stopping the
// output does not hold it back any more.
func (t *TTY) commit() {
	t.committed = t.out.len()
	t.shown = t.columns
}

// pump moves output to the driver; if output is stopped, only what was
// committed before.
func (t *TTY) pump() {
	if !t.stopped {
		t.commit()
	}
	moved := false
	for t.committed > 0 {
		b := t.out.front()
		b = b[:min(len(b), t.committed)]
		n := t.driver.Write(b)
		t.out.drop(n)
		t.committed -= n
		moved = moved || n > 0
		if n < len(b) {
			break
		}
	}
	if moved && t.writable() {
		t.queue.Notify(wakeWrite)
	}
}

// writeRoom returns how many bytes write(2) may add to the output queue.
func (t *TTY) writeRoom() int {
	if t.stopped {
		return 0
	}
	return max(0, t.out.room()-echoReserve)
}

// flushOutput drops what has been written but not sent.
func (t *TTY) flushOutput() {
	t.out.clear()
	t.committed = 0
	t.columns = t.shown
	if d, ok := t.driver.(QueueDriver); ok {
		d.Flush()
	}
	if t.pty != nil {
		t.pty.status(abi.TIOCPKT_FLUSHWRITE, 0)
	}
	t.queue.Notify(wakeWrite)
}

// unsent returns how many bytes have been written but not sent.
func (t *TTY) unsent() int {
	n := t.out.len()
	if d, ok := t.driver.(QueueDriver); ok {
		n += d.Queued()
	}
	return n
}
