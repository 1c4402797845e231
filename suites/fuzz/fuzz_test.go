package fuzz

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kevlar/suites/driver"
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

// script runs the fuzzer once for the caches of the kernel to fill, then for real, and tells how much less
// memory is free in the end, in KiB.
const script = `settle() {
	# The last first, for it may hide others.
	for try in 1 2 3 4 5; do
		for mount in $(awk '$2 ~ "^/tmp/fuzz" { print $2 }' /proc/mounts | sed '1!G;h;$!d'); do
			umount -l $mount 2>/dev/null
		done
	done
	rm -rf /tmp/fuzz; sync; [ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
	sleep 4
}
free() { sleep 1; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
fuzz() { %[1]s %[2]d $1 %[4]d %[5]d; }
fuzz 2000 >/dev/null || exit 1
settle; before=$(free)
fuzz %[3]d || exit 1
settle; echo lost $((before - $(free)))
ps -o pid,comm | grep program | grep -v grep && exit 1
echo alive`

func fuzz(t *testing.T, unprivileged int) {
	program := driver.Compile(t)
	seed := driver.Uint(t, "KEVLAR_SEED", uint64(time.Now().UnixNano()))
	calls := driver.Uint(t, "KEVLAR_CALLS", shortCalls)
	r := (&driver.Machine{
		Program: program,
		Script:  fmt.Sprintf(script, driver.Path, seed, calls, workers, unprivileged),
		Limit:   2*time.Minute + time.Duration(calls)*each,
	}).Run(t)
	t.Logf("%s", r.Stdout)
	missing := 0
	if i := strings.Index(r.Stdout, "lost "); i >= 0 {
		fmt.Sscanf(r.Stdout[i:], "lost %d", &missing)
	}
	if !r.Alive() || !driver.OnLinux() && missing > lost {
		t.Errorf("kevlar test fuzz --seed %d --calls %d repeats this: %v", seed, calls, r)
	}
}

func TestRoot(t *testing.T) { fuzz(t, 0) }
func TestUser(t *testing.T) { fuzz(t, 1) }
