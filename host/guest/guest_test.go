package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kevlar/host/accel"
	"kevlar/host/vm"
)

// boot runs a command in a fake machine that behaves as told.
func boot(t *testing.T, behaviour string, change func(*Config)) (status int, stdout, stderr string, err error) {
	t.Helper()
	useFakeQEMU(t, behaviour)
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", Accel: accel.Choice{Mode: accel.TCG}, CPUs: 1, Mem: 64 << 20}
	if change != nil {
		change(&c)
	}
	var out, complaints bytes.Buffer
	status, err = Command(t.Context(), &c, nil, []string{"cat"}, strings.NewReader(input), &out, &complaints)
	return status, out.String(), complaints.String(), err
}

var input = strings.Repeat("a line\x00\xff~\n", 30_000)

func TestCommand(t *testing.T) {
	var log bytes.Buffer
	status, stdout, stderr, err := boot(t, "good", func(c *Config) { c.Log = &log })
	if err != nil {
		t.Fatal(err)
	}
	if status != 3 {
		t.Errorf("status %d", status)
	}
	if stdout != input {
		t.Errorf("of %d bytes of input %d came back", len(input), len(stdout))
	}
	if stderr != "complaint" {
		t.Errorf("standard error output %q", stderr)
	}
	if log.String() != "kernel log\n" {
		t.Errorf("kernel log %q", log.String())
	}
}

