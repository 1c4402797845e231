package interactive

import "testing"

// TestCommandOnTerminal has commands on the terminal in place of a shell.
func TestCommandOnTerminal(t *testing.T) {
	s := open(t, "-t", "-e", "A=b", "--", "sh", "-c", "tty; stty size; echo $A $#; read line; echo got $line; exit 6", "x", "y z")
	s.expect(`/dev/(ttyS0|console)\r\n24 80\r\nb 1\r\n`)
	s.send("typed\r")
	s.expect(`typed\r\ngot typed\r\n`)
	if status := s.wait(); status != 6 {
		t.Errorf("status %d", status)
	}
}

// TestInterruptCommandOnTerminal has ^C be the command's, which ends with it or not.
func TestInterruptCommandOnTerminal(t *testing.T) {
	s := open(t, "-t", "--", "sh", "-c", "trap 'echo caught; exec sh -c \"echo go; exec sleep 1000\"' INT; echo go; while :; do sleep 0.1; done")
	s.expect(`go\r\n`)
	s.send(ctrlC)
	s.expect(`caught\r\ngo\r\n`)
	s.send(ctrlC)
	if status := s.wait(); status != 130 {
		t.Errorf("status %d", status)
	}
}
