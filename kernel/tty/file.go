package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// An openTTY is an open file description of a terminal.
type openTTY struct {
	vfs.IsStreamFile
	tty        *TTY
	file       *vfs.File
	generation uint64 // of tty when it was opened
	console    bool   // opened as the system console: no job control
}

// OpenMode tells how a terminal's node differs from its ordinary one.
type OpenMode int

const (
	// Ordinary is a terminal's own node: it may become the controlling
	// terminal of a session leader that opens it.
	Ordinary OpenMode = iota
	// Current is /dev/tty.
	Current
	// SystemConsole is /dev/console: it is no controlling terminal, and who
	// uses it is under no job control.
	SystemConsole
)

// Open returns the operations of f, which is being opened for t.
func (t *TTY) Open(c vfs.Caller, f *vfs.File, mode OpenMode) (vfs.FileOps, error) {
	o := &openTTY{tty: t, file: f, console: mode == SystemConsole}
	if err := t.addOpen(c, o); err != nil {
		return nil, err
	}
	if mode == Ordinary && f.Flags()&abi.O_NOCTTY == 0 && f.Readable() {
		t.acquireOnOpen(c)
	}
	return o, nil
}

func (t *TTY) addOpen(c vfs.Caller, o *openTTY) error {
	t.lock()
	defer t.unlock()
	if t.exclusive && t.opens > 0 && !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EBUSY
	}
	if t.pty != nil {
		if err := t.pty.slaveOpening(); err != nil {
			return err
		}
	} else if !t.reserve() {
		return abi.ENOMEM
	}
	t.opens++
	o.generation = t.generation
	return nil
}

// reserve gets the memory without which t could lose what is typed or written,
// and reports whether there was enough.
func (t *TTY) reserve() bool {
	return t.line.buf.bytes() != nil && t.scratch.bytes() != nil && t.staged.begin() && t.out.begin()
}

// Release closes one open file. With the last one the terminal is nobody's
// controlling terminal any more.
func (o *openTTY) Release(*vfs.File) {
	if session := o.tty.removeOpen(); session != nil {
		session.Disown(o.tty)
	}
}

// removeOpen undoes addOpen. It returns the session that has lost its
// terminal, or nil.
func (t *TTY) removeOpen() (session Session) {
	t.lock()
	defer t.unlock()
	t.opens--
	if t.opens > 0 {
		return nil
	}
	session = t.session
	t.session, t.foreground = nil, nil
	t.exclusive = false
	if t.pty != nil {
		t.pty.slaveClosed()
		if t.pty.gone() {
			t.release()
		}
	}
	return session
}

// hung reports whether the terminal was hung up after o was opened.
func (o *openTTY) hung() bool { return o.generation != o.tty.generation }

// WaitQueue returns the terminal's queue.
func (o *openTTY) WaitQueue() *wait.Queue { return &o.tty.queue }

// Ready implements poll(2).
func (o *openTTY) Ready(mask wait.Events) wait.Events {
	t := o.tty
	t.lock()
	defer t.unlock()
	var ev wait.Events
	if o.hung() {
		ev = wait.Readable | wait.Writable | wait.Err | wait.Hup
	} else {
		if t.readable(t.pollMinimum()) {
			ev |= wait.Readable
		}
		if t.writable() {
			ev |= wait.Writable
		}
	}
	return ev & (mask | wait.Always)
}

// pollMinimum is how many bytes make a terminal in raw mode readable.
func (t *TTY) pollMinimum() int {
	if t.cc(abi.VTIME) == 0 && t.cc(abi.VMIN) != 0 {
		return int(t.cc(abi.VMIN))
	}
	return 1
}

// readable reports whether there is a line, or in raw mode at least n bytes.
func (t *TTY) readable(n int) bool {
	if t.canonical() {
		return t.line.canon != t.line.tail
	}
	return t.line.len() >= n
}

// CanSplice says that splice(2) reads terminals.
func (o *openTTY) CanSplice() bool { return true }
