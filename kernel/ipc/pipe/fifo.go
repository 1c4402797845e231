package pipe

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// OpenFIFO opens a FIFO, or a pipe anew through /proc/PID/fd: fifo(7). Opening
// a FIFO for reading or writing alone waits for the other side; with
// O_NONBLOCK reading does not wait and writing fails with ENXIO.
func OpenFIFO(c vfs.Caller, f *vfs.File, inode vfs.Inode) (vfs.FileOps, error) {
	holder, ok := inode.(vfs.Stateful)
	if !ok {
		return nil, abi.ENXIO
	}
	e := &end{state: holder.VFSState(), reads: f.Readable(), writes: f.Writable()}
	e.packets.Store(f.Flags()&abi.O_DIRECT != 0)
	var err error
	e.state.Pipe(func(place *any) {
		p, _ := (*place).(*Pipe)
		if p == nil {
			if p, err = newPipe(c.Cred()); err != nil {
				return
			}
		}
		e.pipe = p
		if err = p.openEnd(e, f.Nonblocking()); err == nil {
			*place = p
		} else if *place == nil {
			p.charge.drop()
		}
	})
	if err != nil {
		return nil, err
	}
	if err = e.awaitPartner(c); err != nil {
		e.Release(f)
		return nil, err
	}
	return e, nil
}

func (p *Pipe) openEnd(e *end, nonblock bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	others, opens := p.others(e)
	if e.reads != e.writes && others == 0 && !p.anonymous {
		switch {
		case !nonblock:
			e.waits, e.otherOpens = true, opens
		case e.writes:
			return abi.ENXIO
		default:
			e.early = opens + 1
		}
	}
	if e.reads {
		p.readers++
		p.unread.Store(false)
		p.readerOpens++
	}
	if e.writes {
		p.writers++
		p.writerOpens++
	}
	p.queue.Notify(wait.Readable | wait.Writable)
	return nil
}

// others returns how many have the other side open, and how often it has been
// opened.
func (p *Pipe) others(e *end) (n int, opens uint32) {
	if e.writes {
		return p.readers, p.readerOpens
	}
	return p.writers, p.writerOpens
}

// awaitPartner waits until the other side has been opened, if e has to.
func (e *end) awaitPartner(c vfs.Caller) error {
	if !e.waits {
		return nil
	}
	return c.Sleeper().Await(&e.pipe.queue, wait.Readable|wait.Writable, wait.Forever, func() error {
		if !e.hasPartner() {
			return abi.EAGAIN
		}
		return nil
	})
}

func (e *end) hasPartner() bool {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	_, opens := e.pipe.others(e)
	return opens != e.otherOpens
}
