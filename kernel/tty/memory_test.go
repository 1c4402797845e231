package tty

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

// withoutMemory calls f while no page frame can be had.
func withoutMemory(t *testing.T, f func()) {
	t.Helper()
	var hog []frame.Frame
	for {
		p, err := frame.Alloc()
		if err != nil {
			break
		}
		hog = append(hog, p)
	}
	defer frame.PutAll(hog)
	f()
}

// TestNothingIsLost lets memory be short while things go through a terminal: what was taken arrives.
func TestNothingIsLost(t *testing.T) {
	o := newOurs(t).(*ours)
	defer o.close()
	withoutMemory(t, func() { o.typeIn("typed ") })
	o.typeIn("line\n")
	if s, err := o.read(100); s != "typed line\n" || err != nil {
		t.Errorf("read %q, %v", s, err)
	}
	withoutMemory(t, func() { o.write("shown ") })
	o.write("line")
	if s, err := o.out(); s != "typed line\r\nshown line" || err != nil {
		t.Errorf("shown: %q, %v", s, err)
	}
	const long = 3 * frame.Size
	var taken int
	withoutMemory(t, func() {
		src := vfs.Bytes(strings.Repeat("x", long))
		taken, _ = o.slave.Write(vfs.Kernel, &src)
	})
	if s, err := o.out(); len(s) != taken || taken == 0 || err != nil {
		t.Errorf("%d bytes written, %d shown, %v", taken, len(s), err)
	}
	m := o.pty.Slave().Termios()
	m.Lflag &^= abi.ICANON | abi.ECHO
	o.set(&m)
	withoutMemory(t, func() {
		src := vfs.Bytes(strings.Repeat("x", long))
		taken, _ = o.master.Write(vfs.Kernel, &src)
	})
	got := 0
	for {
		s, err := o.read(long)
		if got += len(s); err != nil {
			break
		}
	}
	if got != taken || taken == 0 {
		t.Errorf("%d bytes typed, %d read", taken, got)
	}
}

// TestOpenWithoutMemory checks that a terminal which could lose something does not come to be.
func TestOpenWithoutMemory(t *testing.T) {
	serial := New("serial", 1, &lineDriver{})
	before := kmem.Machine.Used()
	withoutMemory(t, func() {
		free := frame.Free()
		for range 10 {
			if _, err := NewPty(nil, nil); err != abi.ENOMEM {
				t.Errorf("a pseudo-terminal: %v", err)
			}
		}
		if frame.Free() != free || kmem.Machine.Used() != before {
			t.Error("something is left of them")
		}
		if n := serial.Input([]byte("x")); n != 0 {
			t.Errorf("%d bytes typed", n)
		}
		if _, err := serial.Open(vfs.Kernel, nil, SystemConsole); err != abi.ENOMEM {
			t.Errorf("open: %v", err)
		}
	})
	if n := serial.Input([]byte("x")); n != 1 {
		t.Errorf("%d bytes typed", n)
	}
}

// TestFullQueues checks that a terminal whose queues are full can be opened, and hears what starts or
// interrupts its output.
func TestFullQueues(t *testing.T) {
	for _, c := range []struct {
		name    string
		typed   []byte // until nothing fits
		heard   byte
		stopped bool
	}{
		{"start", []byte("\x13aaaaaaaa"), 0x11, false},
		{"echo", []byte("aaaaaaaa"), 0x13, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &blockedDriver{}
			serial := New("serial", 1, d)
			serial.Input(c.typed)
			for serial.out.room() > 0 {
				serial.Input([]byte("a"))
			}
			if _, err := serial.Open(vfs.Kernel, nil, SystemConsole); err != nil {
				t.Errorf("open: %v", err)
			}
			if n := serial.Input([]byte{c.heard}); n != 1 || serial.stopped != c.stopped {
				t.Errorf("%d bytes taken, stopped: %v", n, serial.stopped)
			}
		})
	}
	serial := New("serial", 1, &lineDriver{})
	for serial.staged.room() > 0 {
		if serial.Input([]byte("a\n")) == 0 {
			t.Fatal("nothing is taken, but there is room")
		}
	}
	if _, err := serial.Open(vfs.Kernel, nil, SystemConsole); err != nil {
		t.Errorf("open with everything typed that fits: %v", err)
	}
}

// A blockedDriver takes nothing.
type blockedDriver struct{ lineDriver }

func (*blockedDriver) Write([]byte) int { return 0 }

// A lineDriver takes everything.
type lineDriver struct{}

func (*lineDriver) Write(b []byte) int      { return len(b) }
func (*lineDriver) SetTermios(*abi.Termios) {}
