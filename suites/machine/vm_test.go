package machine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kevlar/suites/driver"
)

// patience is how long a machine may take for anything: a loaded host is slow.
const patience = 2 * time.Minute

// image returns the kernel's image, and skips the test where there is no machine.
func image(t *testing.T) string {
	t.Helper()
	driver.Kevlar(t)
	words := strings.Fields(os.Getenv("KEVLAR_FLAGS"))
	for i, w := range words {
		if w == "--kernel" && words[i+1] == "linux" {
			t.Skip("is about Kevlar")
		}
		if w == "--kernel" {
			return words[i+1]
		}
	}
	t.Fatal("KEVLAR_FLAGS name no kernel")
	return ""
}

// initramfs returns the default root file system, whose init is a shell on the console.
var initramfs = sync.OnceValues(func() (string, error) {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("kevlar-machine-%d.cpio", os.Getpid()))
	out, err := exec.Command(os.Getenv("KEVLAR"), "initramfs", "-o", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if os.Getenv("KEVLAR") != "" {
		if file, err := initramfs(); err == nil {
			os.Remove(file)
		}
	}
	os.Exit(status)
}

// A vm is a QEMU with the kernel and nothing of what the kevlar command adds.
type vm struct {
	t       *testing.T
	dir     string
	cmd     *exec.Cmd
	in      io.Writer // what is typed on the serial console
	monitor net.Conn
	replies *bufio.Reader
	ended   chan struct{}

	mu  sync.Mutex
	out bytes.Buffer // what the serial console has shown; guarded by mu
}

// Write adds to what the console has shown.
func (v *vm) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.out.Write(p)
}

// shown returns what the console has shown.
func (v *vm) shown() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.out.String()
}

// boot starts a machine. The test ends it.
func boot(t *testing.T, flags ...string) *vm {
	t.Helper()
	v := &vm{t: t, dir: t.TempDir(), ended: make(chan struct{})}
	args := append([]string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35", "-accel", "tcg",
		"-serial", "stdio", "-qmp", "unix:" + v.path("qmp") + ",server=on,wait=off", "-gdb", "unix:" + v.path("gdb") + ",server=on,wait=off",
		"-kernel", image(t),
	}, flags...)
	v.cmd = exec.Command("qemu-system-x86_64", args...)
	v.cmd.Stdout, v.cmd.Stderr = v, v
	in, err := v.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	v.in = in
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		v.cmd.Wait()
		close(v.ended)
	}()
	t.Cleanup(func() {
		v.cmd.Process.Kill()
		<-v.ended
		if t.Failed() {
			t.Logf("the console:\n%s", v.shown())
		}
	})
	return v
}

// root returns the flags for a machine with the default root file system.
func root(t *testing.T) []string {
	t.Helper()
	driver.Kevlar(t)
	file, err := initramfs()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"-initrd", file}
}

func (v *vm) path(name string) string { return filepath.Join(v.dir, name) }

// until waits for something to be true, and fails the test if it does not become so.
func (v *vm) until(what string, f func() bool) {
	v.t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-v.ended:
			if !f() {
				v.t.Fatalf("no %s: the machine has ended", what)
			}
			return
		default:
		}
		if time.Now().After(end) {
			v.t.Fatalf("no %s after %v", what, patience)
		}
	}
}

// await waits for the console to show what matches a pattern.
func (v *vm) await(pattern string) {
	v.t.Helper()
	re := regexp.MustCompile(pattern)
	v.until(pattern, func() bool { return re.MatchString(v.shown()) })
}

// typed types a line on the console.
func (v *vm) typed(line string) { io.WriteString(v.in, line+"\n") }

// end waits for the machine to end by itself and returns QEMU's status.
func (v *vm) end() int {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(patience):
		v.t.Fatalf("the machine has not ended after %v", patience)
	}
	return v.cmd.ProcessState.ExitCode()
}

// dial connects with one of QEMU's sockets.
func (v *vm) dial(name string) net.Conn {
	v.t.Helper()
	var c net.Conn
	v.until(name+" socket", func() (ok bool) {
		var err error
		c, err = net.Dial("unix", v.path(name))
		return err == nil
	})
	v.t.Cleanup(func() { c.Close() })
	return c
}

// qmp gives the monitor a command and returns its answer.
func (v *vm) qmp(command string, arguments map[string]any) json.RawMessage {
	v.t.Helper()
	if v.monitor == nil {
		v.monitor = v.dial("qmp")
		v.replies = bufio.NewReader(v.monitor)
		v.replies.ReadString('\n') // the greeting
		v.qmp("qmp_capabilities", nil)
	}
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	text, _ := json.Marshal(request)
	v.monitor.SetDeadline(time.Now().Add(patience))
	v.monitor.Write(append(text, '\n'))
	for {
		line, err := v.replies.ReadBytes('\n')
		if err != nil {
			v.t.Fatalf("%s: %v", command, err)
		}
		var reply struct{ Return, Error json.RawMessage }
		if json.Unmarshal(line, &reply) != nil || reply.Error != nil {
			v.t.Fatalf("%s: %s", command, line)
		}
		if reply.Return != nil { // and not an event
			return reply.Return
		}
	}
}

// hmp is qmp for what only the human monitor can do.
func (v *vm) hmp(command string) (text string) {
	v.t.Helper()
	json.Unmarshal(v.qmp("human-monitor-command", map[string]any{"command-line": command}), &text)
	return text
}
