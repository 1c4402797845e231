package tty

import "kevlar/kernel/abi"

// DefaultTermios is what a terminal starts with.
var DefaultTermios = abi.Termios{
	Iflag: abi.ICRNL | abi.IXON,
	Oflag: abi.OPOST | abi.ONLCR,
	Cflag: abi.B38400 | abi.CS8 | abi.CREAD | abi.HUPCL,
	Lflag: abi.ISIG | abi.ICANON | abi.ECHO | abi.ECHOE | abi.ECHOK |
		abi.ECHOCTL | abi.ECHOKE | abi.IEXTEN,
	Cc: [abi.NCCS]uint8{
		abi.VINTR: 'C' - '@', abi.VQUIT: '\\' - '@', abi.VERASE: 0x7f, abi.VKILL: 'U' - '@',
		abi.VEOF: 'D' - '@', abi.VTIME: 0, abi.VMIN: 1, abi.VSTART: 'Q' - '@',
		abi.VSTOP: 'S' - '@', abi.VSUSP: 'Z' - '@', abi.VREPRINT: 'R' - '@',
		abi.VDISCARD: 'O' - '@', abi.VWERASE: 'W' - '@', abi.VLNEXT: 'V' - '@',
	},
	Ispeed: 38400,
	Ospeed: 38400,
}

// settings is what the line discipline derives from a Termios.
type settings struct {
	special [256]bool // characters that are more than data
	plain   bool      // nothing at all to do on input
}

func settingsOf(t *abi.Termios) settings {
	var s settings
	if t.Iflag&(abi.ISTRIP|abi.IUCLC|abi.IGNCR|abi.ICRNL|abi.INLCR|abi.IXON|abi.PARMRK) == 0 &&
		t.Lflag&(abi.ICANON|abi.ISIG|abi.ECHO) == 0 {
		s.plain = true
		return s
	}
	mark := func(when bool, cs ...uint8) {
		for _, c := range cs {
			s.special[c] = s.special[c] || when
		}
	}
	cc, extended := &t.Cc, t.Lflag&abi.IEXTEN != 0
	canonical := t.Lflag&abi.ICANON != 0
	mark(t.Iflag&abi.IXON != 0, cc[abi.VSTART], cc[abi.VSTOP])
	mark(t.Lflag&abi.ISIG != 0, cc[abi.VINTR], cc[abi.VQUIT], cc[abi.VSUSP])
	mark(canonical, cc[abi.VERASE], cc[abi.VKILL], cc[abi.VEOF], cc[abi.VEOL], '\n')
	mark(canonical && extended, cc[abi.VWERASE], cc[abi.VLNEXT], cc[abi.VEOL2])
	mark(canonical && extended && t.Lflag&abi.ECHO != 0, cc[abi.VREPRINT])
	s.special[abi.VDISABL] = false
	mark(t.Iflag&(abi.IGNCR|abi.ICRNL) != 0, '\r')
	mark(t.Iflag&abi.INLCR != 0, '\n')
	return s
}

func (t *TTY) iflag(f uint32) bool { return t.termios.Iflag&f != 0 }
func (t *TTY) oflag(f uint32) bool { return t.termios.Oflag&f != 0 }
func (t *TTY) lflag(f uint32) bool { return t.termios.Lflag&f != 0 }
func (t *TTY) cc(i int) uint8      { return t.termios.Cc[i] }

// canonical reports whether read(2) takes lines.
func (t *TTY) canonical() bool {
	return t.termios.Lflag&(abi.ICANON|abi.EXTPROC) == abi.ICANON
}

// Termios returns the modes.
func (t *TTY) Termios() abi.Termios {
	t.lock()
	defer t.unlock()
	return t.termios
}

// SetTermios sets the modes at once, as TCSETS does.
func (t *TTY) SetTermios(n abi.Termios) {
	t.lock()
	defer t.unlock()
	t.setTermios(&n)
}

func (t *TTY) setTermios(n *abi.Termios) {
	old := t.termios
	t.termios = *n
	t.termios.Line = abi.N_TTY
	if t.pty != nil {
		t.termios.Cflag = t.termios.Cflag&^(abi.CSIZE|abi.PARENB) | abi.CS8 | abi.CREAD
	}
	t.settings = settingsOf(&t.termios)
	if (old.Lflag^n.Lflag)&(abi.ICANON|abi.EXTPROC) != 0 {
		t.line.setCanonical(t.lflag(abi.ICANON))
		t.erasing, t.lnext = false, false
		t.queue.Notify(wakeRead)
	}
	if t.stopped && old.Iflag&abi.IXON != 0 && !t.iflag(abi.IXON) {
		t.startOutput()
		t.pump()
	}
	if t.pty != nil {
		t.pty.termiosChanged(&old, &t.termios)
	}
	t.driver.SetTermios(&t.termios)
	t.receiveStaged()
}
