package tty

import (
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A reading is one read(2) of a terminal, with what VMIN and VTIME of
// termios(3) say about its end. Times are of ktime.Mono.
type reading struct {
	dst      vfs.Dest
	done     int
	minimum  int   // bytes after which it ends
	between  int64 // nanoseconds that may pass between two bytes, or 0
	deadline int64
}

// Read implements read(2). Unlike other files a terminal waits here: VTIME is
// a condition on the way, not on the beginning.
func (o *openTTY) Read(c vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	t := o.tty
	if !o.console && !o.isHung() {
		if err := t.checkJob(c, abi.SIGTTIN); err != nil {
			return 0, err
		}
	}
	r := t.newReading(dst)
	end, err := o.step(&r)
	if !end {
		err = o.wait(c, &r)
	}
	if r.done > 0 {
		return r.done, nil
	}
	return 0, err
}

func (o *openTTY) isHung() bool {
	o.tty.lock()
	defer o.tty.unlock()
	return o.hung()
}

func (t *TTY) newReading(dst vfs.Dest) reading {
	t.lock()
	defer t.unlock()
	r := reading{dst: dst, deadline: wait.Forever}
	if t.lflag(abi.ICANON) {
		return r
	}
	vmin, vtime := int(t.cc(abi.VMIN)), int64(t.cc(abi.VTIME))*int64(time.Second/10)
	switch {
	case vmin > 0:
		r.minimum, r.between = vmin, vtime
	case vtime > 0:
		r.minimum, r.deadline = 1, ktime.Mono()+vtime
	default:
		r.minimum, r.deadline = 1, 0
	}
	return r
}

// step moves what there is, and reports whether the read has ended.
func (o *openTTY) step(r *reading) (end bool, err error) {
	t := o.tty
	t.lock()
	defer t.unlock()
	if r.dst.Len() == 0 || o.hung() {
		return true, nil
	}
	if !t.readable(1) {
		switch {
		case r.deadline == 0 || r.deadline != wait.Forever && ktime.Mono() >= r.deadline:
			return true, nil
		case o.file.Flags()&abi.O_NONBLOCK != 0:
			return true, abi.EAGAIN
		}
		return false, nil
	}
	var n int
	if t.canonical() {
		n, err = t.line.takeLine(r.dst)
	} else {
		n, err = t.line.takeRaw(r.dst)
	}
	r.done += n
	t.receiveStaged()
	if r.between > 0 {
		r.deadline = ktime.Mono() + r.between
	}
	return err != nil || r.done >= r.minimum || r.dst.Len() == 0, err
}

// wait continues a read until it ends. The deadline moves with each byte.
func (o *openTTY) wait(c vfs.Caller, r *reading) error {
	for {
		var end bool
		var stepErr error
		err := c.Sleeper().Await(&o.tty.queue, wakeRead, r.deadline, func() error {
			before := r.done
			if end, stepErr = o.step(r); !end && r.done == before {
				return abi.EAGAIN
			}
			return nil
		})
		if end {
			return stepErr
		}
		if err != nil && err != abi.ETIMEDOUT {
			return err
		}
	}
}
