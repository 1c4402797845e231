package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pause is long enough for the guest to fill all buffers.
func pause() { time.Sleep(time.Second) }

func TestStatus(t *testing.T) {
	for _, status := range []int{0, 1, 77, 124, 125, 255} {
		expect(t, shell(t, fmt.Sprint("exit ", status)), result{status: status})
	}
}

func TestStatusOfSignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGTERM} {
		expect(t, shell(t, fmt.Sprintf("kill -%d $$", s)), result{status: 128 + int(s)})
	}
}

func TestNoSuchCommand(t *testing.T) {
	got := run(t, nil, "--", "no-such-command")
	if got.status != 127 || !strings.Contains(got.stderr, "no-such-command") {
		t.Errorf("%+v", got)
	}
}

func TestCommandNotExecutable(t *testing.T) {
	got := run(t, nil, "--", "/etc/passwd")
	if got.status != 126 || !strings.Contains(got.stderr, "/etc/passwd") {
		t.Errorf("%+v", got)
	}
}

// TestArguments has words that a shell would take apart.
func TestArguments(t *testing.T) {
	got := run(t, nil, "--", "printf", "%s|", "a b", "", "it's", "$HOME", "*", `\n`, "-x", "--", "ü")
	expect(t, got, result{0, `a b||it's|$HOME|*|\n|-x|--|ü|`, ""})
}

func TestTimeout(t *testing.T) {
	begin := time.Now()
	got := run(t, nil, "--timeout", "25", "--", "sh", "-c", "echo begun; sleep 1000")
	expect(t, got, result{124, "begun\n", "kevlar: time limit of 25s reached\n"})
	if took := time.Since(begin); took > 50*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestPowerOffIsNoStatus(t *testing.T) {
	got := shell(t, "poweroff -f; sleep 10")
	if got.status != 125 || !strings.HasPrefix(got.stderr, "kevlar: the machine was switched off before the command ended\n") {
		t.Errorf("%+v", got)
	}
}

func TestRebootIsNoStatus(t *testing.T) {
	got := shell(t, "reboot -f; sleep 10")
	if got.status != 125 || !strings.HasPrefix(got.stderr, "kevlar: the machine was reset") {
		t.Errorf("%+v", got)
	}
}

// TestInterrupt has the person at the terminal press Ctrl-C. Nothing may be left behind.
func TestInterrupt(t *testing.T) {
	cmd := command(t, "--", "sh", "-c", "echo begun; sleep 1000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1))
	machine := child(t, cmd.Process.Pid)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d", status)
	}
	gone(t, machine)
}

// TestKill has the program die without a chance to clean up.
func TestKill(t *testing.T) {
	cmd := command(t, "--", "sh", "-c", "echo begun; sleep 1000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1))
	machine := child(t, cmd.Process.Pid)
	cmd.Process.Kill()
	cmd.Wait()
	gone(t, machine)
}

// child returns the process that pid has started.
func child(t *testing.T, pid int) string {
	t.Helper()
	var children []string
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range threads {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, strings.Fields(string(data))...)
	}
	if len(children) != 1 {
		t.Fatalf("process %d has the children %q", pid, children)
	}
	return children[0]
}

// gone waits until a process has ended.
func gone(t *testing.T, pid string) {
	t.Helper()
	for range 100 {
		data, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(data), ") Z ") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("process %s is still there", pid)
}

func TestLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	expect(t, run(t, nil, "--log", log, "--", "sh", "-c", "echo to the log >/dev/kmsg; echo out"), result{0, "out\n", ""})
	data, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(data), "to the log") {
		t.Errorf("log %q, %v", data, err)
	}
}

func TestStrace(t *testing.T) {
	if onLinux() {
		t.Skip("Kevlar's kernel only")
	}
	log := filepath.Join(t.TempDir(), "log")
	expect(t, run(t, nil, "--strace", "--log", log, "--", "echo", "traced"), result{0, "traced\n", ""})
	data, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(data), `write(1, "traced\n", 7) = 7`) {
		t.Errorf("%d bytes of log without the call, %v", len(data), err)
	}
}

// TestStraceToStandardError has no file for the log.
func TestStraceToStandardError(t *testing.T) {
	if onLinux() {
		t.Skip("Kevlar's kernel only")
	}
	got := run(t, nil, "--strace", "--", "echo", "traced")
	if got.status != 0 || got.stdout != "traced\n" || !strings.Contains(got.stderr, `write(1, "traced\n", 7) = 7`) {
		t.Errorf("status %d, %q, %d bytes of errors without the call", got.status, got.stdout, len(got.stderr))
	}
}

// TestLogOfForeignInit has the log of a machine whose console another init has.
func TestLogOfForeignInit(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	init := strings.Replace(ownInit, "busybox sleep", "busybox mount -t devtmpfs dev /dev; echo to the log >/dev/kmsg; busybox sleep", 1)
	got := run(t, nil, "--log", log, "--initramfs", archive(t, init, false))
	if got.status != 0 || !strings.Contains(got.stdout, "my pid is 1\r\n") {
		t.Errorf("%+v", got)
	}
	data, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(data), "to the log") || strings.Contains(string(data), "my pid is 1") {
		t.Errorf("log %.2000q, %v", data, err)
	}
}

func TestCPUs(t *testing.T) {
	for _, n := range []string{"1", "2", "4"} {
		expect(t, run(t, nil, "--cpus", n, "--", "sh", "-c", "nproc; grep -c ^processor /proc/cpuinfo"), result{0, n + "\n" + n + "\n", ""})
	}
}

func TestMachines(t *testing.T) {
	machines := []string{"q35", "pc", "microvm"}
	if onLinux() {
		// On microvm Linux has only the PIT to calibrate its clock by, and fails if the host is busy.
		machines = machines[:2]
	}
	for _, machine := range machines {
		expect(t, run(t, strings.NewReader("in"), "--machine", machine, "--cpus", "2", "--", "sh", "-c", "cat; nproc"), result{0, "in2\n", ""})
	}
}

func TestAppend(t *testing.T) {
	got := run(t, nil, "--append", "one two.three=4", "--", "cat", "/proc/cmdline")
	if got.status != 0 || !strings.HasSuffix(got.stdout, "one two.three=4\n") {
		t.Errorf("%+v", got)
	}
}

// TestDryRun has the command line of a machine, which is not started.
func TestDryRun(t *testing.T) {
	got := run(t, nil, "--dry-run", "--append", "a b", "--", "true")
	if got.status != 0 || !strings.HasPrefix(got.stdout, "qemu-system-x86_64 ") || strings.Count(got.stdout, "\n") != 1 || !strings.Contains(got.stdout, "a b'") {
		t.Errorf("%+v", got)
	}
}
