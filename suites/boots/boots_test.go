package boots

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// times is how often a machine with so many processors is booted.
var times = []struct{ cpus, times int }{{1, 100}, {2, 100}, {4, 200}}

func TestBoots(t *testing.T) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test boots")
	}
	if n, err := strconv.Atoi(os.Getenv("BOOTS")); err == nil {
		for i := range times {
			times[i].times = min(times[i].times, n)
		}
	}
	for _, m := range times {
		flags := append(strings.Fields(os.Getenv("KEVLAR_FLAGS")), "--cpus", strconv.Itoa(m.cpus), "--timeout", "30s")
		for i := range m.times {
			word := fmt.Sprintf("boot-%d-%d", m.cpus, i)
			args := append(append([]string{"run"}, flags...), "--", "sh", "-c", "cat; echo "+word+" >&2; exit 7")
			cmd := exec.Command(kevlar, args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(word), &stdout, &stderr
			cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != 7 || stdout.String() != word || stderr.String() != word+"\n" {
				t.Errorf("%d CPUs, boot %d: status %d, output %q, errors %q", m.cpus, i, status, &stdout, &stderr)
			}
		}
	}
}
