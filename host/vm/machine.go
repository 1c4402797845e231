package vm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Binary is the program that runs virtual machines.
const Binary = "qemu-system-x86_64"

// A Machine is a running virtual machine. It ends by itself or by Kill, and never outlives this
// process: the kernel kills it when this process dies.
type Machine struct {
	process *os.Process
	done    chan struct{} // closed when exit is set
	exit    Exit
}

// End is how a machine came to its end.
type End int

const (
	Failed   End = iota // QEMU itself failed, or was killed
	PowerOff            // the guest switched the machine off
	Reset               // the guest rebooted, or a processor gave up (triple fault)
	Exited              // the guest wrote to the debug exit port
)

// Exit is what is known when a machine has ended.
type Exit struct {
	End     End
	Status  int    // QEMU's exit status; -1 if a signal ended it
	Message string // what QEMU printed, without its program name; mostly ""
}

// Start starts a virtual machine.
func Start(c *Config) (*Machine, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	control, err := NewStream()
	if err != nil {
		return nil, err
	}
	var stderr tail
	cmd := exec.Command(Binary, c.Args()...)
	cmd.ExtraFiles = append(c.files(), control.remote)
	cmd.Stdout, cmd.Stderr = &stderr, &stderr
	// A group of its own keeps the terminal's signals away from the machine.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	m := &Machine{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The death signal is tied to the thread that starts the child, so that thread has to
		// live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer control.Close()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		m.process = cmd.Process
		for _, s := range c.streams() {
			s.remote.Close() // the device's end of file is then QEMU's
		}
		control.remote.Close()
		started <- nil

		var events monitor
		var watching sync.WaitGroup
		watching.Go(func() { events.watch(control) })
		err := cmd.Wait()
		watching.Wait()
		m.exit = conclude(cmd, err, events.reason, stderr.String())
		close(m.done)
	}()
	if err := <-started; err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%s is not installed", Binary)
		}
		return nil, fmt.Errorf("%s: %v", Binary, err)
	}
	return m, nil
}

// conclude puts together how the machine ended.
func conclude(cmd *exec.Cmd, err error, reason, stderr string) Exit {
	x := Exit{Status: cmd.ProcessState.ExitCode(), Message: clean(stderr)}
	switch {
	case x.Status > 1 && x.Status&1 == 1:
		x.End = Exited
	case err != nil:
		x.End = Failed
	case reason == "guest-shutdown":
		x.End = PowerOff
	case reason == "guest-reset":
		x.End = Reset
	}
	return x
}

// clean takes the program's name off the lines that QEMU printed.
func clean(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, Binary+": ")
	}
	return strings.Join(lines, "\n")
}

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Wait waits for the end of the machine.
func (m *Machine) Wait() Exit {
	<-m.done
	return m.exit
}

// Kill ends the machine at once and waits until it is gone.
func (m *Machine) Kill() {
	m.process.Kill()
	<-m.done
}

// tail keeps the last bytes written to it.
type tail struct{ buf bytes.Buffer }

const tailSize = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - tailSize; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.buf.String() }
