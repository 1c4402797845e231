package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

// lineSize is how many bytes wait for read(2) at most: one page. A line can
// have 4095 characters besides its end.
const lineSize = frame.Size

// A line is the input queue: complete lines up to canon, then one that is
// still edited, up to head. Positions count bytes since the beginning; a
// byte's place in the page is its position modulo the size.
//
// A mark on a byte says that a line ends with it. If the byte is NUL, the
// line ends before it: that is the end of file character.
type line struct {
	buf   page
	marks [lineSize / 64]uint64
	head  uint32 // where the next byte goes
	tail  uint32 // what read(2) takes next
	canon uint32 // where the line that is edited begins
}

func (l *line) len() int { return int(l.head - l.tail) }

func (l *line) at(pos uint32) *byte { return &l.buf.bytes()[pos%lineSize] }

func (l *line) marked(pos uint32) bool {
	return l.marks[pos%lineSize/64]>>(pos%64)&1 != 0
}

func (l *line) mark(pos uint32)   { l.marks[pos%lineSize/64] |= 1 << (pos % 64) }
func (l *line) unmark(pos uint32) { l.marks[pos%lineSize/64] &^= 1 << (pos % 64) }

// add appends a byte. The buffer has its memory since the terminal was opened.
func (l *line) add(c byte) {
	*l.at(l.head) = c
	l.head++
}

// end appends the byte that ends the line.
func (l *line) end(c byte) {
	l.mark(l.head)
	l.add(c)
	l.canon = l.head
}

// clear drops everything.
func (l *line) clear() {
	l.head, l.tail, l.canon = 0, 0, 0
	clear(l.marks[:])
}

// setCanonical prepares the queue for a change of ICANON or EXTPROC. What is
// there becomes a line of its own.
func (l *line) setCanonical(canonical bool) {
	clear(l.marks[:])
	if canonical && l.len() > 0 {
		l.mark(l.head - 1)
		l.canon = l.head
	} else {
		l.canon = l.tail
	}
}

// lines returns how many bytes of complete lines there are, without marks of
// the end of file: FIONREAD in canonical mode.
func (l *line) lines() int {
	n := 0
	for p := l.tail; p != l.canon; p++ {
		if !l.isEOF(p) {
			n++
		}
	}
	return n
}

func (l *line) isEOF(pos uint32) bool {
	return l.marked(pos) && *l.at(pos) == abi.VDISABL
}

// takeRaw moves bytes to dst, as many as there are and fit.
func (l *line) takeRaw(dst vfs.Dest) (int, error) {
	return l.take(dst, min(l.len(), dst.Len()))
}

// take moves n bytes to dst. Bytes that dst could not take are lost.
func (l *line) take(dst vfs.Dest, n int) (int, error) {
	done := 0
	for done < n {
		at := int(l.tail % lineSize)
		b := l.buf.bytes()[at:min(lineSize, at+n-done)]
		m, err := dst.Write(b)
		l.tail += uint32(len(b))
		done += m
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// takeLine moves what is left of the first line to dst, or the part that
// fits. The mark of an end of file goes with what is before it.
func (l *line) takeLine(dst vfs.Dest) (int, error) {
	end, last := l.tail, l.tail+uint32(dst.Len())
	for end != l.canon && end != last && !l.marked(end) {
		end++
	}
	next := end
	if end != l.canon && (l.isEOF(end) || end != last && l.marked(end)) {
		l.unmark(end)
		next++
		if *l.at(end) != abi.VDISABL {
			end++
		}
	}
	n, err := l.take(dst, int(end-l.tail))
	l.tail = next
	return n, err
}
