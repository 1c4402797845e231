package command

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience ends a run that hangs.
const patience = 2 * time.Minute

// result is what a run of kevlar left.
type result struct {
	status         int
	stdout, stderr string
}

// command returns kevlar run with the flags of the suite and more arguments, not yet started.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test command")
	}
	flags := append([]string{"run", "--timeout", patience.String()}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	return exec.Command(kevlar, append(flags, args...)...)
}

// onLinux says whether the guest's kernel is Linux.
func onLinux() bool { return strings.Contains(os.Getenv("KEVLAR_FLAGS"), "--kernel linux") }

// run runs kevlar run with more arguments.
func run(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	cmd := command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// shell runs a script in the guest.
func shell(t *testing.T, script string) result {
	t.Helper()
	return run(t, nil, "--", "sh", "-c", script)
}

// expect compares a result with what it must be.
func expect(t *testing.T, got, want result) {
	t.Helper()
	if got != want {
		t.Errorf("got status %d, output %.200q, errors %.1000q\nwant status %d, output %.200q, errors %.200q",
			got.status, got.stdout, got.stderr, want.status, want.stdout, want.stderr)
	}
}
