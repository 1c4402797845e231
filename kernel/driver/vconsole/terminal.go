package vconsole

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A Terminal is the line discipline above a console port: tty.TTY. Its
// methods are called with no lock of the port held.
type Terminal interface {
	// Input gives it bytes that the host has sent.
	Input(p []byte) int
	// WriteSpace tells it that Line.Write has room again.
	WriteSpace()
	// SetWindow tells it its size.
	SetWindow(w abi.Winsize)
}

// terminalState is what a port has that serves a terminal. The port's mu
// guards it.
type terminalState struct {
	console  bool // the host has made the port a console
	window   abi.Winsize
	terminal Terminal // nil until Attach
	waiting  bool     // Line.Write gave a short count
}

// A Line is a console port as the line of a terminal: a tty.Driver.
type Line struct{ port *Port }

// Line returns the port as a line.
func (p *Port) Line() *Line { return &Line{p} }

// Write gives bytes of the terminal to the host and returns how many there was
// room for. Bytes for a disconnected host are dropped.
func (l *Line) Write(b []byte) int {
	p := l.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.hostConnected || !p.started {
		return len(b)
	}
	total := 0
	for len(b) > 0 && p.writable() {
		src := vfs.Bytes(b)
		n, err := p.writeLocked(&src)
		total, b = total+n, b[n:]
		if err != nil {
			break
		}
	}
	p.term.waiting = len(b) > 0
	return total
}

// SetTermios does nothing: the line has no speed.
func (l *Line) SetTermios(*abi.Termios) {}

// IsConsole reports whether the host has made the port a console.
func (p *Port) IsConsole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term.console
}

// Attach lets a console port serve t, whose driver is the port's Line.
func (p *Port) Attach(t Terminal) error {
	p.mu.Lock()
	err := p.start()
	p.term.terminal = t
	w := p.term.window
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if w.Row != 0 {
		t.SetWindow(w)
	}
	p.feedTerminal()
	return nil
}

// becomeConsole notes that the port is a console of the given size, and makes
// that known.
func (p *Port) becomeConsole(columns, rows uint16) {
	p.mu.Lock()
	was := p.term.console
	p.term.console = true
	p.mu.Unlock()
	p.resize(columns, rows)
	if !was {
		p.console.nodes.AddConsole(p)
	}
}

// resize tells the terminal its size.
func (p *Port) resize(columns, rows uint16) {
	if columns == 0 || rows == 0 {
		return
	}
	p.mu.Lock()
	p.term.window = abi.Winsize{Row: rows, Col: columns}
	t, w := p.term.terminal, p.term.window
	p.mu.Unlock()
	if t != nil {
		t.SetWindow(w)
	}
}

// feedTerminal gives the terminal what the host has sent, and room.
func (p *Port) feedTerminal() {
	var chunk [256]byte
	for {
		p.mu.Lock()
		t := p.term.terminal
		if t == nil {
			p.mu.Unlock()
			return
		}
		p.collect()
		dst := vfs.Bytes(chunk[:])
		n, _ := p.readLocked(&dst)
		space := p.term.waiting && p.out.Free() > 0
		if space {
			p.term.waiting = false
		}
		p.mu.Unlock()
		if space {
			t.WriteSpace()
		}
		if n == 0 {
			return
		}
		t.Input(chunk[:n])
	}
}
