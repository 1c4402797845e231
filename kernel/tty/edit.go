package tty

import "kevlar/kernel/abi"

// edit takes a character in canonical mode, and reports whether it was an
// editing character or ended the line.
func (t *TTY) edit(c byte) bool {
	extended := t.lflag(abi.IEXTEN)
	echo := t.lflag(abi.ECHO)
	switch {
	case c == t.cc(abi.VERASE):
		t.eraseChar()
	case c == t.cc(abi.VKILL):
		t.eraseLine()
	case extended && c == t.cc(abi.VWERASE):
		t.eraseWord()
	case extended && c == t.cc(abi.VLNEXT):
		t.lnext = true
		if echo {
			t.finishErasing()
			if t.lflag(abi.ECHOCTL) {
				t.echoRaw('^')
				t.echoRaw('\b')
			}
		}
	case extended && echo && c == t.cc(abi.VREPRINT):
		t.finishErasing()
		t.echoChar(c)
		t.echoRaw('\n')
		for p := t.line.canon; p != t.line.head; p++ {
			t.echoChar(*t.line.at(p))
		}
	case c == '\n':
		if echo || t.lflag(abi.ECHONL) {
			t.echoRaw(c)
		}
		t.endLine(c)
	case c == t.cc(abi.VEOF):
		t.endLine(abi.VDISABL)
	case c == t.cc(abi.VEOL), extended && c == t.cc(abi.VEOL2):
		if echo {
			t.echoData(c)
		}
		if c == 0xff && t.iflag(abi.PARMRK) {
			t.line.add(c)
		}
		t.endLine(c)
	default:
		return false
	}
	return true
}

func (t *TTY) endLine(c byte) {
	t.line.end(c)
	t.queue.Notify(wakeRead)
}

// eraseChar is VERASE.
func (t *TTY) eraseChar() {
	if c, n := t.lastChar(); n > 0 {
		t.erase(c, n, true)
		t.erased()
	}
}

// eraseWord is VWERASE: whatever is no part of a word, then the word.
func (t *TTY) eraseWord() {
	inWord := false
	for {
		c, n := t.lastChar()
		if n == 0 || inWord && !isWord(c) {
			break
		}
		inWord = inWord || isWord(c)
		t.erase(c, n, false)
	}
	t.erased()
}

// eraseLine is VKILL.
func (t *TTY) eraseLine() {
	if t.line.head == t.line.canon {
		return
	}
	if !t.lflag(abi.ECHO) {
		t.line.head = t.line.canon
		return
	}
	if t.lflag(abi.ECHOK) && t.lflag(abi.ECHOKE) && t.lflag(abi.ECHOE) {
		for {
			c, n := t.lastChar()
			if n == 0 {
				break
			}
			t.erase(c, n, false)
		}
		t.erased()
		return
	}
	t.line.head = t.line.canon
	t.finishErasing()
	t.echoChar(t.cc(abi.VKILL))
	if t.lflag(abi.ECHOK) {
		t.echoRaw('\n')
	}
}

// lastChar returns the first byte and the length of the last character of the
// line that is edited; 0 if there is none, or only a part of one.
func (t *TTY) lastChar() (c byte, n int) {
	for p := t.line.head; p != t.line.canon; {
		p--
		n++
		if c = *t.line.at(p); !t.isContinuation(c) {
			return c, n
		}
	}
	return 0, 0
}

// erase removes the last character, which has n bytes and starts with c, and
// shows that. one says that no other will follow.
func (t *TTY) erase(c byte, n int, one bool) {
	t.line.head -= uint32(n)
	switch {
	case !t.lflag(abi.ECHO):
	case t.lflag(abi.ECHOPRT):
		if !t.erasing {
			t.echoRaw('\\')
			t.erasing = true
		}
		t.echoChar(c)
		for i := 1; i < n; i++ {
			t.echoRaw(*t.line.at(t.line.head + uint32(i)))
			t.columns.now--
		}
	case one && !t.lflag(abi.ECHOE):
		t.echoChar(t.cc(abi.VERASE))
	case c == '\t':
		t.eraseTab()
	default:
		width := 1
		if isControl(c) {
			width = 0
			if t.lflag(abi.ECHOCTL) {
				width = 2
			}
		}
		for range width {
			t.echoRaw('\b')
			t.echoRaw(' ')
			t.echoRaw('\b')
		}
	}
}

// eraseTab moves the cursor back over the tab that was the line's last
// character: to the column after what precedes it.
func (t *TTY) eraseTab() {
	width := uint(0)
	start := t.columns.canon
	for p := t.line.head; p != t.line.canon; {
		p--
		c := *t.line.at(p)
		if c == '\t' {
			start = 0 // a multiple of 8, whatever it is
			break
		}
		switch {
		case isControl(c):
			if t.lflag(abi.ECHOCTL) {
				width += 2
			}
		case !t.isContinuation(c):
			width++
		}
	}
	for n := 8 - (start+width)&7; n > 0; n-- {
		t.emit('\b')
		if t.columns.now > 0 {
			t.columns.now--
		}
	}
}

// erased ends a run of erase if nothing is left of the line.
func (t *TTY) erased() {
	if t.line.head == t.line.canon && t.lflag(abi.ECHO) {
		t.finishErasing()
	}
}

// finishErasing closes what ECHOPRT has opened.
func (t *TTY) finishErasing() {
	if t.erasing {
		t.echoRaw('/')
		t.erasing = false
	}
}
