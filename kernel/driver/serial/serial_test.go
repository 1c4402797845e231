package serial

import (
	"bytes"
	"strings"
	"testing"
)

// uart is a 16550 in software.
type uart struct {
	regs   [8]byte
	in     []byte // bytes on their way to the guest
	out    []byte // bytes in the transmit FIFO
	sent   []byte
	absent bool
	fast   bool // the FIFO is empty again by the time that somebody asks
}

func (u *uart) In(reg int) byte {
	if u.absent {
		return 0xff
	}
	switch {
	case reg == regData && len(u.in) > 0:
		b := u.in[0]
		u.in = u.in[1:]
		return b
	case reg == regLineStatus:
		if u.fast {
			u.drain()
		}
		var s byte
		if len(u.in) > 0 {
			s |= statusReady
		}
		if len(u.out) == 0 {
			s |= statusEmpty
		}
		return s
	}
	return u.regs[reg]
}

func (u *uart) Out(reg int, v byte) {
	if reg == regData && u.regs[regLineControl]&lcrDLAB == 0 {
		u.out = append(u.out, v)
		return
	}
	u.regs[reg] = v
}

// drain sends what is in the transmit FIFO.
func (u *uart) drain() {
	u.sent = append(u.sent, u.out...)
	u.out = nil
}

type terminal struct {
	got   []byte
	space int
}

func (t *terminal) Input(p []byte) int {
	t.got = append(t.got, p...)
	return len(p)
}
func (t *terminal) WriteSpace() { t.space++ }

func TestProbe(t *testing.T) {
	if Probe(&uart{absent: true}) != nil {
		t.Error("found a UART where there is none")
	}
	u := &uart{}
	if Probe(u) == nil {
		t.Fatal("did not find the UART")
	}
	if u.regs[regLineControl] != lcr8N1 || u.regs[regInterruptEnable] != 0 {
		t.Errorf("line control %#x, interrupts %#x", u.regs[regLineControl], u.regs[regInterruptEnable])
	}
}

func TestWriteFillsTheFIFOAndGoesOn(t *testing.T) {
	u, term := &uart{}, &terminal{}
	p := Probe(u)
	p.Attach(term)
	text := bytes.Repeat([]byte("0123456789"), 5)
	n := p.Write(text)
	if n != fifoSize {
		t.Fatalf("wrote %d bytes into an empty FIFO, want %d", n, fifoSize)
	}
	if u.regs[regInterruptEnable]&enableTransmit == 0 {
		t.Error("no transmit interrupt asked for after a short write")
	}
	p.Interrupt() // nothing has been sent yet
	if term.space != 0 {
		t.Error("told of room while the FIFO was full")
	}
	for n < len(text) {
		u.drain()
		before := term.space
		p.Interrupt()
		if term.space != before+1 {
			t.Fatalf("told of room %d times, want %d", term.space, before+1)
		}
		n += p.Write(text[n:])
	}
	u.drain()
	p.Interrupt()
	if !bytes.Equal(u.sent, text) {
		t.Errorf("sent %q", u.sent)
	}
	if u.regs[regInterruptEnable] != enableReceive {
		t.Errorf("interrupts %#x after all is sent, want those of input alone", u.regs[regInterruptEnable])
	}
}

func TestPrint(t *testing.T) {
	u := &uart{}
	p := Probe(u)
	p.Attach(&terminal{})
	text := strings.Repeat("0123456789", 5)
	p.Print(text) // nothing is ever sent: it must not wait for ever
	if len(u.out) != fifoSize {
		t.Errorf("%d bytes in the FIFO", len(u.out))
	}
	u.drain()
	u.sent, u.fast = nil, true
	p.Print(text)
	u.drain()
	if string(u.sent) != text {
		t.Errorf("sent %q", u.sent)
	}
	if u.regs[regInterruptEnable] != enableReceive {
		t.Errorf("interrupts %#x", u.regs[regInterruptEnable])
	}
}

func TestInputOfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		u, term := &uart{}, &terminal{}
		p := Probe(u)
		p.Attach(term)
		u.in = bytes.Repeat([]byte{'x'}, n)
		p.Interrupt()
		if len(term.got) != n {
			t.Errorf("%d bytes typed, %d arrived", n, len(term.got))
		}
	}
}
