package pipe

import (
	"encoding/binary"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// An end is an open file of a pipe: one end, or of a FIFO both.
type end struct {
	vfs.IsStreamFile
	pipe          *Pipe
	state         *vfs.State // of the inode, which keeps the pipe
	reads, writes bool
	packets       atomic.Bool // O_DIRECT
	// early is writerOpens plus 1 if the FIFO was opened to read, without
	// waiting, when there was no writer: there is no hang-up before one has
	// come.
	early uint32
	// waits says that opening waits until the other side has been opened
	// more often than otherOpens.
	waits      bool
	otherOpens uint32
}

// Read implements read(2).
func (e *end) Read(_ vfs.Caller, dst vfs.Dest, _ int64) (int, error) { return e.pipe.read(dst) }

// Write implements write(2).
func (e *end) Write(_ vfs.Caller, src vfs.Source, _ int64) (int, error) {
	return e.pipe.write(src, e.packets.Load())
}

// WaitQueue returns the pipe's queue.
func (e *end) WaitQueue() *wait.Queue { return &e.pipe.queue }

// Ready implements poll(2).
func (e *end) Ready(mask wait.Events) wait.Events {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	var ev wait.Events
	if e.reads {
		if !p.empty() {
			ev |= wait.Readable
		}
		if p.writers == 0 && e.early != p.writerOpens+1 {
			ev |= wait.Hup
		}
	}
	if e.writes {
		if !p.full() {
			ev |= wait.Writable
		}
		if p.readers == 0 {
			ev |= wait.Err
		}
	}
	return ev & (mask | wait.Always)
}

// Ioctl knows FIONREAD.
func (e *end) Ioctl(c vfs.Caller, cmd uint32, arg uintptr) (uintptr, error) {
	if cmd != abi.FIONREAD {
		return 0, abi.ENOTTY
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(e.pipe.buffered()))
	_, err := c.CopyOut(arg, b[:])
	return 0, err
}

// FlagsChanging follows O_DIRECT.
func (e *end) FlagsChanging(_ *vfs.File, flags int) error {
	e.packets.Store(flags&abi.O_DIRECT != 0)
	return nil
}

// KernelMemory implements vfs.MemoryUser: pages and slots count once, for who
// reads.
func (e *end) KernelMemory() int64 {
	p := e.pipe
	if !e.reads && !p.unread.Load() {
		return 0
	}
	return pipeMemory + int64(p.capacity.Load())*slotMemory + int64(p.frames.Load())*frame.Size
}

// Release closes the end. With the last one the pipe is freed.
func (e *end) Release(*vfs.File) {
	e.state.Pipe(func(place *any) {
		if e.pipe.closeEnd(e) {
			*place = nil
		}
	})
}

// closeEnd reports whether it was the last.
func (p *Pipe) closeEnd(e *end) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.reads {
		p.readers--
	}
	if e.writes {
		p.writers--
	}
	if p.readers == 0 && p.writers == 0 {
		p.free()
		return true
	}
	p.unread.Store(p.readers == 0)
	if p.readers == 0 || p.writers == 0 {
		p.queue.Notify(wait.Readable | wait.Writable | wait.Err | wait.Hup)
	}
	return false
}

// free gives up all memory.
func (p *Pipe) free() {
	for ; p.tail != p.head; p.tail++ {
		p.first().page.Put()
	}
	for ; p.nkept > 0; p.nkept-- {
		p.kept[p.nkept-1].Put()
	}
	p.frames.Store(0)
	p.charge.drop()
}
