package progress

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStepsAreForPeople(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var out bytes.Buffer
		r := New(&out, verbose)
		r.Step("unpacks %d of %d", 3, 7)
		r.Note("%s is full", "the disk")
		r.Step("is done")
		want := "kevlar: the disk is full\n"
		if verbose {
			want = "kevlar: unpacks 3 of 7\n" + want + "kevlar: is done\n"
		}
		if out.String() != want {
			t.Errorf("verbose %v: %q, want %q", verbose, out.String(), want)
		}
	}
}

func TestNoReporterSaysNothing(t *testing.T) {
	var r *Reporter
	r.Step("%d", 1)
	r.Note("%d", 2)
}

func TestLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, true)
	const each = 200
	var all sync.WaitGroup
	for name := range 4 {
		all.Go(func() {
			for i := range each {
				r.Step("%d says %d", name, i)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		seen[line] = true
	}
	for name := range 4 {
		for i := range each {
			if line := fmt.Sprintf("kevlar: %d says %d\n", name, i); !seen[line] {
				t.Fatalf("no line %q", line)
			}
		}
	}
	if len(seen) != 4*each {
		t.Errorf("%d lines, want %d", len(seen), 4*each)
	}
}

// terminal returns both ends of a pseudo-terminal: pty(7).
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestTerminalSpeaks(t *testing.T) {
	master, slave := terminal(t)
	if !IsTerminal(slave) {
		t.Fatal("a terminal is taken for something else")
	}
	New(slave, false).Step("goes on")
	fmt.Fprintln(slave, "end") // so that there is something to read in any case
	line := make([]byte, 64)
	n, err := master.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), "kevlar: goes on\r\n") {
		t.Errorf("the terminal shows %q, %v", line[:n], err)
	}
}

func TestOthersAreNoTerminals(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for _, v := range []any{write, &bytes.Buffer{}, nil, "/dev/tty"} {
		if IsTerminal(v) {
			t.Errorf("%T is taken for a terminal", v)
		}
	}
}
