package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kevlar/host/hostpkg"
	"kevlar/host/progress"
)

const (
	// short is how long the storms last if nobody asks for more.
	short = 10 * time.Second
	// lost is how much memory, in KiB, may be missing in the end.
	lost = 1024
	// mem makes the victim of the storms die every few seconds. Linux needs more for itself.
	mem, memLinux = "64M", "160M"
)

// script lets the storms run briefly, for the caches of the kernel to fill, then for real, and tells how much less
// memory is free in the end, in KiB.
const script = `cat >/tmp/soak.bin && chmod 755 /tmp/soak.bin || exit 1
settle() { rm -rf /tmp/soak; sleep 4; }
free() { awk '/^MemFree/ { print $2 }' /proc/meminfo; }
/tmp/soak.bin 2 >/dev/null || exit 1
settle; before=$(free)
/tmp/soak.bin %d || exit 1
settle; echo lost $((before - $(free)))
echo alive`

func compile(t *testing.T) []byte {
	t.Helper()
	if err := hostpkg.Ensure(context.Background(), progress.New(os.Stderr, false), hostpkg.Musl); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("guest/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	program := filepath.Join(t.TempDir(), "soak")
	args := append([]string{"-static", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", program}, sources...)
	if out, err := exec.Command("musl-gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func soak(t *testing.T, cpus string) {
	kevlar, flags := os.Getenv("KEVLAR"), os.Getenv("KEVLAR_FLAGS")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test soak")
	}
	if only := os.Getenv("KEVLAR_CPUS"); only != "" && only != cpus {
		return
	}
	length := short
	if s := os.Getenv("KEVLAR_FOR"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	linux := strings.Contains(flags, "--kernel linux")
	args := append([]string{"run", "--timeout", (length*2 + 3*time.Minute).String()}, strings.Fields(flags)...)
	args = append(args, "--cpus", cpus)
	log := filepath.Join(t.TempDir(), "log")
	if linux {
		args = append(args, "--mem", memLinux)
	} else {
		args = append(args, "--mem", mem, "--log", log)
	}
	cmd := exec.Command(kevlar, append(args, "--", "sh", "-c", fmt.Sprintf(script, int(length.Seconds())))...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(compile(t)), &stdout, &stderr
	err := cmd.Run()
	out := stdout.String()
	t.Logf("%s", out)
	missing := 0
	if i := strings.Index(out, "lost "); i >= 0 {
		fmt.Sscanf(out[i:], "lost %d", &missing)
	}
	// What the kernel says of contained panics is on standard error.
	if err != nil || !strings.HasSuffix(out, "alive\n") || stderr.Len() > 0 || !linux && missing > lost {
		tail, _ := os.ReadFile(log)
		t.Errorf("%v\n%s%s\nthe end of the kernel log:\n%s", err, out, &stderr, tail[max(0, len(tail)-8000):])
	}
}

func TestOneCPU(t *testing.T)   { soak(t, "1") }
func TestTwoCPUs(t *testing.T)  { soak(t, "2") }
func TestFourCPUs(t *testing.T) { soak(t, "4") }
