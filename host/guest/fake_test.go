package guest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kevlar/host/vm"
)

// TestMain lets the test program play QEMU, with the guest inside, when it is started by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == vm.Binary {
		fakeQEMU(os.Getenv("FAKE"))
		return
	}
	os.Exit(m.Run())
}

// useFakeQEMU puts a program into the PATH that behaves in one of the ways of fakeQEMU.
func useFakeQEMU(t *testing.T, behaviour string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, vm.Binary)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("FAKE", behaviour)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
}

// device opens the socket of a character device that the command line names.
func device(id string) *os.File {
	m := regexp.MustCompile(`socket,id=` + id + `,fd=(\d+)`).FindStringSubmatch(strings.Join(os.Args, " "))
	if m == nil {
		return nil
	}
	fd, _ := strconv.Atoi(m[1])
	return os.NewFile(uintptr(fd), id)
}

// instruction returns the token from the file that the guest's init would read.
func instruction() string {
	m := regexp.MustCompile(`-initrd (\S+)`).FindStringSubmatch(strings.Join(os.Args, " "))
	root, err := os.ReadFile(m[1])
	if err != nil {
		panic(err)
	}
	return string(regexp.MustCompile(`token='(.*)'`).FindSubmatch(root)[1])
}

// line reads a line without taking more.
func line(r io.Reader) string {
	var b bytes.Buffer
	for c := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, c); err != nil || c[0] == '\n' {
			return b.String()
		}
		b.Write(c)
	}
}

// end leaves like QEMU: it tells the control channel why, and exits.
func end(reason string, status int) {
	if reason != "" {
		fmt.Fprintf(device("qmp"), `{"event": "SHUTDOWN", "data": {"guest": true, "reason": %q}}`+"\n", reason)
	}
	os.Exit(status)
}

func fakeQEMU(behaviour string) {
	qmp := bufio.NewReader(device("qmp"))
	fmt.Fprintln(device("qmp"), `{"QMP": {"version": {}}}`)
	if greeting, _ := qmp.ReadString('\n'); !strings.Contains(greeting, "qmp_capabilities") {
		panic(greeting)
	}
	if log := device("debugcon"); log != nil {
		fmt.Fprintln(log, "kernel log")
	}
	control := device("port4")
	if control != nil {
		line(control)
	}
	word, argument, _ := strings.Cut(behaviour, " ")
	switch word {
	case "foreign":
		fmt.Fprint(device("com1"), "hello\r\n")
		end("guest-shutdown", 0)
	case "shell":
		fakeShell(control)
	case "poweroff":
		end("guest-shutdown", 0)
	case "usage":
		fmt.Fprintln(os.Stderr, vm.Binary+": no such option")
		end("", 1)
	case "assertion":
		fmt.Fprintln(os.Stderr, vm.Binary+": error: failed to set MSR 0x10a to 0x69")
		fmt.Fprintln(os.Stderr, vm.Binary+": kvm.c:3183: Assertion failed.")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "killed":
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
	case "fatal":
		fmt.Fprint(device("debugcon"), "[    1.0] kevlar: no room")
		end("", 255)
	}
	if behaviour == "contained" {
		for range 2 {
			fmt.Fprint(device("debugcon"), "kevlar: contai")
			time.Sleep(20 * time.Millisecond)
			fmt.Fprint(device("debugcon"), "ned panic in cat[1]: oh\n")
		}
	}
	if behaviour == "reset" {
		end("guest-reset", 0)
	}
	if behaviour == "hang" {
		time.Sleep(time.Minute)
	}

	token, stdin, stdout, stderr := instruction(), device("port1"), device("port2"), device("port3")
	line(stdin)
	io.Copy(stdout, stdin)
	fmt.Fprint(stderr, "complaint")
	if behaviour != "no token" {
		fmt.Fprint(stdout, token)
		fmt.Fprint(stderr, token)
		status := "3"
		if word == "status" {
			status = argument
		}
		fmt.Fprintln(control, "exit "+status)
		if answer := line(control); answer != "done" {
			panic(answer)
		}
	}
	switch behaviour {
	case "hang after exit":
		time.Sleep(time.Minute)
	case "reset after exit":
		end("guest-reset", 0)
	}
	end("guest-shutdown", 0)
}

// fakeShell shows what it is told and what is typed.
func fakeShell(control *os.File) {
	console := device("com1")
	fmt.Fprintln(control, "ready")
	fmt.Fprint(console, line(control)+"|")
	typed := make([]byte, len("typed\n\x04"))
	io.ReadFull(console, typed)
	console.Write(typed)
	fmt.Fprint(console, instruction())
	fmt.Fprintln(control, "exit 5")
	for line(control) != "done" {
	}
	end("guest-shutdown", 0)
}
