package tty

import (
	"sync/atomic"

	"kevlar/kernel/machine/frame"
)

// A page is a page frame that is allocated when first needed.
type page struct{ f frame.Frame }

// bytes returns the page's memory, or nil if there is no memory.
func (p *page) bytes() *[frame.Size]byte {
	if p.f == 0 {
		f, err := frame.Alloc()
		if err != nil {
			return nil
		}
		p.f = f
	}
	return p.f.Data()
}

func (p *page) release() {
	if p.f != 0 {
		p.f.Put()
		p.f = 0
	}
}

// A ring is a queue of at most limit bytes in page frames. The owner's lock
// guards it.
type ring struct {
	limit int // bytes, a multiple of the page size; set once
	pages []page
	used  atomic.Int32 // pages that have a frame; anybody may look
	tail  int          // position of the first byte
	n     int
}

func (r *ring) len() int  { return r.n }
func (r *ring) room() int { return r.limit - r.n }

// reserve sees to it that there is memory for the next n bytes, or for as many
// of them as it gets some for, and returns how many: put takes those.
func (r *ring) reserve(n int) int {
	if r.pages == nil {
		r.pages = make([]page, r.limit/frame.Size)
	}
	n = min(n, r.room())
	for done := 0; done < n; {
		at := (r.tail + r.n + done) % r.limit
		pg := &r.pages[at/frame.Size]
		if pg.f == 0 {
			if pg.bytes() == nil {
				return done
			}
			r.used.Add(1)
		}
		done += frame.Size - at%frame.Size
	}
	return n
}

// begin gets a new ring its first memory, and reports whether it has some: then
// it has it whenever it is empty. A ring may be full, and has memory.
func (r *ring) begin() bool { return r.n > 0 || r.reserve(1) > 0 }

// put appends as much of p as fits, and returns how much that is.
func (r *ring) put(p []byte) int {
	p = p[:r.reserve(len(p))]
	done := 0
	for done < len(p) {
		at := (r.tail + r.n) % r.limit
		b := r.pages[at/frame.Size].bytes()
		n := copy(b[at%frame.Size:], p[done:])
		r.n += n
		done += n
	}
	return done
}

// front returns the bytes at the front that lie together.
func (r *ring) front() []byte {
	if r.n == 0 {
		return nil
	}
	b := r.pages[r.tail/frame.Size].bytes()[r.tail%frame.Size:]
	return b[:min(len(b), r.n)]
}

// drop removes n bytes from the front.
func (r *ring) drop(n int) {
	r.n -= n
	r.tail = (r.tail + n) % r.limit
	if r.n == 0 {
		r.tail = 0 // so that a ring in light use stays in its first page
	}
}

// truncate drops what is beyond the first n bytes.
func (r *ring) truncate(n int) { r.n = min(r.n, n) }

func (r *ring) clear() { r.tail, r.n = 0, 0 }

// release empties the ring and frees its memory.
func (r *ring) release() {
	r.clear()
	for i := range r.pages {
		r.pages[i].release()
	}
	r.used.Store(0)
}
