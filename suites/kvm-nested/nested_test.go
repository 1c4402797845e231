package nested

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kevlar/host/suite"
)

// outer are the flags of the machine that has KVM inside.
var outer = []string{
	"--kernel", "linux", "--accel", "tcg", "--machine", "q35", "--cpus", "2", "--mem", "2G",
	"--cpu", "max,la57=off,avx=off,avx2=off",
}

func TestQ35(t *testing.T)        { run(t, "q35", 1) }
func TestQ35SMP(t *testing.T)     { run(t, "q35", 2) }
func TestMicroVM(t *testing.T)    { run(t, "microvm", 1) }
func TestMicroVMSMP(t *testing.T) { run(t, "microvm", 2) }

// TestOutside has Kevlar choose an accelerator on this machine: KVM may be taken only if it is real.
func TestOutside(t *testing.T) {
	kevlar, image := program(t)
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range strings.Fields(string(info)) {
		if f == "svm" || f == "vmx" {
			t.Skip("this machine has hardware virtualisation of its own")
		}
	}
	cmd := exec.Command(kevlar, "run", "--dry-run", "--kernel", image, "--accel", "auto", "--", "true")
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "-accel tcg") {
		t.Errorf("%v: not emulated: %s", err, out)
	}
}

// program returns the kevlar program and the image of its kernel.
func program(t *testing.T) (kevlar, image string) {
	t.Helper()
	kevlar = os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs machines; run: kevlar test kvm-nested")
	}
	flags := strings.Fields(os.Getenv("KEVLAR_FLAGS"))
	for i := range flags[:max(len(flags)-1, 0)] {
		if flags[i] == "--kernel" {
			image = flags[i+1]
		}
	}
	if image == "" || image == "linux" {
		t.Skip("it is Kevlar's kernel that runs inside")
	}
	return kevlar, image
}

// run runs the BusyBox suite in a machine in the machine.
func run(t *testing.T, machine string, cpus int) {
	kevlar, image := program(t)
	archive, err := pack(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{"run"}, outer...), "--", "sh", "-c", `tar x -C / && exec sh /nested/inside.sh "$@"`, "sh", machine, strconv.Itoa(cpus))
	// The variable picks cases, for those who look for a defect.
	patterns := strings.Fields(os.Getenv("NESTED_CASES"))
	cmd := exec.CommandContext(t.Context(), kevlar, append(args, patterns...)...)
	tap := suite.NewTAP("busybox")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(archive), tap, &stderr
	err = cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	cases := countCases(t)
	if len(patterns) > 0 {
		cases = -1
	}
	verdict := tap.Judge(cases, cmd.ProcessState.ExitCode())
	for _, f := range verdict.Failures {
		t.Errorf("%s: %s", f.Name, strings.Join(f.Details, "\n"))
	}
	t.Logf("%d passed, %d failed, %d skipped", verdict.Passed, verdict.Failed, verdict.Skipped)
	if !strings.Contains(stderr.String(), "accelerator: kvm (") {
		t.Error("KVM was not taken inside")
	}
	if t.Failed() {
		t.Logf("standard error output:\n%s", stderr.String())
	}
}

// countCases returns the number of cases that the BusyBox suite has.
func countCases(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "suites", "busybox", "cases", "*", "*.case"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	return len(files)
}
