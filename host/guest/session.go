package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"kevlar/host/vm"
)

// powerOffTime is how long a guest may take to switch the machine off after it was told to.
const powerOffTime = 15 * time.Second

// hello is the line that tells the guest that the host is connected to a port.
const hello = "\n"

// session is a machine with its streams.
type session struct {
	cfg     *Config
	config  *vm.Config
	log     kernelLog
	console *vm.Stream
	control *vm.Stream     // nil for a foreign init
	taking  *vm.Stream     // nil if no files are wanted
	ready   chan struct{}  // closed by isReady
	isReady func()         // to be called when the guest can take what is typed
	copying sync.WaitGroup // the goroutines of all
	logging sync.WaitGroup // those of logFrom
	machine *vm.Machine    // nil before it runs
}

// newSession makes the streams that every machine has: COM1 and the kernel log.
func newSession(c *Config, root vm.Initramfs, foreign bool) (*session, error) {
	s := &session{cfg: c, config: c.vm(root, foreign), ready: make(chan struct{})}
	s.log.w = c.Log
	s.isReady = sync.OnceFunc(func() { close(s.ready) })
	var err error
	if s.console, err = vm.NewStream(); err != nil {
		return nil, err
	}
	s.config.Serial = []*vm.Stream{s.console}
	kernel, err := vm.NewStream()
	if err != nil {
		s.close()
		return nil, err
	}
	if c.Kernel.Linux {
		s.config.Serial = append(s.config.Serial, kernel)
	} else {
		s.config.DebugCon = kernel
	}
	s.logFrom(kernel)
	return s, nil
}

// logFrom adds what comes from a stream to the kernel log.
func (s *session) logFrom(r io.Reader) {
	s.logging.Go(func() { io.Copy(&s.log, r) })
}

// port adds a virtio-serial port.
func (s *session) port(number int) (*vm.Stream, error) {
	stream, err := vm.NewStream()
	if err == nil {
		s.config.Ports = append(s.config.Ports, vm.Port{Number: number, Stream: stream})
	}
	return stream, err
}

// close releases the streams and ends the reading of the log.
func (s *session) close() {
	s.config.Close()
	s.logging.Wait()
	if n := s.log.contained(); n > 0 && s.cfg.Contained != nil && !s.cfg.Kernel.Linux {
		s.cfg.Contained(n)
	}
}

// run starts the machine and waits for its end; it returns the exit status that the guest reported.
// Output copies what the guest writes, up to the token if there is a control port, to the end of
// the machine otherwise.
func (s *session) run(ctx context.Context, output func() error) (int, error) {
	if s.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	var err error
	if s.machine, err = vm.Start(s.config); err != nil {
		return 0, err
	}
	defer func() {
		s.machine.Kill()
		s.finish()
	}()

	var status int
	complete := make(chan error, 1)
	go func() {
		var err error
		status, err = s.collect(output)
		complete <- err
	}()
	select {
	case err = <-complete: // at the latest when the machine has ended
	case <-ctx.Done():
		return 0, s.cancelled(ctx)
	}
	var limit <-chan time.Time
	switch {
	case err == nil && s.control != nil:
		io.WriteString(s.control, "done\n")
		limit = time.After(powerOffTime)
	case err != nil && !errors.Is(err, errNoToken):
		return 0, err
	}
	select {
	case <-s.machine.Done():
	case <-ctx.Done():
		return 0, s.cancelled(ctx)
	case <-limit:
		return 0, s.failure("the machine did not switch off after the command had ended")
	}
	if x := s.machine.Wait(); err != nil || x.End != vm.PowerOff {
		f := s.failure(ended(x, s.cfg.Accel))
		if fatal(x) {
			f.Reason += cause(f.Log)
		}
		return 0, f
	}
	return status, nil
}

// collect runs output and reads the exit status meanwhile.
func (s *session) collect(output func() error) (status int, err error) {
	if s.control == nil {
		return 0, s.all(output)
	}
	if _, err := io.WriteString(s.control, hello); err != nil {
		return 0, errNoToken
	}
	reported := new(int)
	err = s.all(output, func() (err error) {
		*reported, err = s.readStatus()
		return err
	})
	if err != nil {
		return 0, err
	}
	return *reported, nil
}

// readStatus reads the control port up to the line that tells the exit status.
func (s *session) readStatus() (int, error) {
	lines := bufio.NewScanner(s.control)
	for lines.Scan() {
		if lines.Text() == "ready" {
			s.isReady()
		}
		if text, ok := strings.CutPrefix(lines.Text(), "exit "); ok {
			status, err := strconv.Atoi(text)
			if err != nil || status < 0 || status > 255 {
				return 0, fmt.Errorf("the guest's init reports the exit status %q", text)
			}
			return status, nil
		}
	}
	return 0, errNoToken
}

// failure is a run that Kevlar could not finish. The machine is ended and its log read to the end.
func (s *session) failure(reason string) *Failure {
	s.machine.Kill()
	s.logging.Wait()
	return &Failure{Status: StatusFailed, Reason: reason, Log: s.log.tail()}
}

// cancelled says which way the context ended the run.
func (s *session) cancelled(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f := s.failure(fmt.Sprintf("time limit of %v reached", s.cfg.Timeout))
		f.Status = StatusTimeout
		return f
	}
	return &Failure{Status: StatusKilled, Reason: "interrupted"}
}

// all runs functions side by side and waits for them, but no longer than to the first error that
// is not errNoToken. Streams that end early are waited for: all of them do when the machine ends,
// and none may lose its last bytes.
func (s *session) all(functions ...func() error) error {
	results := make(chan error, len(functions))
	for _, f := range functions {
		s.copying.Go(func() { results <- f() })
	}
	var early error
	for range functions {
		switch err := <-results; {
		case errors.Is(err, errNoToken):
			early = err
		case err != nil:
			return err
		}
	}
	return early
}

// finish waits, when the machine has ended, until what it wrote is written. Who does not take the
// output does not get the rest.
func (s *session) finish() {
	done := make(chan struct{})
	go func() {
		s.copying.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}
