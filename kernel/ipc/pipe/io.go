package pipe

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// read moves bytes to dst. A slot that dst cannot take in full stays as it
// is.
func (p *Pipe) read(dst vfs.Dest) (done int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dst.Len() == 0 {
		return 0, nil
	}
	if p.empty() {
		if p.writers == 0 {
			return 0, nil
		}
		return 0, abi.EAGAIN
	}
	wasFull := p.full()
	for !p.empty() && dst.Len() > 0 {
		s := p.first()
		n := min(int(s.n), dst.Len())
		if _, err = dst.Write(s.page.Data()[s.off:][:n]); err != nil {
			break
		}
		done += n
		s.off += uint16(n)
		s.n -= uint16(n)
		packet := s.packet
		if s.n == 0 || packet {
			p.freePage(s.page)
			p.tail++
		}
		if packet {
			break
		}
	}
	if wasFull && !p.full() {
		p.queue.Notify(wait.Writable)
	}
	if done > 0 {
		return done, nil
	}
	return 0, err
}

// write moves bytes from src into the pipe; packets makes each page a packet
// of its own.
func (p *Pipe) write(src vfs.Source, packets bool) (done int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if src.Len() == 0 {
		return 0, nil
	}
	if p.readers == 0 {
		return 0, abi.EPIPE
	}
	done, err = p.merge(src)
	for err == nil && src.Len() > 0 {
		if p.full() {
			err = abi.EAGAIN
			break
		}
		var n int
		n, err = p.add(src, packets)
		done += n
	}
	if done > 0 {
		p.queue.Notify(wait.Readable)
		return done, nil
	}
	return 0, err
}

// merge moves what of src makes no full page to the last slot, if it fits
// there.
func (p *Pipe) merge(src vfs.Source) (int, error) {
	odd := src.Len() % frame.Size
	if odd == 0 || p.empty() {
		return 0, nil
	}
	s := p.last()
	at := int(s.off) + int(s.n)
	if s.packet || at+odd > frame.Size {
		return 0, nil
	}
	if _, err := src.Read(s.page.Data()[at:][:odd]); err != nil {
		return 0, err
	}
	s.n += uint16(odd)
	return odd, nil
}

// add moves up to a page from src to a new slot.
func (p *Pipe) add(src vfs.Source, packet bool) (int, error) {
	page, err := p.sparePage()
	if err != nil {
		return 0, err
	}
	n := min(src.Len(), frame.Size)
	if _, err := src.Read(page.Data()[:n]); err != nil {
		return 0, err
	}
	p.nkept--
	*p.next() = slot{page: page, n: uint16(n), packet: packet}
	p.head++
	return n, nil
}

// buffered returns how many bytes are in the pipe.
func (p *Pipe) buffered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for i := p.tail; i != p.head; i++ {
		n += int(p.slots[i%uint32(len(p.slots))].n)
	}
	return n
}
