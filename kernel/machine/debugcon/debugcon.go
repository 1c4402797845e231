package debugcon

import "kevlar/kernel/machine/pio"

const (
	port     = 0xe9
	com1     = 0x3f8
	com1Line = com1 + 5
	canSend  = 0x20
)

var (
	present bool // the debug console answers
	loud    bool // what is written also goes to the serial port if there is no debug console
)

// Init finds out whether there is a debug console: it reads as its own port
// number.
//
//go:nosplit
func Init() { present = pio.In8(port) == port }

// Present reports whether the monitor has a debug console.
func Present() bool { return present }

// Loud makes everything from here on visible on the serial port where there
// is no debug console: for last words.
//
//go:nosplit
func Loud() { loud = true }

// Byte writes one byte.
//
//go:nosplit
func Byte(b byte) {
	if present {
		pio.Out8(port, b)
		return
	}
	if !loud {
		return
	}
	serial(b)
}

//go:nosplit
func serial(b byte) {
	if b == '\n' {
		send('\r')
	}
	send(b)
}

//go:nosplit
func send(b byte) {
	for i := 0; i < 100000 && pio.In8(com1Line)&canSend == 0; i++ {
	}
	pio.Out8(com1, b)
}

// Serial writes s to the first serial port, for as long as no driver has it.
//
//go:nosplit
func Serial(s string) {
	for i := 0; i < len(s); i++ {
		serial(s[i])
	}
}

// String writes s.
//
//go:nosplit
func String(s string) {
	for i := 0; i < len(s); i++ {
		Byte(s[i])
	}
}

// Hex writes v in hexadecimal without leading zeros.
//
//go:nosplit
func Hex(v uint64) {
	shift := 60
	for shift > 0 && v>>uint(shift) == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		Byte("0123456789abcdef"[v>>uint(shift)&15])
	}
}
