package tty

import (
	"testing"

	"kevlar/kernel/abi"
)

// FuzzInput types anything in any mode; the queues stay within their limits
// and everything can be read.
func FuzzInput(f *testing.F) {
	f.Add([]byte("hello\x7f\x15\x17\x16\x04\n\x12"), uint32(abi.ICRNL|abi.IXON), uint32(abi.OPOST|abi.ONLCR), uint32(DefaultTermios.Lflag))
	f.Add([]byte("\xff\xff\x13\x11\t\x7f"), uint32(abi.PARMRK|abi.IUTF8), uint32(abi.OPOST|abi.XTABS), uint32(abi.ICANON|abi.ECHO|abi.ECHOPRT|abi.ECHOE))
	f.Fuzz(func(t *testing.T, typed []byte, iflag, oflag, lflag uint32) {
		o := newOurs(t).(*ours)
		defer o.close()
		mode := DefaultTermios
		mode.Iflag, mode.Oflag, mode.Lflag = iflag, oflag, lflag
		o.set(&mode)
		s := o.pty.Slave()
		for len(typed) > 0 {
			n := min(len(typed), 1500)
			s.Input(typed[:n])
			typed = typed[n:]
			if l := s.line.len(); l < 0 || l > lineSize {
				t.Fatalf("the input queue holds %d bytes", l)
			}
			if l := s.out.len(); l > outLimit || s.committed > l {
				t.Fatalf("the output queue holds %d bytes, %d committed", l, s.committed)
			}
			o.out()
		}
		for range 2 * lineSize {
			if _, err := o.read(100); err == abi.EAGAIN {
				break
			}
		}
		if s.line.canon != s.line.tail && s.canonical() {
			t.Fatalf("%d bytes of lines cannot be read", s.line.lines())
		}
	})
}
