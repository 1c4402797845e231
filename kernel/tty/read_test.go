package tty

import (
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// blocking is a file of the slave without O_NONBLOCK.
func blocking(t *testing.T, o *ours, c vfs.Caller) *vfs.File {
	f, _ := vfs.NewFile(vfs.Kernel, &lateOps{}, &deviceInode{}, vfs.Path{}, abi.O_RDWR)
	ops, err := o.pty.Slave().Open(c, f, Current)
	if err != nil {
		t.Fatal(err)
	}
	f.Ops().(*lateOps).FileOps = ops
	return f
}

func TestBlockingRead(t *testing.T) {
	o := newOurs(t).(*ours)
	defer o.close()
	c := newProcess(1, 1)
	f := blocking(t, o, c)
	defer f.Put()

	timed := func(n int) (string, time.Duration) {
		t.Helper()
		start := time.Now()
		s, err := readAllAs(c, f, n)
		if err != nil {
			t.Errorf("read: %v", err)
		}
		return s, time.Since(start)
	}
	later := func(s string, d time.Duration) { time.AfterFunc(d, func() { o.typeIn(s) }) }

	later("line\n", 20*time.Millisecond)
	if s, _ := timed(100); s != "line\n" {
		t.Errorf("canonical: %q", s)
	}
	mode := DefaultTermios
	mode.Lflag &^= abi.ICANON | abi.ECHO

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 3, 0
	o.pty.Slave().SetTermios(mode)
	later("ab", 10*time.Millisecond)
	later("cd", 40*time.Millisecond)
	if s, d := timed(100); s != "abcd" || d < 35*time.Millisecond {
		t.Errorf("MIN 3: %q after %v", s, d)
	}
	later("ab", 10*time.Millisecond)
	if s, _ := timed(2); s != "ab" {
		t.Errorf("MIN 3, two bytes wanted: %q", s)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 0, 1
	o.pty.Slave().SetTermios(mode)
	if s, d := timed(100); s != "" || d < 90*time.Millisecond {
		t.Errorf("TIME 1 without input: %q after %v", s, d)
	}
	later("x", 20*time.Millisecond)
	if s, d := timed(100); s != "x" || d > 90*time.Millisecond {
		t.Errorf("TIME 1 with input: %q after %v", s, d)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 5, 1
	o.pty.Slave().SetTermios(mode)
	later("xy", 150*time.Millisecond)
	if s, d := timed(100); s != "xy" || d < 240*time.Millisecond {
		t.Errorf("MIN 5 TIME 1: %q after %v: the time runs from the first byte", s, d)
	}

	mode.Cc[abi.VMIN], mode.Cc[abi.VTIME] = 1, 0
	o.pty.Slave().SetTermios(mode)
	time.AfterFunc(20*time.Millisecond, c.sleeper.Interrupt)
	if _, err := readAllAs(c, f, 10); err != abi.ERESTARTSYS {
		t.Errorf("interrupted read: %v", err)
	}
	c.sleeper.ClearInterrupt()
	time.AfterFunc(20*time.Millisecond, o.master.Put)
	if s, d := timed(10); s != "" || d < 10*time.Millisecond {
		t.Errorf("read of a terminal that is hung up: %q after %v", s, d)
	}
	o.master = openFile(t, func(*vfs.File) (vfs.FileOps, error) { return vfs.NoFile{}, nil })
}

func readAllAs(c vfs.Caller, f *vfs.File, n int) (string, error) {
	buf := make([]byte, n)
	b := vfs.Bytes(buf)
	n, err := f.Read(c, &b)
	return string(buf[:n]), err
}
