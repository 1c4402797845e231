// Package pipe is pipes and FIFOs: pipe(7), fifo(7).
//
// A pipe is a ring of slots, each with a part of a page frame. A write fills
// up the last slot if all of it (or its odd part) fits there, and takes whole
// new slots otherwise; so a write of up to PIPE_BUF bytes is never mixed with
// others, and a pipe of 16 slots holds 64 KiB if it is written in one piece.
package pipe

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

const (
	// defaultSlots is how many pages a new pipe holds.
	defaultSlots = 16
	// keptPages is how many empty page frames a pipe keeps for its next
	// writes.
	keptPages = 2
)

// A slot is a part of a page.
type slot struct {
	page   frame.Frame
	off, n uint16
	packet bool // a write of its own (O_DIRECT): a read ends with it
}

// A Pipe is a pipe or the pipe behind a FIFO.
type Pipe struct {
	// queue holds readers (In) and writers (Out) alike.
	queue wait.Queue

	mu      sync.Mutex // guards everything below; taken before locks of address spaces
	slots   []slot     // a ring
	head    uint32     // counts slots ever filled
	tail    uint32     // counts slots ever emptied
	kept    [keptPages]frame.Frame
	nkept   int
	readers int // open files that can read
	writers int
	// readerOpens and writerOpens count how often each side was opened, so
	// that who waits in open(2) for the other side notices one that has
	// already gone.
	readerOpens, writerOpens uint32
	anonymous                bool // made by pipe(2): opening it never waits
	charge                   charge

	// What KernelMemory looks at, who may not wait for mu: it is held while
	// user memory is copied.
	frames   atomic.Int32 // page frames in slots and kept
	capacity atomic.Int32 // slots
	unread   atomic.Bool  // nobody can read
}

func newPipe(cred *vfs.Cred) (*Pipe, error) {
	c, err := chargeNew(cred)
	if err != nil {
		return nil, err
	}
	p := &Pipe{charge: c, slots: make([]slot, c.slots)}
	p.capacity.Store(int32(c.slots))
	return p, nil
}

// New makes a pipe and returns its reading and its writing end. flags are
// O_NONBLOCK and O_DIRECT. The error is ENFILE.
func New(c vfs.Caller, flags int) (r, w *vfs.File, err error) {
	p, err := newPipe(c.Cred())
	if err != nil {
		return nil, nil, err
	}
	p.anonymous = true
	p.readers, p.writers = 1, 1
	p.readerOpens, p.writerOpens = 1, 1
	inode := vfs.NewAnonInode("pipe", abi.S_IFIFO|0o600)
	inode.SetOwner(c)
	inode.VFSState().Pipe(func(place *any) { *place = p })
	flags &= abi.O_NONBLOCK | abi.O_DIRECT
	ends := &[2]end{
		{pipe: p, state: inode.VFSState(), reads: true},
		{pipe: p, state: inode.VFSState(), writes: true},
	}
	ends[1].packets.Store(flags&abi.O_DIRECT != 0)
	if r, err = inode.NewFile(c, &ends[0], abi.O_RDONLY|flags); err != nil {
		ends[0].Release(nil)
		ends[1].Release(nil)
		return nil, nil, err
	}
	if w, err = inode.NewFile(c, &ends[1], abi.O_WRONLY|flags); err != nil {
		ends[1].Release(nil)
		r.Put()
		return nil, nil, err
	}
	return r, w, nil
}

func (p *Pipe) used() int    { return int(p.head - p.tail) }
func (p *Pipe) empty() bool  { return p.head == p.tail }
func (p *Pipe) full() bool   { return p.used() >= len(p.slots) }
func (p *Pipe) first() *slot { return &p.slots[p.tail%uint32(len(p.slots))] }
func (p *Pipe) last() *slot  { return &p.slots[(p.head-1)%uint32(len(p.slots))] }
func (p *Pipe) next() *slot  { return &p.slots[p.head%uint32(len(p.slots))] }

// sparePage returns a page for a slot. It is the last of those that are kept
// until the caller takes it off.
func (p *Pipe) sparePage() (frame.Frame, error) {
	if p.nkept == 0 {
		f, err := frame.Alloc()
		if err != nil {
			return 0, err
		}
		p.kept[0], p.nkept = f, 1
		p.frames.Add(1)
	}
	return p.kept[p.nkept-1], nil
}

// freePage takes back the page of an empty slot.
func (p *Pipe) freePage(f frame.Frame) {
	if p.nkept < keptPages && f.Refs() == 1 {
		p.kept[p.nkept] = f
		p.nkept++
		return
	}
	p.frames.Add(-1)
	f.Put()
}
