package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// GuardCommand is the argument by which this program starts itself as a guard. The program's main
// function must hand it to Guard before anything else.
const GuardCommand = "console-guard"

// guard is a process that outlives this one, however it dies, and then restores the terminal.
type guard struct {
	cmd  *exec.Cmd
	pipe *os.File // closed by our death, at the latest
}

// startGuard starts a guard, which remembers the state that the terminal is in now.
func startGuard(tty *os.File) (*guard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ready, started, err := os.Pipe()
	if err != nil {
		w.Close()
		return nil, err
	}
	defer ready.Close()
	cmd := exec.Command(self, GuardCommand)
	cmd.Stdin = tty
	cmd.ExtraFiles = []*os.File{r, started}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's signals are not for it
	err = cmd.Start()
	started.Close()
	if err == nil {
		_, err = io.ReadFull(ready, make([]byte, 1))
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("no guard for the terminal: %v", err)
	}
	return &guard{cmd, w}, nil
}

// stop ends the guard and waits for it.
func (g *guard) stop() {
	g.pipe.Close()
	g.cmd.Wait()
}

// Guard is the life of a guard process: it returns when the process that started it has ended or
// has no more need of it, after the terminal was restored.
func Guard() error {
	// A process in the background may set the terminal only if it ignores SIGTTOU.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGTSTP, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	if !term.IsTerminal(0) {
		return errors.New("the standard input is no terminal")
	}
	state, err := term.GetState(0)
	if err != nil {
		return err
	}
	pipe, ready := os.NewFile(3, "pipe"), os.NewFile(4, "ready")
	if _, err := ready.Write([]byte{0}); err != nil {
		return err
	}
	ready.Close()
	io.Copy(io.Discard, pipe)
	return term.Restore(0, state)
}
