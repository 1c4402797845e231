package debugcon

import (
	"testing"

	"kevlar/kernel/machine/pio"
)

// A monitor is what stands behind the ports: it may have a debug console, and
// has a serial port that is busy now and then.
type monitor struct {
	t       *testing.T
	console bool
	busy    int // how often the line status says so before each byte
	left    int // of busy for the next byte

	debug, serial []byte
}

func (m *monitor) In(port uint16, size int) uint32 {
	switch {
	case size != 1:
	case port == 0xe9 && m.console:
		return 0xe9
	case port == 0x3f8+5:
		if m.left > 0 {
			m.left--
			return 0x40
		}
		return 0x60
	}
	return 0xff
}

func (m *monitor) Out(port uint16, size int, v uint32) {
	switch {
	case size == 1 && port == 0xe9 && m.console:
		m.debug = append(m.debug, byte(v))
	case size == 1 && port == 0x3f8:
		if m.left > 0 {
			m.t.Error("a byte is sent to a port that is busy")
		}
		m.serial, m.left = append(m.serial, byte(v)), m.busy
	default:
		m.t.Errorf("%d bytes to port %#x", size, port)
	}
}

// plug makes m the monitor until t ends.
func (m *monitor) plug(t *testing.T) {
	m.t, pio.Soft, loud = t, m, false
	Init()
	t.Cleanup(func() { pio.Soft, present, loud = nil, false, false })
}

func TestConsole(t *testing.T) {
	m := &monitor{console: true}
	m.plug(t)
	if !Present() {
		t.Fatal("the console is not found")
	}
	String("one\n")
	Loud() // the serial port is not needed
	String("two\n")
	Byte('3')
	if string(m.debug) != "one\ntwo\n3" || len(m.serial) != 0 {
		t.Errorf("the console has %q, the serial port %q", m.debug, m.serial)
	}
}

func TestSerialPortInstead(t *testing.T) {
	m := &monitor{busy: 3}
	m.plug(t)
	if Present() {
		t.Fatal("a console is found where there is none")
	}
	String("for nobody\n")
	if len(m.serial) != 0 {
		t.Errorf("%q without being loud", m.serial)
	}
	Loud()
	String("last\nwords")
	if string(m.serial) != "last\r\nwords" {
		t.Errorf("the serial port has %q", m.serial)
	}
}

func TestSerialIsAlwaysSerial(t *testing.T) {
	m := &monitor{console: true, busy: 1}
	m.plug(t)
	Serial("a\nb")
	if string(m.serial) != "a\r\nb" || len(m.debug) != 0 {
		t.Errorf("the serial port has %q, the console %q", m.serial, m.debug)
	}
}

// stuck is a serial port that is never ready.
type stuck struct{ sent []byte }

func (*stuck) In(uint16, int) uint32 { return 0 }
func (s *stuck) Out(port uint16, _ int, v uint32) {
	if port == 0x3f8 {
		s.sent = append(s.sent, byte(v))
	}
}

func TestStuckPortIsNotAwaited(t *testing.T) {
	s := &stuck{}
	pio.Soft = s
	defer func() { pio.Soft = nil }()
	Serial("x")
	if string(s.sent) != "x" {
		t.Errorf("%q", s.sent)
	}
}

func TestHex(t *testing.T) {
	m := &monitor{console: true}
	m.plug(t)
	for v, want := range map[uint64]string{
		0: "0", 9: "9", 0xa: "a", 0x10: "10", 0xf00: "f00", 0x123456789abcdef: "123456789abcdef", 1<<64 - 1: "ffffffffffffffff", 1 << 63: "8000000000000000",
	} {
		m.debug = nil
		Hex(v)
		if string(m.debug) != want {
			t.Errorf("%#x: %q", v, m.debug)
		}
	}
}
