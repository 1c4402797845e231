package interactive

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// restored waits until the terminal is in the state that it was in before.
func restored(t *testing.T, s *session, before string) {
	t.Helper()
	for range 100 {
		if s.mode() == before {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the terminal was not restored:\n%s\n%s", before, s.mode())
}

func TestTerminalRestored(t *testing.T) {
	s := open(t)
	before := s.mode()
	s.expect(prompt)
	if s.mode() == before {
		t.Error("the terminal is not in raw mode while the guest has it")
	}
	s.send("exit\r")
	if status := s.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	restored(t, s, before)
}

func TestTerminalRestoredAfterKill(t *testing.T) {
	s := open(t)
	before := s.mode()
	s.expect(prompt)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.wait()
	restored(t, s, before)
}

func TestTerminalRestoredAfterCrash(t *testing.T) {
	s := open(t)
	before := s.mode()
	s.expect(prompt)
	s.send("poweroff -f\r")
	if status := s.wait(); status != 125 {
		t.Errorf("status %d, want 125", status)
	}
	restored(t, s, before)
}

func TestEscapeKillsMachine(t *testing.T) {
	s := open(t)
	before := s.mode()
	s.expect(prompt)
	s.send("\x1d\x1d\x1d")
	if status := s.wait(); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
	restored(t, s, before)
}

// TestPipedInput has no terminal at all.
func TestPipedInput(t *testing.T) {
	s := start(t) // for the skip and the flags
	s.send("exit\r")
	s.wait()
	cmd := exec.Command(s.cmd.Path, s.cmd.Args[1:]...)
	cmd.Stdin = strings.NewReader("echo $((6*7))\nexit 4\n")
	out, _ := cmd.Output()
	if !strings.Contains(string(out), "\n42\r\n") {
		t.Errorf("printed %q", out)
	}
	if status := cmd.ProcessState.ExitCode(); status != 4 {
		t.Errorf("status %d, want 4", status)
	}
}
