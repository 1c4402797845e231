package tty

import (
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
)

// ioctlModes gets and sets termios in its three layouts.
func (t *TTY) ioctlModes(c vfs.Caller, cmd uint32, arg uintptr) error {
	var b [abi.SizeofTermios2]byte
	switch cmd {
	case abi.TCGETS, abi.TCGETS2:
		n := abi.SizeofTermios
		if cmd == abi.TCGETS2 {
			n = abi.SizeofTermios2
		}
		now := t.Termios()
		now.MarshalTo(b[:n])
		_, err := c.CopyOut(arg, b[:n])
		return err
	case abi.TCGETA:
		now := t.Termios()
		now.MarshalTermioTo(b[:abi.SizeofTermio])
		_, err := c.CopyOut(arg, b[:abi.SizeofTermio])
		return err
	case abi.TIOCGSOFTCAR:
		now := t.Termios()
		return putBool(c, arg, now.Cflag&abi.CLOCAL != 0)
	case abi.TIOCSSOFTCAR:
		v, err := getInt(c, arg)
		if err != nil {
			return err
		}
		now := t.Termios()
		now.Cflag &^= abi.CLOCAL
		if v != 0 {
			now.Cflag |= abi.CLOCAL
		}
		t.SetTermios(now)
		return nil
	}

	if err := t.checkChange(c); err != nil {
		return err
	}
	next := t.Termios()
	n, decode := abi.SizeofTermios, next.Unmarshal
	switch cmd {
	case abi.TCSETS2, abi.TCSETSW2, abi.TCSETSF2:
		n = abi.SizeofTermios2
	case abi.TCSETA, abi.TCSETAW, abi.TCSETAF:
		n, decode = abi.SizeofTermio, next.UnmarshalTermio
	}
	if _, err := c.CopyIn(b[:n], arg); err != nil {
		return err
	}
	decode(b[:n])
	updateSpeeds(&next)
	switch cmd {
	case abi.TCSETSF, abi.TCSETSF2, abi.TCSETAF:
		t.flushInput()
		fallthrough
	case abi.TCSETSW, abi.TCSETSW2, abi.TCSETAW:
		if err := t.drain(c); err != nil {
			return err
		}
	}
	t.SetTermios(next)
	return nil
}

// flushInput drops what can be read.
func (t *TTY) flushInput() {
	t.lock()
	defer t.unlock()
	t.line.clear()
	t.lnext, t.erasing = false, false
	if t.pty != nil {
		t.pty.status(abi.TIOCPKT_FLUSHREAD, 0)
	}
	t.receiveStaged()
}

// ioctlFlush is TCFLSH: tcflush(3).
func (t *TTY) ioctlFlush(c vfs.Caller, what int) error {
	if err := t.checkChange(c); err != nil {
		return err
	}
	switch what {
	case abi.TCIFLUSH, abi.TCIOFLUSH, abi.TCOFLUSH:
	default:
		return abi.EINVAL
	}
	if what != abi.TCOFLUSH {
		t.flushInput()
	}
	if what != abi.TCIFLUSH {
		t.lock()
		defer t.unlock()
		t.flushOutput()
	}
	return nil
}

// ioctlFlow is TCXONC: tcflow(3).
func (t *TTY) ioctlFlow(c vfs.Caller, what int) error {
	if err := t.checkChange(c); err != nil {
		return err
	}
	t.lock()
	defer t.unlock()
	switch what {
	case abi.TCOOFF:
		t.tcStopped = true
		t.stopOutput()
	case abi.TCOON:
		if t.tcStopped {
			t.tcStopped = false
			t.startOutput()
			t.pump()
		}
	case abi.TCIOFF:
		t.sendFlowChar(abi.VSTOP)
	case abi.TCION:
		t.sendFlowChar(abi.VSTART)
	default:
		return abi.EINVAL
	}
	return nil
}

// A BreakDriver is a Driver for a line that knows the break condition.
type BreakDriver interface {
	Driver
	SetBreak(on bool)
}

// breakTime is how long tcsendbreak(3) sends a break.
const breakTime = 250 * time.Millisecond

// ioctlBreak is TCSBRK and its relatives: tcdrain(3) and tcsendbreak(3). A
// line without a break condition has nothing to send.
func (t *TTY) ioctlBreak(c vfs.Caller, cmd uint32, arg uintptr) error {
	if err := t.checkChange(c); err != nil {
		return err
	}
	if cmd != abi.TIOCCBRK {
		if err := t.drain(c); err != nil {
			return err
		}
	}
	d, ok := t.driver.(BreakDriver)
	if !ok || cmd == abi.TCSBRK && arg != 0 {
		return nil
	}
	if cmd == abi.TIOCSBRK || cmd == abi.TIOCCBRK {
		d.SetBreak(cmd == abi.TIOCSBRK)
		return nil
	}
	d.SetBreak(true)
	defer d.SetBreak(false)
	return c.Sleeper().SleepUntil(ktime.Mono() + int64(breakTime))
}

// queued returns how many bytes are not sent yet.
func (t *TTY) queued() int {
	t.lock()
	defer t.unlock()
	return t.unsent()
}

// drain waits until all output has been sent. What a pseudo-terminal writes
// counts as sent.
func (t *TTY) drain(c vfs.Caller) error {
	const poll = int64(20 * time.Millisecond) // drivers tell of room, not of the end
	if t.pty != nil {
		return nil
	}
	sent := func() error {
		if t.queued() > 0 {
			return abi.EAGAIN
		}
		return nil
	}
	for {
		err := sent()
		if err == abi.EAGAIN {
			err = c.Sleeper().Await(&t.queue, wakeWrite, ktime.Mono()+poll, sent)
		}
		if err != abi.ETIMEDOUT {
			return err
		}
	}
}
