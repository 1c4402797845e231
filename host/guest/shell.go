package guest

import (
	"context"
	"fmt"
	"io"
	"time"

	"kevlar/host/vm"
)

// Terminal is where a person sits.
type Terminal interface {
	io.Reader // what is typed; end of file ends the shell
	io.Writer
	Type() string             // of terminal, as in $TERM; "" if it is none
	Size() (rows, cols int)   // 0 if unknown
	Resized() <-chan struct{} // gets a value when the size has changed
}

// endOfFile is what ends the input of a shell on a terminal.
const endOfFile = "\x04"

// endOfFileTime is how long the shell may take to end before it is told again.
const endOfFileTime = time.Second

// Shell boots the kernel with the archives as its root file system and runs argv on the terminal, or
// without one a login shell. It returns the exit status.
func Shell(ctx context.Context, c *Config, archives [][]byte, argv []string, t Terminal) (int, error) {
	s, token, err := newProtocol(c, archives, argv, t)
	if err != nil {
		return 0, err
	}
	defer s.close()
	return s.run(ctx, func() error {
		go s.typed(t)
		go s.resize(t)
		return s.all(
			func() error { return copyUntil(t, s.console, token) },
			func() error { return s.take(token) },
		)
	})
}

// Foreign boots the kernel with an initramfs of unknown origin, whose console is the terminal. The
// run ends, with status 0, when the guest switches the machine off.
func Foreign(ctx context.Context, c *Config, root vm.Initramfs, t Terminal) (int, error) {
	s, err := newSession(c, root, true)
	if err != nil {
		return 0, err
	}
	defer s.close()
	return s.run(ctx, func() error {
		go s.typed(t)
		// Nobody tells when the guest has its console. What is typed before is lost.
		time.AfterFunc(silence, s.isReady)
		_, err := io.Copy(t, &firstRead{s.console, s.isReady})
		return err
	})
}

// silence is how long a guest of unknown origin may say nothing and yet want to be spoken to.
const silence = 3 * time.Second

// firstRead calls a function when there is something to read.
type firstRead struct {
	r    io.Reader
	call func()
}

func (f *firstRead) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if n > 0 {
		f.call()
	}
	return n, err
}

// typed sends what is typed to the console. The end of the input counts at the beginning of a line only, so
// a last line without an end gets one.
func (s *session) typed(t Terminal) {
	<-s.ready
	console := &lastByte{w: s.console, last: '\n'}
	_, err := io.Copy(console, t)
	if err == nil {
		if console.last != '\n' && console.last != '\r' {
			io.WriteString(console, "\n")
		}
		// Until the shell has made the terminal its own, the end of the input is not kept for it.
		for err == nil {
			_, err = io.WriteString(console, endOfFile)
			time.Sleep(endOfFileTime)
		}
	}
}

// lastByte remembers the last byte that was written.
type lastByte struct {
	w    io.Writer
	last byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.last = p[len(p)-1]
	}
	return l.w.Write(p)
}

// resize tells the guest the terminal's size, which may have changed during the boot, and whenever it changes.
func (s *session) resize(t Terminal) {
	for {
		if rows, cols := t.Size(); rows > 0 && cols > 0 {
			if _, err := fmt.Fprintf(s.control, "winsize %d %d\n", rows, cols); err != nil {
				return
			}
		}
		if _, ok := <-t.Resized(); !ok {
			return
		}
	}
}
