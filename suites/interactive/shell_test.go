package interactive

import (
	"testing"
)

func TestExitStatus(t *testing.T) {
	s := start(t)
	s.send("exit 7\r")
	if status := s.wait(); status != 7 {
		t.Errorf("status %d, want 7", status)
	}
}

func TestEndOfFileEndsShell(t *testing.T) {
	s := start(t)
	s.send("false\r")
	s.expect(prompt)
	s.send(ctrlD)
	if status := s.wait(); status != 1 {
		t.Errorf("status %d, want that of the last command, 1", status)
	}
}

func TestLineEditing(t *testing.T) {
	s := start(t)
	s.send("echo abd" + left + "c\r")
	s.expect(`\nabcd\r\n`)
	s.expect(prompt)
	s.send("cho start" + ctrlA + "e\r")
	s.expect(`\nstart\r\n`)
	s.expect(prompt)
	s.send("echo wrong" + ctrlU + "echo right\r")
	s.expect(`\nright\r\n`)
	s.expect(prompt)
	s.send("echo xyy" + backspace + "z\r")
	s.expect(`\nxyz\r\n`)
}

func TestHistory(t *testing.T) {
	s := start(t)
	s.command("echo first")
	s.expect(prompt)
	s.command("echo second")
	s.expect(prompt)
	s.send(up + up + "\r")
	s.expect(`\nfirst\r\n`)
	s.expect(prompt)
	s.send(up + " again\r")
	s.expect(`\nfirst again\r\n`)
}

func TestCompletion(t *testing.T) {
	s := start(t)
	s.send("cat /etc/hostn\t")
	s.expect(`hostname`)
	s.send("\r")
	s.expect(`\nkevlar\r\n`)
}

// TestCanonicalMode types at a program that leaves editing to the terminal.
func TestCanonicalMode(t *testing.T) {
	s := start(t)
	s.foreground("cat")
	s.send("hellp" + backspace + "o\r")
	s.expect(`\nhello\r\n`)
	s.send("gone" + ctrlU + "kept\r")
	s.expect(`\nkept\r\n`)
	s.send(ctrlD)
	s.expect(prompt)
}

func TestNoEcho(t *testing.T) {
	s := start(t)
	s.command("stty -echo; echo go; read word; stty echo; echo got $word")
	s.expect(`go\r\n`)
	s.send("secret\r")
	if shown := s.expect(`(?s)^(.*)got secret\r\n`); shown != "" {
		t.Errorf("%q was shown meanwhile", visible(shown))
	}
}

func TestControllingTerminal(t *testing.T) {
	s := start(t)
	s.command("tty; echo through >/dev/tty; ps -o pid,tty,comm | grep '[p]s'")
	s.expect(`/dev/(ttyS0|console)\r\n`)
	s.expect(`through\r\n`)
	s.expect(`\d+ (4,64|5,1|ttyS0) +ps`)
}
