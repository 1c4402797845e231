package tty

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/kernel/abi"
)

// host is a pseudo-terminal of the host.
type host struct {
	t             testing.TB
	master, slave int
}

// settle is how long the host's kernel may take to pass bytes on.
const settle = 10 * time.Millisecond

func newHost(t testing.TB) player {
	t.Helper()
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	s, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &host{t, m, s}
}

func errno(err error) error {
	if e, ok := err.(unix.Errno); ok {
		return abi.Errno(e)
	}
	return err
}

func (h *host) set(m *abi.Termios) error {
	t := unix.Termios{
		Iflag: m.Iflag, Oflag: m.Oflag, Cflag: m.Cflag, Lflag: m.Lflag, Line: m.Line, Cc: m.Cc,
		Ispeed: m.Ispeed, Ospeed: m.Ospeed,
	}
	return unix.IoctlSetTermios(h.slave, unix.TCSETS, &t)
}

func (h *host) typeIn(s string) {
	unix.Write(h.master, []byte(s))
	time.Sleep(settle)
}

func (h *host) write(s string) (int, error) {
	n, err := unix.Write(h.slave, []byte(s))
	return n, errno(err)
}

func (h *host) read(n int) (string, error) {
	b := make([]byte, n)
	n, err := unix.Read(h.slave, b)
	return string(b[:max(n, 0)]), errno(err)
}

func (h *host) out() (string, error) {
	time.Sleep(settle)
	all := ""
	b := make([]byte, 1<<16)
	for {
		n, err := unix.Read(h.master, b)
		all += string(b[:max(n, 0)])
		if err != nil {
			if err == unix.EAGAIN {
				err = nil
			}
			return all, errno(err)
		}
		time.Sleep(settle / 4)
	}
}

func (h *host) unread() int {
	n, err := unix.IoctlGetInt(h.slave, unix.TIOCINQ)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func pollFD(fd int) uint32 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: 0x3fff}}
	unix.Poll(fds, 0)
	return uint32(uint16(fds[0].Revents))
}

func (h *host) poll() uint32       { return pollFD(h.slave) }
func (h *host) masterPoll() uint32 { return pollFD(h.master) }
func (h *host) flush(n int) error  { return unix.IoctlSetInt(h.slave, unix.TCFLSH, n) }
func (h *host) flow(n int) error   { return unix.IoctlSetInt(h.slave, unix.TCXONC, n) }
func (h *host) packet(n int) error { return unix.IoctlSetPointerInt(h.master, unix.TIOCPKT, n) }

func (h *host) close() {
	unix.Close(h.slave)
	unix.Close(h.master)
}

var againstHost = flag.Int("host", 0, "how many random scripts to compare with the host's pseudo-terminals")

// TestAgainstHost plays random scripts here and on the host.
func TestAgainstHost(t *testing.T) {
	for i := range *againstHost {
		r := rand.New(rand.NewPCG(uint64(i), 2))
		script := randomScript(r)
		want, got := play(t, script, newHost), play(t, script, newOurs)
		if got == want {
			continue
		}
		w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
		for j := range w {
			if w[j] != g[j] {
				t.Errorf("script %d:\n%s\n got %s", i, strings.Join(w[:j+1], "\n"), g[j])
				break
			}
		}
	}
}

func randomScript(r *rand.Rand) string {
	const special = "\n\r\t\b\x7f\x15\x17\x12\x16\x04\x03\x1c\x1a\x13\x11\x00\x01\xff.!_ "
	var flags []string
	for name := range flagNames {
		flags = append(flags, name)
	}
	slices.Sort(flags)
	lines := []string{"case random"}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for range 1 + r.IntN(10) {
		switch r.IntN(8) {
		case 0, 1:
			words := ""
			for range 1 + r.IntN(4) {
				word := flags[r.IntN(len(flags))]
				if r.IntN(2) == 0 {
					word = "-" + word
				}
				words += " " + word
			}
			if r.IntN(4) == 0 {
				words += " eol=0x2e eol2=0x21"
			}
			add("set%s", words)
		case 2:
			add("read %d", 1+r.IntN(12))
			add("inq")
		case 3:
			add("write %q", "x\ty\r\nz\b\x01"[:r.IntN(9)])
		default:
			var b []byte
			for range 1 + r.IntN(12) {
				if r.IntN(2) == 0 {
					b = append(b, special[r.IntN(len(special))])
				} else {
					b = append(b, "aB3\xc3\xa4"[r.IntN(5)])
				}
			}
			add("type %q", b)
		}
	}
	add("poll")
	add("out")
	add("inq")
	add("read 20")
	add("read 20")
	return strings.Join(lines, "\n")
}
