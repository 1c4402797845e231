package soak

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"kevlar/suites/driver"
)

const (
	// short is how long the storms last if nobody asks for more.
	short = 10 * time.Second
	// lost is how much memory, in KiB, may be missing in the end.
	lost = 1024
	// mem makes the victim of the storms die every few seconds. Linux needs more for itself.
	mem, memLinux = "64M", "160M"
)

// script lets the storms run briefly, for the caches of the kernel to fill and its heap to have been large, then for
// real, and tells how much less memory is free in the end, in KiB. The kernel gives back what its heap has freed
// some seconds later.
const script = `settle() { rm -rf /tmp/soak; sleep %[4]d; }
free() { awk '/^MemFree/ { print $2 }' /proc/meminfo; }
%[1]s %[3]d >/dev/null || exit 1
settle; before=$(free)
%[1]s %[2]d || exit 1
settle; echo lost $((before - $(free)))
echo alive`

func soak(t *testing.T, cpus string) {
	program := driver.Compile(t)
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
	warm, rest := 2*time.Second, 4*time.Second
	if length > time.Minute {
		warm, rest = length/20, 15*time.Second
	}
	size := mem
	if driver.OnLinux() {
		size = memLinux
	}
	r := (&driver.Machine{
		Program: program,
		Script:  fmt.Sprintf(script, driver.Path, int(length.Seconds()), int(warm.Seconds()), int(rest.Seconds())),
		Flags:   []string{"--cpus", cpus, "--mem", size},
		Limit:   length*2 + 4*time.Minute,
	}).Run(t)
	t.Logf("%s", r.Stdout)
	missing := 0
	if i := strings.Index(r.Stdout, "lost "); i >= 0 {
		fmt.Sscanf(r.Stdout[i:], "lost %d", &missing)
	}
	if !r.Alive() || !driver.OnLinux() && missing > lost {
		t.Error(r)
	}
}

func TestOneCPU(t *testing.T)   { soak(t, "1") }
func TestTwoCPUs(t *testing.T)  { soak(t, "2") }
func TestFourCPUs(t *testing.T) { soak(t, "4") }
