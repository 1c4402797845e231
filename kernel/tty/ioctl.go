package tty

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// A side tells through which file a request comes.
type side bool

const (
	slaveSide  side = false
	masterSide side = true // of a pseudo-terminal
)

// Ioctl implements ioctl_tty(2).
func (o *openTTY) Ioctl(c vfs.Caller, cmd uint32, arg uintptr) (uintptr, error) {
	if o.isHung() {
		if cmd == abi.TIOCSPGRP {
			return 0, abi.ENOTTY
		}
		return 0, abi.EIO
	}
	switch cmd {
	case abi.TIOCINQ:
		return 0, putInt(c, arg, o.tty.unread())
	case abi.TIOCGPTN, abi.TIOCSPTLCK, abi.TIOCGPTLCK, abi.TIOCPKT, abi.TIOCGPKT:
		return 0, abi.ENOTTY
	}
	return o.tty.ioctl(c, o.file, slaveSide, cmd, arg)
}

// unread returns how many bytes read(2) could take now.
func (t *TTY) unread() int {
	t.lock()
	defer t.unlock()
	if t.canonical() {
		return t.line.lines()
	}
	return t.line.len()
}

func (t *TTY) ioctl(c vfs.Caller, f *vfs.File, from side, cmd uint32, arg uintptr) (uintptr, error) {
	switch cmd {
	case abi.TCGETS, abi.TCGETS2, abi.TCGETA,
		abi.TCSETS, abi.TCSETSW, abi.TCSETSF,
		abi.TCSETS2, abi.TCSETSW2, abi.TCSETSF2,
		abi.TCSETA, abi.TCSETAW, abi.TCSETAF,
		abi.TIOCGSOFTCAR, abi.TIOCSSOFTCAR:
		return 0, t.ioctlModes(c, cmd, arg)

	case abi.TCXONC:
		return 0, t.ioctlFlow(c, int(arg))
	case abi.TCFLSH:
		return 0, t.ioctlFlush(c, int(arg))
	case abi.TCSBRK, abi.TCSBRKP, abi.TIOCSBRK, abi.TIOCCBRK:
		return 0, t.ioctlBreak(c, cmd, arg)
	case abi.TIOCOUTQ:
		return 0, putInt(c, arg, t.queued())

	case abi.TIOCGWINSZ:
		return 0, t.ioctlGetWindow(c, arg)
	case abi.TIOCSWINSZ:
		return 0, t.ioctlSetWindow(c, arg)

	case abi.TIOCGPGRP, abi.TIOCGSID:
		return 0, t.ioctlGetJob(c, from, cmd, arg)
	case abi.TIOCSPGRP:
		return 0, t.ioctlSetForeground(c, arg)
	case abi.TIOCSCTTY:
		if from == masterSide {
			return 0, abi.EIO
		}
		return 0, t.setControlling(c, arg == 1, f.Readable())
	case abi.TIOCNOTTY:
		return 0, t.giveUp(c)

	case abi.TIOCSTI:
		return 0, t.ioctlType(c, arg)
	case abi.TIOCVHANGUP:
		if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
			return 0, abi.EPERM
		}
		t.HangUp()
		return 0, nil
	case abi.TIOCEXCL:
		t.setExclusive(true)
		return 0, nil
	case abi.TIOCNXCL:
		t.setExclusive(false)
		return 0, nil
	case abi.TIOCGEXCL:
		return 0, putBool(c, arg, t.isExclusive())
	case abi.TIOCGETD:
		return 0, putInt(c, arg, abi.N_TTY)
	case abi.TIOCSETD:
		return 0, t.ioctlDiscipline(c, arg)
	case abi.TIOCGDEV:
		return 0, putInt(c, arg, int(t.dev))
	}
	return 0, abi.ENOTTY
}

func (t *TTY) setExclusive(on bool) {
	t.lock()
	defer t.unlock()
	t.exclusive = on
}

func (t *TTY) isExclusive() bool {
	t.lock()
	defer t.unlock()
	return t.exclusive
}

// ioctlGetJob is TIOCGPGRP and TIOCGSID. Through the slave, only members of
// the session that it controls may ask.
func (t *TTY) ioctlGetJob(c vfs.Caller, from side, cmd uint32, arg uintptr) error {
	if from == slaveSide {
		if p, ok := c.(Process); !ok || p.CTTY() != t {
			return abi.ENOTTY
		}
	}
	if cmd == abi.TIOCGPGRP {
		return putInt(c, arg, t.Foreground())
	}
	sid := t.Session()
	if sid == 0 {
		return abi.ENOTTY
	}
	return putInt(c, arg, sid)
}

func (t *TTY) ioctlSetForeground(c vfs.Caller, arg uintptr) error {
	switch err := t.checkChange(c); err {
	case nil:
	case abi.EIO:
		return abi.ENOTTY
	default:
		return err
	}
	pgid, err := getInt(c, arg)
	if err != nil {
		return err
	}
	if pgid < 0 {
		return abi.EINVAL
	}
	return t.setForeground(c, pgid)
}

// ioctlType is TIOCSTI: a byte as if typed. It is for the superuser.
func (t *TTY) ioctlType(c vfs.Caller, arg uintptr) error {
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EIO
	}
	var b [1]byte
	if _, err := c.CopyIn(b[:], arg); err != nil {
		return err
	}
	t.Input(b[:])
	return nil
}

// ioctlDiscipline is TIOCSETD; N_TTY is the only line discipline.
func (t *TTY) ioctlDiscipline(c vfs.Caller, arg uintptr) error {
	if err := t.checkChange(c); err != nil {
		return err
	}
	n, err := getInt(c, arg)
	if err != nil {
		return err
	}
	if n != abi.N_TTY {
		return abi.EINVAL
	}
	return nil
}

func (t *TTY) ioctlGetWindow(c vfs.Caller, arg uintptr) error {
	w := t.Window()
	var b [abi.SizeofWinsize]byte
	w.MarshalTo(b[:])
	_, err := c.CopyOut(arg, b[:])
	return err
}

func (t *TTY) ioctlSetWindow(c vfs.Caller, arg uintptr) error {
	var b [abi.SizeofWinsize]byte
	if _, err := c.CopyIn(b[:], arg); err != nil {
		return err
	}
	var w abi.Winsize
	w.Unmarshal(b[:])
	t.SetWindow(w)
	return nil
}

// Window returns the window's size.
func (t *TTY) Window() abi.Winsize {
	t.lock()
	defer t.unlock()
	return t.winsize
}

// SetWindow sets the window's size; a change sends SIGWINCH to the
// foreground group.
func (t *TTY) SetWindow(w abi.Winsize) {
	t.lock()
	defer t.unlock()
	if t.winsize != w {
		t.winsize = w
		t.signal(t.foreground, abi.SIGWINCH)
	}
}

func getInt(c vfs.Caller, addr uintptr) (int, error) {
	var b [4]byte
	if _, err := c.CopyIn(b[:], addr); err != nil {
		return 0, err
	}
	return int(int32(binary.LittleEndian.Uint32(b[:]))), nil
}

func putInt(c vfs.Caller, addr uintptr, v int) error {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(v))
	_, err := c.CopyOut(addr, b[:])
	return err
}

func putBool(c vfs.Caller, addr uintptr, v bool) error {
	if v {
		return putInt(c, addr, 1)
	}
	return putInt(c, addr, 0)
}
