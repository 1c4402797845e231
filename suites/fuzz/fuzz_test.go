package fuzz

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/host/hostpkg"
	"kevlar/host/progress"
)

const (
	// shortCalls is how many calls each kind of user makes if nobody asks for more.
	shortCalls = 25_000
	// each is a generous time for a call on a busy host.
	each    = 4 * time.Millisecond
	workers = 4
	// lost is how much memory, in KiB, may be missing in the end.
	lost = 4096
)

// compile builds the fuzzer of the folder guest and returns its bytes.
func compile(t *testing.T) []byte {
	t.Helper()
	if err := hostpkg.Ensure(context.Background(), progress.New(os.Stderr, false), hostpkg.Musl); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("guest/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	program := filepath.Join(t.TempDir(), "fuzz")
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

// script runs the fuzzer once for the caches of the kernel to fill, then for real, and tells how much less
// memory is free in the end, in KiB.
const script = `cat >/tmp/fuzz.bin && chmod 755 /tmp/fuzz.bin || exit 1
free() { sleep 1; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
settle() {
	# The last first, for it may hide others.
	for try in 1 2 3 4 5; do
		for mount in $(awk '$2 ~ "^/tmp/fuzz" { print $2 }' /proc/mounts | sed '1!G;h;$!d'); do
			umount -l $mount 2>/dev/null
		done
	done
	rm -rf /tmp/fuzz; sync; [ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
	sleep 4
}
/tmp/fuzz.bin %[1]d 2000 %[3]d %[4]d >/dev/null || exit 1
settle; before=$(free)
/tmp/fuzz.bin %[1]d %[2]d %[3]d %[4]d || exit 1
settle; echo lost $((before - $(free)))
ps -o pid,comm | grep fuzz.bin | grep -v grep && exit 1
echo alive`

func fuzz(t *testing.T, unprivileged int) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test fuzz")
	}
	seed, calls := uint64(time.Now().UnixNano()), shortCalls
	if s := os.Getenv("KEVLAR_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	if s := os.Getenv("KEVLAR_CALLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		calls = n
	}
	log := filepath.Join(t.TempDir(), "log")
	limit := 2*time.Minute + time.Duration(calls)*each
	args := append([]string{"run", "--timeout", limit.String()}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	linux := strings.Contains(os.Getenv("KEVLAR_FLAGS"), "--kernel linux")
	if !linux {
		args = append(args, "--log", log)
	}
	cmd := exec.Command(kevlar, append(args, "--", "sh", "-c", fmt.Sprintf(script, seed, calls, workers, unprivileged))...)
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
		t.Errorf("kevlar test fuzz --seed %d --calls %d repeats this: %v\n%s%s\nthe end of the kernel log:\n%s",
			seed, calls, err, out, &stderr, tail[max(0, len(tail)-8000):])
	}
}

func TestRoot(t *testing.T) { fuzz(t, 0) }
func TestUser(t *testing.T) { fuzz(t, 1) }
