package vconsole

import "kevlar/kernel/vfs"

// A Terminal is the line discipline that a console port serves. Its methods
// are called with no lock of the port held.
type Terminal interface {
	// Input gives it bytes that the host has sent.
	Input(p []byte)
	// Resize tells it a new size, in characters.
	Resize(columns, rows uint16)
}

// consoleState is what a port has that serves a terminal. The port's mu
// guards it.
type consoleState struct {
	is            bool
	columns, rows uint16
	terminal      Terminal // nil until Attach
}

// IsConsole reports whether the host has made the port a console.
func (p *Port) IsConsole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term.is
}

// Attach lets a console port serve t.
func (p *Port) Attach(t Terminal) error {
	p.mu.Lock()
	err := p.start()
	p.term.terminal = t
	columns, rows := p.term.columns, p.term.rows
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if columns != 0 {
		t.Resize(columns, rows)
	}
	p.feedConsole()
	return nil
}

// Send gives bytes of the terminal to the host and returns how many there was
// room for. Bytes for a disconnected host are dropped.
func (p *Port) Send(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.hostConnected || p.outFrames == nil {
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
	return total
}

// becomeConsole notes that the port is a console of the given size.
func (p *Port) becomeConsole(columns, rows uint16) {
	p.mu.Lock()
	p.term.is = true
	p.mu.Unlock()
	p.resize(columns, rows)
}

// resize tells the terminal its size.
func (p *Port) resize(columns, rows uint16) {
	if columns == 0 || rows == 0 {
		return
	}
	p.mu.Lock()
	p.term.columns, p.term.rows = columns, rows
	t := p.term.terminal
	p.mu.Unlock()
	if t != nil {
		t.Resize(columns, rows)
	}
}

// feedConsole gives the terminal what the host has sent.
func (p *Port) feedConsole() {
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
		p.mu.Unlock()
		if n == 0 {
			return
		}
		t.Input(chunk[:n])
	}
}
