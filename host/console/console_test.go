package console

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestMain lets the test program be a guard, and a program that uses the terminal.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == GuardCommand:
		if err := Guard(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case len(os.Args) == 2 && os.Args[1] == "user":
		use()
	default:
		os.Exit(m.Run())
	}
}

// use opens the terminal and echoes what is typed up to "q"; then it restores the terminal.
func use() {
	killed := make(chan bool, 1)
	t, err := Open(os.Stdin, os.Stdout, func() { killed <- true })
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	rows, cols := t.Size()
	fmt.Fprintf(t, "open %s %d %d;", t.Type(), rows, cols)
	go func() {
		for range t.Resized() {
			rows, cols := t.Size()
			fmt.Fprintf(t, "size %d %d;", rows, cols)
		}
	}()
	for buf := make([]byte, 1); ; {
		if _, err := t.Read(buf); err != nil || buf[0] == 'q' {
			break
		}
		fmt.Fprintf(t, "%q;", buf)
		select {
		case <-killed:
			fmt.Fprint(t, "killed;")
		default:
		}
	}
	t.Restore()
	t.Restore()
	fmt.Print("restored;")
}

// user starts the program on a terminal.
func user(t *testing.T) (cmd *exec.Cmd, ptmx, tty *os.File, mode func() string) {
	t.Helper()
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	pty.Setsize(ptmx, &pty.Winsize{Rows: 11, Cols: 22})
	mode = func() string {
		state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(*state)
	}
	cmd = exec.Command("/proc/self/exe", "user")
	cmd.Env = append(os.Environ(), "TERM=vt220", "GORACE=atexit_sleep_ms=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	t.Cleanup(func() {
		cmd.Process.Kill()
		tty.Close()
		ptmx.Close()
	})
	return cmd, ptmx, tty, mode
}

// await reads from the terminal until it shows text.
func await(t *testing.T, ptmx *os.File, text string) {
	t.Helper()
	var shown bytes.Buffer
	buf := make([]byte, 100)
	for !strings.Contains(shown.String(), text) {
		ptmx.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := ptmx.Read(buf)
		shown.Write(buf[:n])
		if err != nil {
			t.Fatalf("%q did not come but %q: %v", text, shown.String(), err)
		}
	}
}

func TestTerminal(t *testing.T) {
	cmd, ptmx, _, mode := user(t)
	before := mode()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, ptmx, "open vt220 11 22;")
	if mode() == before {
		t.Error("the terminal is not raw")
	}
	io.WriteString(ptmx, "a\x03\r")
	await(t, ptmx, `"a";"\x03";"\r";`)
	pty.Setsize(ptmx, &pty.Winsize{Rows: 33, Cols: 44})
	await(t, ptmx, "size 33 44;")
	io.WriteString(ptmx, "\x1d\x1dx\x1d\x1d\x1d")
	await(t, ptmx, `"\x1d";killed;`)
	io.WriteString(ptmx, "q")
	await(t, ptmx, "restored;")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if mode() != before {
		t.Error("the terminal was not restored")
	}
}

func TestGuardRestores(t *testing.T) {
	cmd, ptmx, _, mode := user(t)
	before := mode()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, ptmx, "open")
	cmd.Process.Kill()
	cmd.Wait()
	for range 200 {
		if mode() == before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the terminal was not restored after the program was killed")
}

func TestNoTerminal(t *testing.T) {
	var out bytes.Buffer
	term, err := Open(strings.NewReader("\x1d\x1d\x1d"), &out, func() { t.Error("killed") })
	if err != nil {
		t.Fatal(err)
	}
	defer term.Restore()
	if data, err := io.ReadAll(term); err != nil || string(data) != "\x1d\x1d\x1d" {
		t.Errorf("%q, %v", data, err)
	}
	io.WriteString(term, "x")
	rows, cols := term.Size()
	if rows != 0 || cols != 0 || term.Type() != "" || out.String() != "x" {
		t.Errorf("%d %d %q %q", rows, cols, term.Type(), out.String())
	}
}
