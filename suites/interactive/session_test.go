package interactive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// patience is how long the guest may take to show something, on a slow host without KVM.
const patience = 30 * time.Second

// prompt is what the shell shows when it waits for a command.
var prompt = `(?:~|/\S*) # `

// session is a kevlar program on a pseudo-terminal.
type session struct {
	t   *testing.T
	pty *os.File
	tty *os.File // the side that the program has, kept open to look at its state
	cmd *exec.Cmd

	mu    sync.Mutex
	text  strings.Builder // all that was shown
	more  chan struct{}   // gets a value when there is more of it
	read  int             // how much of it was matched; used by the test alone
	ended chan struct{}   // closed a moment after the program has ended
	err   error           // of its end
}

// start boots a machine with a shell on a terminal of 24 rows and 80 columns, and waits for the
// prompt.
func start(t *testing.T) *session {
	t.Helper()
	s := open(t)
	s.expect(prompt)
	return s
}

// open starts kevlar run with more arguments and does not wait.
func open(t *testing.T, args ...string) *session {
	t.Helper()
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test interactive")
	}
	args = append(append([]string{"run"}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...), args...)
	s := &session{t: t, cmd: exec.Command(kevlar, args...), more: make(chan struct{}, 1), ended: make(chan struct{})}
	var err error
	if s.pty, s.tty, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(s.pty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.tty, s.tty, s.tty
	s.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	s.cmd.Env = append(os.Environ(), "TERM=xterm")
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.collect()
	go func() {
		s.err = s.cmd.Wait()
		time.Sleep(100 * time.Millisecond)
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.tty.Close()
		s.pty.Close()
		if t.Failed() {
			t.Logf("the screen:\n%s", visible(s.shown()))
		}
	})
	return s
}

// collect reads what the program shows.
func (s *session) collect() {
	buf := make([]byte, 4096)
	for {
		n, err := s.pty.Read(buf)
		s.mu.Lock()
		s.text.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (s *session) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// visible makes control characters readable.
func visible(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\x1b", "\\e")
}

// expect waits until the guest shows something that matches the pattern, behind what was matched
// before, and returns what the pattern's first group matched, if it has one.
func (s *session) expect(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.After(patience); ; {
		text := s.shown()[s.read:]
		if m := re.FindStringSubmatchIndex(text); m != nil {
			s.read += m[1]
			if len(m) > 2 && m[2] >= 0 {
				return text[m[2]:m[3]]
			}
			return text[m[0]:m[1]]
		}
		select {
		case <-s.more:
		case <-s.ended:
			if s.shown()[s.read:] == text {
				s.t.Fatalf("%q did not come before the end; instead:\n%s", pattern, visible(text))
			}
		case <-deadline:
			s.t.Fatalf("%q did not come; instead:\n%s", pattern, visible(text))
		}
	}
}

// send types.
func (s *session) send(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// command types a command and waits until the shell has echoed it.
func (s *session) command(line string) {
	s.t.Helper()
	s.send(line + "\r")
	s.expect(regexp.QuoteMeta(line) + `[^\n]*\r\n`)
}

// foreground starts a program and waits until it runs: keys typed earlier would be the shell's. It
// returns the command by which the shell knows it.
func (s *session) foreground(program string) string {
	s.t.Helper()
	line := "sh -c \"echo go; exec " + program + "\""
	s.command(line)
	s.expect(`go\r\n`)
	return line
}

// Keys.
const (
	ctrlA     = "\x01"
	ctrlC     = "\x03"
	ctrlD     = "\x04"
	ctrlU     = "\x15"
	ctrlZ     = "\x1a"
	backspace = "\x7f"
	escape    = "\x1b"
	up        = "\x1b[A"
	left      = "\x1b[D"
)

// resize changes the size of the terminal's window.
func (s *session) resize(rows, cols uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.pty, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		s.t.Fatal(err)
	}
}

// wait returns the program's exit status.
func (s *session) wait() int {
	s.t.Helper()
	select {
	case <-s.ended:
		var exit *exec.ExitError
		if s.err != nil && !errors.As(s.err, &exit) {
			s.t.Fatal(s.err)
		}
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.t.Fatal("the program does not end")
	}
	return -1
}

// mode returns the terminal's state as a string that can be compared.
func (s *session) mode() string {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("%+v", *state)
}
