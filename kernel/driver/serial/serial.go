// Package serial drives a 16550 UART as a terminal: National Semiconductor's
// PC16550D data sheet.
package serial

import (
	"sync"

	"kevlar/kernel/abi"
)

// Ports is how the driver reaches the UART's eight registers.
type Ports interface {
	In(reg int) byte
	Out(reg int, v byte)
}

// A Terminal is the line discipline above: tty.TTY.
type Terminal interface {
	Input(p []byte) int
	WriteSpace()
}

// Registers.
const (
	regData            = 0 // divisor latch low while lcrDLAB is set
	regInterruptEnable = 1 // divisor latch high while lcrDLAB is set
	regInterruptID     = 2 // reads; writes go to FIFO control
	regFIFOControl     = 2
	regLineControl     = 3
	regModemControl    = 4
	regLineStatus      = 5
	regScratch         = 7

	enableReceive  = 1 << 0
	enableTransmit = 1 << 1

	fifoEnable = 0x07 // enable, and clear both
	lcr8N1     = 0x03
	lcrDLAB    = 0x80
	mcrOut2    = 0x0b // DTR, RTS, and OUT2, which lets interrupts through

	statusReady = 1 << 0 // a byte has come
	statusEmpty = 1 << 5 // the transmit FIFO is empty

	fifoSize = 16
	divisor  = 1 // 115200 baud
)

// A Port is one UART. It implements tty.Driver.
type Port struct {
	ports Ports
	term  Terminal

	mu      sync.Mutex // guards the registers and what follows
	room    int        // bytes that the transmit FIFO takes for certain
	waiting bool       // Write gave a short count
}

// Probe resets the UART behind ports and returns it, or nil if there is none.
func Probe(ports Ports) *Port {
	for _, v := range []byte{0x55, 0xaa} {
		ports.Out(regScratch, v)
		if ports.In(regScratch) != v {
			return nil
		}
	}
	ports.Out(regInterruptEnable, 0)
	ports.Out(regLineControl, lcrDLAB)
	ports.Out(regData, divisor)
	ports.Out(regInterruptEnable, 0)
	ports.Out(regLineControl, lcr8N1)
	ports.Out(regFIFOControl, fifoEnable)
	ports.Out(regModemControl, mcrOut2)
	return &Port{ports: ports}
}

// Attach makes t the terminal of this line and lets the UART interrupt;
// Interrupt must be called then.
func (p *Port) Attach(t Terminal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.term = t
	p.ports.Out(regInterruptEnable, enableReceive)
}

// Write gives the UART as much of b as it has room for.
func (p *Port) Write(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(b) {
		if p.room == 0 && p.ports.In(regLineStatus)&statusEmpty != 0 {
			p.room = fifoSize
		}
		if p.room == 0 {
			break
		}
		p.ports.Out(regData, b[n])
		p.room--
		n++
	}
	if n < len(b) && !p.waiting {
		p.waiting = true
		p.ports.Out(regInterruptEnable, enableReceive|enableTransmit)
	}
	return n
}

// Print sends all of text, behind what the UART has already and before what a
// short Write is yet to send: it is for the kernel's log. It spins while the UART
// is busy, but not for ever.
func (p *Port) Print(text string) {
	const patience = 1 << 14
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(text); i++ {
		for spins := 0; p.room == 0; spins++ {
			if p.ports.In(regLineStatus)&statusEmpty != 0 {
				p.room = fifoSize
			} else if spins == patience {
				return
			}
		}
		p.ports.Out(regData, text[i])
		p.room--
	}
}

// SetTermios does nothing: the line behind a virtual machine has no speed.
func (p *Port) SetTermios(*abi.Termios) {}

// Interrupt takes the bytes that have come and goes on sending.
func (p *Port) Interrupt() {
	for {
		var in [64]byte
		n, space := p.poll(in[:])
		if n > 0 {
			p.term.Input(in[:n])
		}
		if space {
			p.term.WriteSpace()
		}
		if n < len(in) {
			return
		}
	}
}

// poll reads the bytes that have come into in, and reports whether a Write
// that fell short can go on.
func (p *Port) poll(in []byte) (n int, space bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ports.In(regInterruptID) // acknowledges a transmit interrupt
	for n < len(in) && p.ports.In(regLineStatus)&statusReady != 0 {
		in[n] = p.ports.In(regData)
		n++
	}
	if p.waiting && p.ports.In(regLineStatus)&statusEmpty != 0 {
		p.room = fifoSize
		p.waiting = false
		p.ports.Out(regInterruptEnable, enableReceive)
		space = true
	}
	return n, space
}
