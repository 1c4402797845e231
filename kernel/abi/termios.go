package abi

import "encoding/binary"

// Terminal modes and requests that tty.go does not list: termios(3),
// ioctl_tty(2).
const (
	ECHO    = 0x8
	ECHOE   = 0x10
	ECHOK   = 0x20
	ECHONL  = 0x40
	ECHOCTL = 0x200
	ECHOPRT = 0x400
	ECHOKE  = 0x800
	EXTPROC = 0x10000

	EXTA = 0xe
	EXTB = 0xf

	IUTF8   = 0x4000
	BRKINT  = 0x2
	CIBAUD  = 0x100f0000
	CMSPAR  = 0x40000000
	BOTHER  = 0x1000
	BSDLY   = 0x2000
	CRDLY   = 0x600
	NLDLY   = 0x100
	FFDLY   = 0x8000
	NCCS    = 19
	VDISABL = 0 // _POSIX_VDISABLE: the control character is switched off

	FIONREAD = 0x541b
	FIONBIO  = 0x5421
	FIONCLEX = 0x5450
	FIOCLEX  = 0x5451
	FIOASYNC = 0x5452
	FIOQSIZE = 0x5460

	// Line disciplines of TIOCSETD.
	N_TTY = 0

	// Status bytes and bits of packet mode: TIOCPKT in ioctl_tty(2).
	TIOCPKT_DATA       = 0
	TIOCPKT_FLUSHREAD  = 1
	TIOCPKT_FLUSHWRITE = 2
	TIOCPKT_STOP       = 4
	TIOCPKT_START      = 8
	TIOCPKT_NOSTOP     = 16
	TIOCPKT_DOSTOP     = 32
	TIOCPKT_IOCTL      = 64
)

// Termios is struct termios as the kernel knows it: TCGETS and TCSETS. The C
// library's own struct is longer.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	Cc                         [NCCS]uint8
	// Ispeed and Ospeed are bits a second; only struct termios2 carries
	// them.
	Ispeed, Ospeed uint32
}

// The sizes of the terminal structures in user memory.
const (
	SizeofTermios  = 36
	SizeofTermios2 = 44
	SizeofTermio   = 18
	SizeofWinsize  = 8
)

// MarshalTo writes struct termios, or struct termios2 if b is long enough for
// it, into b.
func (t *Termios) MarshalTo(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], t.Iflag)
	le.PutUint32(b[4:], t.Oflag)
	le.PutUint32(b[8:], t.Cflag)
	le.PutUint32(b[12:], t.Lflag)
	b[16] = t.Line
	copy(b[17:17+NCCS], t.Cc[:])
	if len(b) >= SizeofTermios2 {
		le.PutUint32(b[36:], t.Ispeed)
		le.PutUint32(b[40:], t.Ospeed)
	}
}

// Unmarshal reads what MarshalTo writes. The speeds stay as they are if b
// holds no struct termios2.
func (t *Termios) Unmarshal(b []byte) {
	le := binary.LittleEndian
	t.Iflag = le.Uint32(b[0:])
	t.Oflag = le.Uint32(b[4:])
	t.Cflag = le.Uint32(b[8:])
	t.Lflag = le.Uint32(b[12:])
	t.Line = b[16]
	copy(t.Cc[:], b[17:17+NCCS])
	if len(b) >= SizeofTermios2 {
		t.Ispeed = le.Uint32(b[36:])
		t.Ospeed = le.Uint32(b[40:])
	}
}

// MarshalTermioTo writes struct termio, the 16-bit form of TCGETA, into b.
func (t *Termios) MarshalTermioTo(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0:], uint16(t.Iflag))
	le.PutUint16(b[2:], uint16(t.Oflag))
	le.PutUint16(b[4:], uint16(t.Cflag))
	le.PutUint16(b[6:], uint16(t.Lflag))
	b[8] = t.Line
	copy(b[9:17], t.Cc[:8])
	b[17] = 0
}

// UnmarshalTermio reads struct termio; what it does not carry stays.
func (t *Termios) UnmarshalTermio(b []byte) {
	le := binary.LittleEndian
	low := func(f *uint32, v uint16) { *f = *f&^0xffff | uint32(v) }
	low(&t.Iflag, le.Uint16(b[0:]))
	low(&t.Oflag, le.Uint16(b[2:]))
	low(&t.Cflag, le.Uint16(b[4:]))
	low(&t.Lflag, le.Uint16(b[6:]))
	t.Line = b[8]
	copy(t.Cc[:8], b[9:17])
}

// Winsize is struct winsize: TIOCGWINSZ.
type Winsize struct {
	Row, Col, Xpixel, Ypixel uint16
}

// MarshalTo writes w into b.
func (w *Winsize) MarshalTo(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0:], w.Row)
	le.PutUint16(b[2:], w.Col)
	le.PutUint16(b[4:], w.Xpixel)
	le.PutUint16(b[6:], w.Ypixel)
}

// Unmarshal reads what MarshalTo writes.
func (w *Winsize) Unmarshal(b []byte) {
	le := binary.LittleEndian
	w.Row = le.Uint16(b[0:])
	w.Col = le.Uint16(b[2:])
	w.Xpixel = le.Uint16(b[4:])
	w.Ypixel = le.Uint16(b[6:])
}