func TestCommandFailures(t *testing.T) {
	tests := []struct {
		behaviour string
		status    int
		reason    string
	}{
		{"poweroff", StatusFailed, "switched off before"},
		{"reset", StatusFailed, "was reset"},
		{"fatal", StatusFailed, "fatal error"},
		{"usage", StatusFailed, "QEMU: no such option"},
		{"killed", StatusFailed, "QEMU was killed"},
		{"reset after exit", StatusFailed, "was reset"},
		{"no token", StatusFailed, "switched off before"},
		{"hang", StatusTimeout, "time limit of 300ms"},
		{"hang after exit", StatusTimeout, "time limit of 300ms"},
	}
	for _, tt := range tests {
		t.Run(tt.behaviour, func(t *testing.T) {
			begin := time.Now()
			_, _, _, err := boot(t, tt.behaviour, func(c *Config) {
				if tt.status == StatusTimeout {
					c.Timeout = 300 * time.Millisecond
				}
			})
			f, ok := errors.AsType[*Failure](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if f.Status != tt.status || !strings.Contains(f.Reason, tt.reason) {
				t.Errorf("%d, %s", f.Status, f.Reason)
			}
			if tt.behaviour == "fatal" && !strings.HasSuffix(f.Reason, "a fatal error: no room") {
				t.Errorf("the reason lacks the kernel's own: %s", f.Reason)
			}
			if tt.behaviour == "fatal" && strings.Join(f.Log, "|") != "kernel log|[    1.0] kevlar: no room" {
				t.Errorf("log %q", f.Log)
			}
			if time.Since(begin) > 10*time.Second {
				t.Errorf("it took %v", time.Since(begin))
			}
		})
	}
}

// TestKVMFails has QEMU give up on KVM, in one line.
func TestKVMFails(t *testing.T) {
	_, _, _, err := boot(t, "assertion", func(c *Config) { c.Accel.Mode = accel.KVM })
	want := "QEMU cannot work with this machine's KVM; --accel tcg does without it (QEMU: error: failed to set MSR 0x10a to 0x69)"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, _, _, err := boot(t, "usage", func(c *Config) { c.Accel.Mode = accel.KVM }); err == nil || err.Error() != "QEMU: no such option" {
		t.Errorf("what is not KVM's fault: %v", err)
	}
}

func TestContainedPanics(t *testing.T) {
	panics := 0
	watch := func(c *Config) { c.Contained = func(n int) { panics = n } }
	if status, _, _, err := boot(t, "contained", watch); err != nil || status != 3 || panics != 2 {
		t.Errorf("status %d, %v, %d panics", status, err, panics)
	}
	if _, _, _, err := boot(t, "good", func(c *Config) { c.Contained = func(int) { t.Error("there was none") } }); err != nil {
		t.Error(err)
	}
}

func TestCommandBadStatus(t *testing.T) {
	for _, behaviour := range []string{"status x", "status 256", "status -1"} {
		if _, _, _, err := boot(t, behaviour, nil); err == nil || !strings.Contains(err.Error(), "exit status") {
			t.Errorf("%s: %v", behaviour, err)
		}
	}
}

func TestCommandInterrupted(t *testing.T) {
	useFakeQEMU(t, "hang")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	_, err := Command(ctx, &c, nil, []string{"cat"}, nil, io.Discard, io.Discard)
	if f, ok := errors.AsType[*Failure](err); !ok || f.Status != StatusKilled {
		t.Error(err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestCommandOutputFails(t *testing.T) {
	useFakeQEMU(t, "good")
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	_, err := Command(t.Context(), &c, nil, []string{"cat"}, strings.NewReader(input), brokenWriter{}, io.Discard)
	if !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

func TestCommandWithoutQEMU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	_, err := Command(t.Context(), &c, nil, []string{"cat"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Error(err)
	}
}

// screen is a terminal for tests.
type screen struct {
	typed   io.Reader
	shown   bytes.Buffer
	resized chan struct{}
}

func newScreen(typed string) *screen {
	return &screen{typed: strings.NewReader(typed), resized: make(chan struct{})}
}

func (s *screen) Read(p []byte) (int, error)  { return s.typed.Read(p) }
func (s *screen) Write(p []byte) (int, error) { return s.shown.Write(p) }
func (s *screen) Type() string                { return "xterm" }
func (s *screen) Size() (rows, cols int)      { return 24, 80 }
func (s *screen) Resized() <-chan struct{}    { return s.resized }

func TestShell(t *testing.T) {
	useFakeQEMU(t, "shell")
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	s := newScreen("typed")
	status, err := Shell(t.Context(), &c, nil, nil, s)
	if err != nil || status != 5 {
		t.Errorf("status %d, %v", status, err)
	}
	if got := s.shown.String(); got != "winsize 24 80|typed\n\x04" {
		t.Errorf("the screen shows %q", got)
	}
}

func TestForeign(t *testing.T) {
	useFakeQEMU(t, "foreign")
	file := filepath.Join(t.TempDir(), "root.cpio")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Kernel: Kernel{Image: "kernel", Linux: true}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	s := newScreen("")
	status, err := Foreign(t.Context(), &c, vm.InitramfsFile(file), s)
	if err != nil || status != 0 || s.shown.String() != "hello\r\n" {
		t.Errorf("status %d, %v, %q", status, err, s.shown.String())
	}
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		c       Config
		foreign bool
		want    string
	}{
		{Config{Machine: "q35", CPUs: 4}, false, ""},
		{Config{GDB: "tcp::1234", Append: "x"}, false, "nokaslr x"},
		{Config{Machine: "microvm", CPUs: 4, Strace: true, Append: "a=b c"}, false, "strace a=b c"},
		{Config{Kernel: Kernel{Linux: true}}, false, "console=ttyS1 panic=-1 quiet"},
		{Config{Kernel: Kernel{Linux: true}, Log: io.Discard}, false, "console=ttyS1 panic=-1"},
		{Config{Kernel: Kernel{Linux: true}, Log: io.Discard}, true, "console=ttyS0 panic=-1 earlycon=uart8250,io,0x2f8 keep_bootcon"},
		{Config{Kernel: Kernel{Linux: true}, Append: "x"}, true, "console=ttyS0 panic=-1 quiet x"},
	}
	for _, tt := range tests {
		if got := tt.c.commandLine(tt.foreign); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.c, got, tt.want)
		}
	}
}

func TestArgsOfKinds(t *testing.T) {
	c := Config{Kernel: Kernel{Image: "kernel"}, Machine: "q35", CPUs: 1, Mem: 64 << 20}
	for kind, ports := range map[Kind]int{ForCommand: 4, ForShell: 1, ForForeign: 0} {
		args, err := Args(&c, vm.InitramfsFile("root"), kind)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(args)
		if args[0] != vm.Binary || strings.Count(line, "virtserialport,") != ports || !strings.Contains(line, "-initrd root") {
			t.Errorf("%d: %s", kind, line)
		}
	}
}
