package tty

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// A Driver carries the bytes of a terminal to where they are seen. It hands
// what was typed to TTY.Input.
type Driver interface {
	// Write takes as many bytes of p as it has room for, and returns how
	// many. After a short count it calls TTY.WriteSpace once there is room.
	// It is called with the terminal's lock held: it must not block and not
	// call back.
	Write(p []byte) int
	// SetTermios tells the driver a change of speed, character size or flow
	// control. The same rule holds.
	SetTermios(*abi.Termios)
}

// A QueueDriver is a Driver that buffers what was written.
type QueueDriver interface {
	Driver
	// Queued returns how many bytes wait to be sent.
	Queued() int
	// Flush drops them.
	Flush()
}

// A TTY is one terminal: a serial line, a console, or the slave side of a
// pseudo-terminal.
type TTY struct {
	name   string
	dev    uint64
	driver Driver
	pty    *Pty // nil unless this is the slave side of one

	// queue holds who waits for input, for room to write, or for the
	// hang-up.
	queue wait.Queue

	mu       sync.Mutex // guards everything below
	termios  abi.Termios
	winsize  abi.Winsize
	settings settings

	staged  ring // typed, not yet seen by the line discipline
	line    line // what read(2) takes
	out     ring // processed output that the driver has not taken yet
	scratch page // where write(2) copies from user memory

	// committed is how many bytes at the front of out the driver may have
	// even if output is stopped.
	committed int

	columns columns // where the cursor is, behind all that is in out
	shown   columns // where it is behind what is committed
	lnext   bool    // the next character is literal
	erasing bool    // between the \ and the / of ECHOPRT

	stopped   bool // output is stopped by ^S or tcflow(3)
	tcStopped bool // by tcflow(3): ^Q does not start it
	throttled bool // IXOFF has sent the STOP character
	exclusive bool // TIOCEXCL

	session    Session // that it controls, or nil
	foreground Job     // or nil

	opens      int
	generation uint64 // counts hang-ups: older open files are dead

	pending []pendingSignal // to be sent when mu is released
}

type pendingSignal struct {
	job Job
	sig int
}

// New returns the terminal behind d. name is that of its node in /dev, dev
// its device number.
func New(name string, dev uint64, d Driver) *TTY {
	t := &TTY{name: name, dev: dev, driver: d}
	t.staged.limit = stagedLimit
	t.out.limit = outLimit
	t.termios = DefaultTermios
	t.settings = settingsOf(&t.termios)
	return t
}

// Sizes in bytes.
const (
	stagedLimit = 64 << 10
	ptyLimit    = 8 << 10
	outLimit    = 4 << 10
	// echoReserve is the part of the output queue that write(2) leaves to
	// the echo.
	echoReserve = 1 << 10
)

// The events that readers and writers wait for.
const (
	wakeRead  = wait.Readable
	wakeWrite = wait.Writable
)

// Name returns the name of the terminal's node in /dev, such as ttyS0 or
// pts/0.
func (t *TTY) Name() string { return t.name }

// Dev returns the device number, as st_rdev has it.
func (t *TTY) Dev() uint64 { return t.dev }

// Input takes bytes that were typed, and returns how many: fewer than len(p)
// when nobody reads them and the queue is full, or there is no memory.
func (t *TTY) Input(p []byte) int {
	t.lock()
	defer t.unlock()
	if !t.reserve() {
		return 0 // nobody has opened the terminal yet
	}
	n := t.staged.put(p)
	t.receiveStaged()
	return n
}

// WriteSpace is called by the driver when it has room again after a short
// count of Write.
func (t *TTY) WriteSpace() {
	t.lock()
	defer t.unlock()
	t.pump()
}

// lock and unlock guard the state; unlock sends the signals that the holder
// of the lock has caused.
func (t *TTY) lock() { t.mu.Lock() }

func (t *TTY) unlock() {
	pending := t.pending
	t.pending = nil
	t.mu.Unlock()
	for _, p := range pending {
		p.job.Signal(p.sig)
	}
}

// signal notes a signal for a process group; nil is nobody.
func (t *TTY) signal(job Job, sig int) {
	if job != nil {
		t.pending = append(t.pending, pendingSignal{job, sig})
	}
}
