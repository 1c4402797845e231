package command

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// random returns bytes that look random and are the same every time.
func random(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

func TestOutput(t *testing.T) {
	expect(t, run(t, nil, "--", "busybox", "sh", "-c", "echo $((6*7)); exit 3"), result{3, "42\n", ""})
}

func TestStreamsApart(t *testing.T) {
	expect(t, shell(t, "echo out; echo err >&2; echo out again"), result{0, "out\nout again\n", "err\n"})
}

func TestInput(t *testing.T) {
	expect(t, run(t, strings.NewReader("a\nb\n"), "--", "busybox", "wc", "-l"), result{0, "2\n", ""})
}

func TestEmptyInput(t *testing.T) {
	expect(t, run(t, nil, "--", "cat"), result{0, "", ""})
}

func TestBinary(t *testing.T) {
	data := random(1 << 20)
	got := run(t, bytes.NewReader(data), "--", "busybox", "cat")
	if got.status != 0 || got.stderr != "" || got.stdout != string(data) {
		t.Errorf("status %d, %d of %d bytes, errors %q", got.status, len(got.stdout), len(data), got.stderr)
	}
}

// TestBothWaysAtOnce has more in the streams than fits into any buffer on the way.
func TestBothWaysAtOnce(t *testing.T) {
	data := random(3 << 20)
	got := run(t, bytes.NewReader(data), "--", "sh", "-c", "tee /dev/stderr")
	if got.status != 0 || got.stdout != string(data) || got.stderr != string(data) {
		t.Errorf("status %d, %d and %d of %d bytes", got.status, len(got.stdout), len(got.stderr), len(data))
	}
}

// TestReopen opens the standard streams by their names.
func TestReopen(t *testing.T) {
	got := run(t, strings.NewReader("in"), "--", "sh", "-c", "cat /dev/stdin >/dev/stdout; echo err >/dev/stderr; echo fd >/proc/self/fd/1")
	expect(t, got, result{0, "infd\n", "err\n"})
}

// TestNotATerminal has the streams be pipes, as in a local pipeline.
func TestNotATerminal(t *testing.T) {
	got := shell(t, "for fd in 0 1 2; do [ -t $fd ] || [ ! -p /dev/fd/$fd ] || echo pipe; done; tty")
	expect(t, got, result{1, "pipe\npipe\npipe\nnot a tty\n", ""})
}

// TestLastBytes has output of every size come out whole, although the machine is switched off at
// once afterwards.
func TestLastBytes(t *testing.T) {
	for _, n := range []int{1, 4095, 4096, 65536, 65537, 1 << 18} {
		got := shell(t, fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x", n))
		if got.status != 0 || len(got.stdout) != n || strings.Trim(got.stdout, "x") != "" {
			t.Errorf("%d: status %d, %d bytes", n, got.status, len(got.stdout))
		}
	}
}

// TestOutputOfChildren has children write that nobody waits for.
func TestOutputOfChildren(t *testing.T) {
	got := shell(t, "(echo early; sleep 1000; echo late) & sleep 0.5; echo end")
	expect(t, got, result{0, "early\nend\n", ""})
}

// TestSlowReader has nobody take the output for a while.
func TestSlowReader(t *testing.T) {
	cmd := command(t, "--", "sh", "-c", "head -c 1000000 /dev/zero; echo end")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(out, first); err != nil {
		t.Fatal(err)
	}
	pause()
	rest, err := io.ReadAll(out)
	if err != nil || len(rest) != 1_000_003 || !bytes.HasSuffix(rest, []byte("\x00end\n")) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestClosedOutput has the reader of the output go away, as in "kevlar run -- yes | head -1".
func TestClosedOutput(t *testing.T) {
	cmd := command(t, "--", "yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 2)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "y\n" {
		t.Errorf("%q, %v", line, err)
	}
	out.Close()
	if err := cmd.Wait(); err == nil || err.Error() != "signal: broken pipe" {
		t.Errorf("it ended with %v", err)
	}
}

// TestUnreadInput has a command that does not read what it is given.
func TestUnreadInput(t *testing.T) {
	expect(t, run(t, bytes.NewReader(random(1<<20)), "--", "echo", "done"), result{0, "done\n", ""})
}

// TestInputNeverEnds has a command that ends before its input does.
func TestInputNeverEnds(t *testing.T) {
	cmd := command(t, "--", "sh", "-c", "read line; echo got $line")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "this\n")
	out, err := cmd.Output()
	if err != nil || string(out) != "got this\n" {
		t.Errorf("%q, %v", out, err)
	}
}
