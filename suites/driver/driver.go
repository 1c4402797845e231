// Package driver is for suites of Go tests that run one program of their own in machines: it compiles the C files
// of the suite's folder guest and runs the result, which the guest reads from its standard input.
package driver

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

// Compile builds the C files of the folder guest into one static program and returns its bytes.
func Compile(t *testing.T) []byte {
	t.Helper()
	Kevlar(t)
	if err := hostpkg.Ensure(context.Background(), progress.New(os.Stderr, false), hostpkg.Musl); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("guest/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	program := filepath.Join(t.TempDir(), "program")
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

// Kevlar returns the path of the command; without one the test is skipped, as under a plain go test.
func Kevlar(t *testing.T) string {
	t.Helper()
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test " + filepath.Base(workingDirectory()))
	}
	return kevlar
}

func workingDirectory() string {
	dir, _ := os.Getwd()
	return dir
}

// OnLinux says whether the guest's kernel is Linux.
func OnLinux() bool { return strings.Contains(os.Getenv("KEVLAR_FLAGS"), "--kernel linux") }

// Uint returns the measure that kevlar test was given by the environment variable name, or otherwise n.
func Uint(t *testing.T, name string, n uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return n
	}
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Path is where the program is in the guest.
const Path = "/tmp/program"

// A Machine is what one run of the program needs.
type Machine struct {
	Program []byte
	Script  string        // run by sh once the program is at Path
	Flags   []string      // for kevlar run, behind those that the suite was given
	Limit   time.Duration // of wall time
}

// A Result is what is left of a machine.
type Result struct {
	Stdout, Stderr string // what the kernel says of contained panics is in Stderr
	Log            string // the end of the kernel log, but for Linux's
	Err            error  // the machine was lost, or the status of the script is not 0
}

// Alive reports whether the script's last word was "alive", with nothing to complain of.
func (r *Result) Alive() bool {
	return r.Err == nil && strings.HasSuffix(r.Stdout, "alive\n") && r.Stderr == ""
}

func (r *Result) String() string {
	return fmt.Sprintf("%v\n%s%s\nthe end of the kernel log:\n%s", r.Err, r.Stdout, r.Stderr, r.Log)
}

// Run boots a machine and runs the script in it.
func (m *Machine) Run(t *testing.T) *Result {
	t.Helper()
	args := append([]string{"run", "--timeout", m.Limit.String()}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	log := filepath.Join(t.TempDir(), "log")
	if !OnLinux() {
		args = append(args, "--log", log)
	}
	args = append(args, m.Flags...)
	script := fmt.Sprintf("cat >%s && chmod 755 %[1]s || exit 1\n%s", Path, m.Script)
	cmd := exec.Command(Kevlar(t), append(args, "--", "sh", "-c", script)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(m.Program), &stdout, &stderr
	err := cmd.Run()
	const tail = 8000
	text, _ := os.ReadFile(log)
	return &Result{Stdout: stdout.String(), Stderr: stderr.String(), Log: string(text[max(0, len(text)-tail):]), Err: err}
}
