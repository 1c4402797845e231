package boots

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// times is how often a machine of each size is booted.
const times = 100

func TestBoots(t *testing.T) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test boots")
	}
	for _, cpus := range []string{"1", "2"} {
		flags := append(strings.Fields(os.Getenv("KEVLAR_FLAGS")), "--cpus", cpus, "--timeout", "30s")
		for i := range times {
			word := fmt.Sprintf("boot-%s-%d", cpus, i)
			args := append(append([]string{"run"}, flags...), "--", "sh", "-c", "cat; echo "+word+" >&2; exit 7")
			cmd := exec.Command(kevlar, args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(word), &stdout, &stderr
			cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != 7 || stdout.String() != word || stderr.String() != word+"\n" {
				t.Errorf("%s CPUs, boot %d: status %d, output %q, errors %q", cpus, i, status, &stdout, &stderr)
			}
		}
	}
}
