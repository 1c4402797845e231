package tty

import "kevlar/kernel/abi"

// Echo goes to the output queue like other output. What finds no room there
// is lost.

// echoRaw echoes c as it is.
func (t *TTY) echoRaw(c byte) { t.process(c) }

// echoChar echoes c, a control character as ^X if ECHOCTL asks for it.
func (t *TTY) echoChar(c byte) {
	if t.lflag(abi.ECHOCTL) && isControl(c) && c != '\t' {
		t.emit('^')
		t.emit(c ^ 0x40)
		t.columns.now += 2
		return
	}
	if c == 0xff { // no OLCUC for this one
		t.emit(c)
		t.columns.now++
		return
	}
	t.echoRaw(c)
}

// echoData echoes a character of the line that is edited, and notes the
// column of the first.
func (t *TTY) echoData(c byte) {
	if t.line.canon == t.line.head {
		t.columns.canon = t.columns.now
	}
	t.echoChar(c)
}
