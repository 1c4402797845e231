package tty

import (
	"fmt"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A Pty is a pseudo-terminal: pty(7). A program with the master side plays
// the person at the terminal; the slave side is a TTY.
type Pty struct {
	index   int
	slave   *TTY
	onClose func()

	// queue holds who waits on the master side.
	queue wait.Queue

	mu        sync.Mutex // guards what follows; taken after slave.mu
	output    ring       // written by the slave, not yet read by the master
	locked    bool       // the slave cannot be opened: unlockpt(3)
	packet    bool       // TIOCPKT
	events    byte       // TIOCPKT_* bits that the master has not read
	slaveLeft bool       // the slave was opened and nobody has it open now
	closed    bool       // the master has gone

	account *kmem.Account // which is charged for it
	charged bool          // guarded by slave.mu
}

// ptyMemory is what a pseudo-terminal takes of the heap, in bytes, rounded up:
// both sides, and the slave's node.
const ptyMemory = 4096

const (
	// PtsMajor is the major number of slaves; the minor is the number.
	PtsMajor = 136
	// MaxPtys limits how many there are at once.
	MaxPtys = 4096
)

// SlaveDev returns the device number of the slave with number i: pts(4).
func SlaveDev(i int) uint64 { return abi.MakeDev(PtsMajor, uint32(i)) }

// masterRead is how much output stays readable when output is flushed.
const masterRead = 4095

var ptys struct {
	sync.Mutex
	byIndex [MaxPtys]*Pty
	count   int
}

// NewPty makes a pseudo-terminal with the lowest free number, charged to
// account, or fails with ENOSPC or ENOMEM. It lasts until its master side is
// closed, when onClose, if not nil, is called before the number is free again.
func NewPty(account *kmem.Account, onClose func()) (*Pty, error) {
	ptys.Lock()
	defer ptys.Unlock()
	for i, p := range &ptys.byIndex {
		if p == nil {
			if err := account.Charge(ptyMemory); err != nil {
				return nil, err
			}
			p = newPty(i)
			p.account, p.charged = account, true
			if !p.reserve() {
				p.output.release()
				p.slave.release()
				return nil, abi.ENOMEM
			}
			p.onClose = onClose
			ptys.byIndex[i] = p
			ptys.count++
			return p, nil
		}
	}
	return nil, abi.ENOSPC
}

func newPty(index int) *Pty {
	p := &Pty{index: index, locked: true}
	p.output.limit = 3 * outLimit
	p.slave = New(fmt.Sprintf("pts/%d", index), SlaveDev(index), (*ptyDriver)(p))
	p.slave.pty = p
	p.slave.termios.Cflag &^= abi.HUPCL // there is no line to hang up
	p.slave.staged.limit = ptyLimit
	return p
}

// reserve gets the memory without which p could lose what goes through it, and
// reports whether there was enough.
func (p *Pty) reserve() bool { return p.output.begin() && p.slave.reserve() }

// PtyByIndex returns the pseudo-terminal with number i, or nil.
func PtyByIndex(i int) *Pty {
	if i < 0 || i >= MaxPtys {
		return nil
	}
	ptys.Lock()
	defer ptys.Unlock()
	return ptys.byIndex[i]
}

// PtyCount returns how many pseudo-terminals there are.
func PtyCount() int {
	ptys.Lock()
	defer ptys.Unlock()
	return ptys.count
}

// Index returns the number N of /dev/pts/N.
func (p *Pty) Index() int { return p.index }

// Slave returns the terminal.
func (p *Pty) Slave() *TTY { return p.slave }

// Master returns the operations of the master side for f. It is called once.
func (p *Pty) Master(f *vfs.File) vfs.FileOps { return &master{pty: p, file: f} }

// uncharge ends the charge when nobody can use the pseudo-terminal any more. The
// caller holds slave.mu.
func (p *Pty) uncharge() {
	if p.charged {
		p.account.Uncharge(ptyMemory)
		p.charged = false
	}
}

// KernelMemory implements vfs.MemoryUser: the slave's memory counts for the
// master.
func (m *master) KernelMemory() int64 {
	t := m.pty.slave
	pages := m.pty.output.used.Load() + t.staged.used.Load() + t.out.used.Load()
	const lineAndScratch = 2
	return ptyMemory + int64(pages+lineAndScratch)*frame.Size
}

func (p *Pty) markClosed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.output.release()
}

// close is called when the master side has been closed: the slave is hung up.
func (p *Pty) close() {
	p.markClosed()
	if p.onClose != nil {
		p.onClose()
	}
	ptys.Lock()
	ptys.byIndex[p.index] = nil
	ptys.count--
	ptys.Unlock()
	p.slave.HangUp()
	p.slave.releaseIfUnused()
}

func (t *TTY) releaseIfUnused() {
	t.lock()
	defer t.unlock()
	if t.opens == 0 && t.pty.gone() {
		t.release()
	}
}

func (p *Pty) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// slaveOpening is called with the slave's lock held when it is being opened.
func (p *Pty) slaveOpening() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.locked || p.closed {
		return abi.EIO
	}
	p.slaveLeft = false
	return nil
}

// slaveClosed is called with the slave's lock held when nobody has it open
// any more.
func (p *Pty) slaveClosed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slaveLeft = true
	p.queue.Notify(wait.Hup | wakeRead | wakeWrite)
}

// status sets and clears TIOCPKT_* events for a master in packet mode.
func (p *Pty) status(set, clear byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.packet {
		p.events = p.events&^clear | set
		p.queue.Notify(wait.Pri | wakeRead)
	}
}

// termiosChanged tells a master in packet mode whether ^S and ^Q are the
// flow control characters.
func (p *Pty) termiosChanged(old, new *abi.Termios) {
	const dc1, dc3 = 'Q' - '@', 'S' - '@'
	flow := func(t *abi.Termios) bool {
		return t.Iflag&abi.IXON != 0 && t.Cc[abi.VSTART] == dc1 && t.Cc[abi.VSTOP] == dc3
	}
	external := (old.Lflag|new.Lflag)&abi.EXTPROC != 0
	if flow(old) == flow(new) && !external {
		return
	}
	set, clear := byte(abi.TIOCPKT_NOSTOP), byte(abi.TIOCPKT_DOSTOP)
	if flow(new) {
		set, clear = clear, set
	}
	if external {
		set |= abi.TIOCPKT_IOCTL
	}
	p.status(set, clear)
}

// A ptyDriver is the slave's Driver: what it writes is the master's input.
type ptyDriver Pty

func (d *ptyDriver) Write(b []byte) int {
	p := (*Pty)(d)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return len(b)
	}
	n := p.output.put(b)
	if n > 0 {
		p.queue.Notify(wakeRead)
	}
	return n
}

func (d *ptyDriver) SetTermios(*abi.Termios) {}

// Queued is 0: what is written counts as sent.
func (d *ptyDriver) Queued() int { return 0 }

// Flush drops what the master could not have seen yet.
func (d *ptyDriver) Flush() {
	p := (*Pty)(d)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.truncate(masterRead)
}
