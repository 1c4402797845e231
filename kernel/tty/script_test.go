package tty

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

// The files testdata/*.tty are scripts of what happens at a terminal, with
// what Linux answers:
//
//	case NAME        a new terminal begins
//	set MODE...      stty(1)-like: FLAG, -FLAG, CHARACTER=BYTE
//	type STRING      the person types
//	write STRING     a program writes; => how much, or an error
//	read N           a program reads, without waiting; => the bytes, or an error
//	out              => what the person has seen since the last out
//	inq              => FIONREAD
//	poll, mpoll      => poll(2) of the slave and of the master side
//	flush N, flow N  tcflush(3), tcflow(3)
//	packet N         TIOCPKT
//
// The flag -update runs the scripts on a pseudo-terminal of the host, which
// must be Linux, and records its answers.
var update = flag.Bool("update", false, "record the answers of the host's pseudo-terminals")

// A player is a pseudo-terminal of this package or of the host.
type player interface {
	set(*abi.Termios) error
	typeIn(string)
	write(string) (int, error)
	read(n int) (string, error)
	out() (string, error)
	unread() int
	poll() uint32
	masterPoll() uint32
	flush(int) error
	flow(int) error
	packet(int) error
	close()
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.tty")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".tty"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			newPlayer := newOurs
			if *update {
				newPlayer = newHost
			}
			played := play(t, string(text), newPlayer)
			if *update {
				if err := os.WriteFile(name, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, got := strings.Split(string(text), "\n"), strings.Split(played, "\n")
			current := ""
			for i := range want {
				if strings.HasPrefix(want[i], "case ") {
					current = want[i]
				}
				if want[i] != got[i] {
					t.Errorf("%s:%d: %s:\n got %s\nwant %s", name, i+1, current, got[i], want[i])
				}
			}
		})
	}
}

// play runs a script and returns it with the answers.
func play(t *testing.T, text string, newPlayer func(testing.TB) player) string {
	var p player
	var mode abi.Termios
	var out []string
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, " => ")
		verb, arg, _ := strings.Cut(line, " ")
		answer := ""
		if verb == "case" {
			if p != nil {
				p.close()
			}
			p, mode = newPlayer(t), DefaultTermios
		} else if verb != "" && verb[0] != '#' {
			var err error
			answer, err = step(p, &mode, verb, arg)
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, line, err)
			}
		}
		if answer != "" {
			line += " => " + answer
		}
		out = append(out, line)
	}
	if p != nil {
		p.close()
	}
	return strings.Join(out, "\n")
}

// step does one line and returns the answer.
func step(p player, mode *abi.Termios, verb, arg string) (string, error) {
	switch verb {
	case "set":
		for _, m := range strings.Fields(arg) {
			if err := setMode(mode, m); err != nil {
				return "", err
			}
		}
		return "", p.set(mode)
	case "type", "write":
		s, err := repeated(arg)
		if err != nil {
			return "", err
		}
		if verb == "type" {
			p.typeIn(s)
			return "", nil
		}
		n, err := p.write(s)
		return answer(strconv.Itoa(n), err), nil
	case "out":
		s, err := p.out()
		return answer(quoteLong(s), err), nil
	case "inq":
		return strconv.Itoa(p.unread()), nil
	case "poll":
		return fmt.Sprintf("%#x", p.poll()), nil
	case "mpoll":
		return fmt.Sprintf("%#x", p.masterPoll()), nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil {
		return "", err
	}
	switch verb {
	case "read":
		s, err := p.read(n)
		return answer(quoteLong(s), err), nil
	case "flush":
		return "", p.flush(n)
	case "flow":
		return "", p.flow(n)
	case "packet":
		return "", p.packet(n)
	}
	return "", errors.New("unknown verb")
}

// repeated reads a quoted string, which *N after it repeats.
func repeated(arg string) (string, error) {
	times := 1
	if i := strings.LastIndex(arg, "\"*"); i > 0 {
		n, err := strconv.Atoi(arg[i+2:])
		if err != nil {
			return "", err
		}
		times, arg = n, arg[:i+1]
	}
	s, err := strconv.Unquote(arg)
	return strings.Repeat(s, times), err
}

// quoteLong quotes s, or of a long string the length and the ends.
func quoteLong(s string) string {
	const end = 16
	q := func(s string) string { return strconv.QuoteToASCII(s) }
	if len(s) <= 100 {
		return q(s)
	}
	return fmt.Sprintf("%d bytes %s...%s", len(s), q(s[:end]), q(s[len(s)-end:]))
}

func answer(s string, err error) string {
	if err != nil {
		var e abi.Errno
		if errors.As(err, &e) {
			return errnoNames[e]
		}
		return err.Error()
	}
	return s
}

var errnoNames = map[abi.Errno]string{abi.EAGAIN: "EAGAIN", abi.EIO: "EIO", abi.EINVAL: "EINVAL"}

// setMode applies one word of "set".
func setMode(t *abi.Termios, word string) error {
	if name, value, ok := strings.Cut(word, "="); ok {
		i, known := ccNames[name]
		if !known {
			return fmt.Errorf("unknown character %q", name)
		}
		v, err := strconv.ParseUint(value, 0, 8)
		t.Cc[i] = uint8(v)
		return err
	}
	name, off := strings.CutPrefix(word, "-")
	f, known := flagNames[name]
	if !known {
		return fmt.Errorf("unknown flag %q", name)
	}
	field := []*uint32{&t.Iflag, &t.Oflag, &t.Lflag}[f.field]
	if off {
		*field &^= f.bit
	} else {
		*field |= f.bit
	}
	return nil
}

var ccNames = map[string]int{
	"intr": abi.VINTR, "quit": abi.VQUIT, "erase": abi.VERASE, "kill": abi.VKILL,
	"eof": abi.VEOF, "time": abi.VTIME, "min": abi.VMIN, "start": abi.VSTART,
	"stop": abi.VSTOP, "susp": abi.VSUSP, "eol": abi.VEOL, "rprnt": abi.VREPRINT,
	"werase": abi.VWERASE, "lnext": abi.VLNEXT, "eol2": abi.VEOL2,
}

type flagName struct {
	field int // 0 input, 1 output, 2 local
	bit   uint32
}

var flagNames = map[string]flagName{
	"icrnl": {0, abi.ICRNL}, "inlcr": {0, abi.INLCR}, "igncr": {0, abi.IGNCR},
	"istrip": {0, abi.ISTRIP}, "iuclc": {0, abi.IUCLC}, "ixon": {0, abi.IXON},
	"ixany": {0, abi.IXANY}, "ixoff": {0, abi.IXOFF}, "imaxbel": {0, abi.IMAXBEL},
	"iutf8": {0, abi.IUTF8}, "parmrk": {0, abi.PARMRK},
	"opost": {1, abi.OPOST}, "onlcr": {1, abi.ONLCR}, "ocrnl": {1, abi.OCRNL},
	"onocr": {1, abi.ONOCR}, "onlret": {1, abi.ONLRET}, "olcuc": {1, abi.OLCUC},
	"tab3":   {1, abi.XTABS},
	"icanon": {2, abi.ICANON}, "echo": {2, abi.ECHO}, "echoe": {2, abi.ECHOE},
	"echok": {2, abi.ECHOK}, "echonl": {2, abi.ECHONL}, "echoctl": {2, abi.ECHOCTL},
	"echoke": {2, abi.ECHOKE}, "echoprt": {2, abi.ECHOPRT}, "isig": {2, abi.ISIG},
	"iexten": {2, abi.IEXTEN}, "noflsh": {2, abi.NOFLSH}, "extproc": {2, abi.EXTPROC},
}
