package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A master is the open file of a pseudo-terminal's master side.
type master struct {
	vfs.IsStreamFile
	pty  *Pty
	file *vfs.File
}

// Read takes what the slave has written; in packet mode either one byte of
// events, or TIOCPKT_DATA and output.
func (m *master) Read(_ vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	n, err := m.pty.read(dst)
	if n > 0 {
		m.pty.slave.WriteSpace()
		return n, nil
	}
	return 0, err
}

func (p *Pty) read(dst vfs.Dest) (done int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dst.Len() == 0 {
		return 0, nil
	}
	if p.packet && p.events != 0 {
		events := p.events
		p.events = 0
		return dst.Write([]byte{events})
	}
	if p.output.len() == 0 {
		if p.slaveLeft {
			return 0, abi.EIO
		}
		return 0, abi.EAGAIN
	}
	if p.packet {
		if done, err = dst.Write([]byte{abi.TIOCPKT_DATA}); err != nil {
			return done, err
		}
	}
	for p.output.len() > 0 && dst.Len() > 0 && err == nil {
		b := p.output.front()
		var n int
		n, err = dst.Write(b[:min(len(b), dst.Len())])
		p.output.drop(n)
		done += n
	}
	return done, err
}

// Write is what the person types.
func (m *master) Write(_ vfs.Caller, src vfs.Source, _ int64) (done int, err error) {
	t := m.pty.slave
	t.lock()
	defer t.unlock()
	buf := t.scratch.bytes()
	for src.Len() > 0 && err == nil {
		n := t.staged.reserve(min(src.Len(), len(buf)))
		if n == 0 {
			break
		}
		n, err = src.Read(buf[:n])
		t.staged.put(buf[:n])
		t.receiveStaged()
		done += n
	}
	switch {
	case done > 0 || err != nil:
		return done, nilIf(done > 0, err)
	case src.Len() > 0:
		return 0, abi.EAGAIN
	}
	return 0, nil
}

// WaitQueue returns the queue of the master side.
func (m *master) WaitQueue() *wait.Queue { return &m.pty.queue }

// Ready implements poll(2).
func (m *master) Ready(mask wait.Events) wait.Events {
	ev := m.pty.masterReady()
	t := m.pty.slave
	t.lock()
	defer t.unlock()
	if t.staged.room() > 0 {
		ev |= wait.Writable
	}
	return ev & (mask | wait.Always)
}

func (p *Pty) masterReady() (ev wait.Events) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.output.len() > 0 {
		ev |= wait.Readable
	}
	if p.packet && p.events != 0 {
		ev |= wait.Pri | wait.Readable
	}
	if p.slaveLeft {
		ev |= wait.Hup
	}
	return ev
}

// Release hangs up the slave.
func (m *master) Release(*vfs.File) { m.pty.close() }

// Ioctl does the requests of the master side; those about modes, the window
// and job control are the slave's.
func (m *master) Ioctl(c vfs.Caller, cmd uint32, arg uintptr) (uintptr, error) {
	p := m.pty
	switch cmd {
	case abi.TIOCSPTLCK:
		v, err := getInt(c, arg)
		if err == nil {
			p.set(&p.locked, v != 0)
		}
		return 0, err
	case abi.TIOCGPTLCK:
		return 0, putBool(c, arg, p.get(&p.locked))
	case abi.TIOCGPTN:
		return 0, putInt(c, arg, p.index)
	case abi.TIOCPKT:
		v, err := getInt(c, arg)
		if err == nil {
			p.setPacket(v != 0)
		}
		return 0, err
	case abi.TIOCGPKT:
		return 0, putBool(c, arg, p.get(&p.packet))
	case abi.TIOCSIG:
		return 0, p.sendSignal(int(arg))
	case abi.TIOCINQ:
		return 0, putInt(c, arg, p.unread())
	}
	return p.slave.ioctl(c, m.file, masterSide, cmd, arg)
}

func (p *Pty) set(field *bool, v bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*field = v
}

func (p *Pty) get(field *bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *field
}

func (p *Pty) setPacket(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on && !p.packet {
		p.events = 0
	}
	p.packet = on
}

func (p *Pty) unread() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.len()
}

// sendSignal is TIOCSIG: the signal goes to the foreground group as if it had
// been typed.
func (p *Pty) sendSignal(sig int) error {
	switch sig {
	case abi.SIGINT, abi.SIGQUIT, abi.SIGTSTP:
	default:
		return abi.EINVAL
	}
	t := p.slave
	t.lock()
	defer t.unlock()
	t.signal(t.foreground, sig)
	return nil
}

// CanSplice says that splice(2) reads terminals.
func (m *master) CanSplice() bool { return true }
