package tty

import "kevlar/kernel/abi"

// speeds are the speeds that the bits of CBAUD stand for: first those of the
// original terminals, then those with CBAUDEX.
var speeds = [2][16]uint32{
	{0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400},
	{0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000,
		2000000, 2500000, 3000000, 3500000, 4000000},
}

func speed(bits uint32) uint32 { return speeds[bits>>12&1][bits&0xf] }

// updateSpeeds sets the speeds from the bits of Cflag, unless those say that
// the speeds are given in full (BOTHER).
func updateSpeeds(t *abi.Termios) {
	bits := t.Cflag & abi.CBAUD
	if bits != abi.BOTHER {
		t.Ospeed = speed(bits)
	}
	switch in := t.Cflag >> abi.IBSHIFT & abi.CBAUD; in {
	case 0:
		t.Ispeed = t.Ospeed
	case abi.BOTHER:
	default:
		t.Ispeed = speed(in)
	}
}
