// Package console is the terminal of the person who runs Kevlar, as a guest's terminal: raw while
// the guest has it, and as it was before afterwards, whatever happens to this process.
package console

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"kevlar/host/progress"
)

// Terminal implements guest.Terminal on a pair of streams, which may be a terminal or not.
type Terminal struct {
	in      io.Reader
	out     io.Writer
	tty     *os.File // nil if in is no terminal
	state   *term.State
	guard   *guard
	restore sync.Once
	resized chan struct{}
	signals chan os.Signal
	escape  escape
	kill    func()
}

// Open prepares the streams. If in is a terminal it is put into raw mode, in which typing Ctrl-]
// three times calls kill. Restore must be called in the end.
func Open(in io.Reader, out io.Writer, kill func()) (*Terminal, error) {
	t := &Terminal{in: in, out: out, resized: make(chan struct{}, 1), kill: kill}
	if !progress.IsTerminal(in) {
		return t, nil
	}
	t.tty = in.(*os.File)
	guard, err := startGuard(t.tty)
	if err != nil {
		return nil, err
	}
	t.guard = guard
	if t.state, err = term.MakeRaw(int(t.tty.Fd())); err != nil {
		guard.stop()
		return nil, err
	}
	t.signals = make(chan os.Signal, 1)
	signal.Notify(t.signals, syscall.SIGWINCH)
	go t.watchSize()
	return t, nil
}

// Restore gives the terminal back as it was. It may be called more than once.
func (t *Terminal) Restore() {
	if t.tty == nil {
		return
	}
	t.restore.Do(func() {
		signal.Stop(t.signals)
		close(t.signals)
		term.Restore(int(t.tty.Fd()), t.state)
		t.guard.stop()
	})
}

// Type returns the terminal's type.
func (t *Terminal) Type() string {
	if t.tty == nil {
		return ""
	}
	return os.Getenv("TERM")
}

// Size returns the terminal's size, or zeros if there is no terminal.
func (t *Terminal) Size() (rows, cols int) {
	if t.tty == nil {
		return 0, 0
	}
	cols, rows, err := term.GetSize(int(t.tty.Fd()))
	if err != nil {
		return 0, 0
	}
	return rows, cols
}

// Resized gets a value when the size has changed.
func (t *Terminal) Resized() <-chan struct{} { return t.resized }

func (t *Terminal) watchSize() {
	for range t.signals {
		select {
		case t.resized <- struct{}{}:
		default:
		}
	}
}

// Read returns what is typed.
func (t *Terminal) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	if t.tty != nil && t.escape.typed(p[:n]) {
		t.kill()
	}
	return n, err
}

// Write shows what the guest writes.
func (t *Terminal) Write(p []byte) (int, error) { return t.out.Write(p) }

// escape watches for the key that ends a machine which does not answer.
type escape struct{ count int }

const (
	escapeKey   = 0x1d // Ctrl-]
	escapeTimes = 3    // in a row
)

// typed says whether the key has been typed often enough.
func (e *escape) typed(p []byte) bool {
	for _, c := range p {
		if c != escapeKey {
			e.count = 0
		} else if e.count++; e.count == escapeTimes {
			return true
		}
	}
	return false
}
