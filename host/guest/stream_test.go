package guest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const testToken = "~TOKEN"

func TestCopyUntil(t *testing.T) {
	big := strings.Repeat("0123456789~TOKE", 50_000)
	for _, tt := range []struct{ in, out string }{
		{"hello" + testToken, "hello"},
		{testToken, ""},
		{"a" + testToken + "late", "a"},
		{"~TOK~TOKEN", "~TOK"},
		{"~~TOKEN", "~"},
		{"~TOKE~" + testToken, "~TOKE~"},
		{"\x00\xff\r\n" + testToken, "\x00\xff\r\n"},
		{big + testToken, big},
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r },
			"bytes": iotest.OneByteReader,
			"half":  iotest.HalfReader,
			"eof":   iotest.DataErrReader,
		} {
			var out bytes.Buffer
			if err := copyUntil(&out, reader(strings.NewReader(tt.in)), testToken); err != nil {
				t.Errorf("%s of %.20q: %v", name, tt.in, err)
			}
			if out.String() != tt.out {
				t.Errorf("%s of %.20q: %.40q", name, tt.in, out.String())
			}
		}
	}
}

func TestCopyUntilWithoutToken(t *testing.T) {
	for _, in := range []string{"", "hello", "hello~TOK"} {
		var out bytes.Buffer
		if err := copyUntil(&out, strings.NewReader(in), testToken); !errors.Is(err, errNoToken) {
			t.Errorf("%q: %v", in, err)
		}
		if out.String() != in {
			t.Errorf("%q: %q came out", in, out.String())
		}
	}
}

// TestCopyUntilDoesNotDelay has bytes come out although the next ones do not come.
func TestCopyUntilDoesNotDelay(t *testing.T) {
	r, w := io.Pipe()
	out, shown := io.Pipe()
	go copyUntil(shown, r, testToken)
	go io.WriteString(w, "prompt$ ")
	got := make([]byte, 8)
	if _, err := io.ReadFull(out, got); err != nil || string(got) != "prompt$ " {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCopyUntilWriteError(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := copyUntil(w, strings.NewReader("x"+testToken), testToken); err != io.ErrClosedPipe {
		t.Error(err)
	}
}

func TestNewToken(t *testing.T) {
	a, b := newToken(), newToken()
	if a == b || strings.LastIndexByte(a, tokenMark) != 0 || len(a) < 20 {
		t.Errorf("%q, %q", a, b)
	}
}

// TestFragment gives the fragment to a shell and has it print the words.
func TestFragment(t *testing.T) {
	argv := []string{"echo", "", "a b", "it's", `"$HOME" \n`, "new\nline", "*", "-n", "~"}
	script := fragment(&Config{User: "a:b", Dir: "/it's"}, "~tok'en", newScreen(""), argv) + `printf '%s\0' "$token" "$terminal" "$TERM" "$rows" "$columns" "$user" "$folder" "$@"`
	out, err := exec.Command("sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if diff := cmp.Diff(append([]string{"~tok'en", "yes", "xterm", "24", "80", "a:b", "/it's"}, argv...), got); diff != "" {
		t.Error(diff)
	}
}

// TestStarter has the beginning of a command become the command, with what is to be in its environment.
func TestStarter(t *testing.T) {
	if got := starter(&Config{}); len(got) != 0 {
		t.Errorf("nothing was asked for: %q", got)
	}
	c := &Config{Env: []string{"A=it's\n$HOME", "B=c"}}
	// BusyBox is elsewhere here, and env(1) of the host does the same.
	script := strings.Replace(fragment(c, "", nil, nil), quote(busybox), "", 1) + `start env`
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "A=it's\n$HOME\n") || !strings.Contains(string(out), "\nB=c\n") {
		t.Errorf("%q, %v", out, err)
	}
	c.User = "1:2"
	if got := strings.Join(starter(c), " "); !strings.Contains(got, " -c 1:2 ") || !strings.HasSuffix(got, " -- env -- A=it's\n$HOME B=c") {
		t.Errorf("%q", got)
	}
}

// TestGive has the fragment give files, with odd names, and nothing if nothing is wanted.
func TestGive(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "it's"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &Config{Take: []string{filepath.Join(dir, "it's")}}
	// BusyBox is elsewhere here, and tar(1) of the host does the same.
	script := strings.Replace(fragment(c, "~token", nil, nil), busybox+" tar", "tar", 1) + `[ "$wants" ] && give 8>&1`
	out, err := exec.Command("sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	h, err := tar.NewReader(bytes.NewReader(out)).Next()
	if err != nil || "/"+h.Name != c.Take[0] || !bytes.HasSuffix(out, []byte("~token")) {
		t.Errorf("%+v, %v", h, err)
	}
	out, err = exec.Command("sh", "-c", fragment(&Config{}, "~token", nil, nil)+`give; echo "$wants."`).CombinedOutput()
	if err != nil || string(out) != ".\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestKernelLogTail(t *testing.T) {
	var all bytes.Buffer
	log := kernelLog{w: &all}
	if lines := log.tail(); lines != nil {
		t.Errorf("an empty log has lines %q", lines)
	}
	for i := range 10_000 {
		io.WriteString(&log, strings.Repeat("x", i%10)+"\r\n")
	}
	io.WriteString(&log, "last")
	lines := log.tail()
	if len(lines) != logLines || lines[logLines-1] != "last" || lines[logLines-2] != "xxxxxxxxx" {
		t.Errorf("%q", lines)
	}
	if n := strings.Count(all.String(), "\n"); n != 10_000 {
		t.Errorf("%d lines were passed on", n)
	}
}
