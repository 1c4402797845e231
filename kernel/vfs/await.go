package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

const (
	awaitRead  = wait.Readable | wait.RdHup
	awaitWrite = wait.Writable
)

// BlockRead is f.Read for a thread that waits, unless O_NONBLOCK is set, until
// there is something to read, the file ends, or a signal comes (ERESTARTSYS).
func BlockRead(c Caller, f *File, dst Dest) (int, error) {
	n, err := f.Read(c, dst)
	if err != abi.EAGAIN {
		return n, err
	}
	q := f.awaited(c)
	if q == nil {
		return 0, err
	}
	err = c.Sleeper().Await(q, awaitRead, wait.Forever, func() (err error) {
		n, err = f.Read(c, dst)
		return err
	})
	return n, err
}

// BlockReadAt is BlockRead at offset off: pread(2).
func BlockReadAt(c Caller, f *File, dst Dest, off int64) (int, error) {
	n, err := f.ReadAt(c, dst, off)
	if err != abi.EAGAIN {
		return n, err
	}
	q := f.awaited(c)
	if q == nil {
		return 0, err
	}
	err = c.Sleeper().Await(q, awaitRead, wait.Forever, func() (err error) {
		n, err = f.ReadAt(c, dst, off)
		return err
	})
	return n, err
}

// BlockWriteAt writes at offset off: pwrite(2).
func BlockWriteAt(c Caller, f *File, src Source, off int64) (int, error) {
	n, err := f.WriteAt(c, src, off)
	if err != abi.EAGAIN {
		return n, err
	}
	q := f.awaited(c)
	if q == nil {
		return 0, err
	}
	err = c.Sleeper().Await(q, awaitWrite, wait.Forever, func() (err error) {
		n, err = f.WriteAt(c, src, off)
		return err
	})
	return n, err
}

// BlockWrite is f.Write for a thread that waits, unless O_NONBLOCK is set,
// until there is room. A write to a Stream that is no MessageStream goes on
// until all is written or there is an error; what has been written by then is
// what counts.
func BlockWrite(c Caller, f *File, src Source) (int, error) {
	n, err := f.Write(c, src)
	if err == nil && (f.can&goesOn == 0 || src.Len() == 0) || err != nil && err != abi.EAGAIN {
		return n, err
	}
	q := f.awaited(c)
	if q == nil {
		return n, err
	}
	total := n
	err = c.Sleeper().Await(q, awaitWrite, wait.Forever, func() error {
		for {
			n, err := f.Write(c, src)
			total += n
			switch {
			case err != nil:
				return err
			case f.can&goesOn == 0 || src.Len() == 0:
				return nil
			case n == 0:
				return abi.EAGAIN
			}
		}
	})
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// awaited returns the queue on which c is to wait for f, or nil.
func (f *File) awaited(c Caller) *wait.Queue {
	if f.Nonblocking() {
		return nil
	}
	return f.WaitQueueFor(c)
}

// AwaitReady waits, unless O_NONBLOCK is set (EAGAIN), until one of events
// holds for f, or a signal comes (ERESTARTSYS).
func AwaitReady(c Caller, f *File, events wait.Events) error {
	try := func() error {
		if f.Ready(events)&events == 0 {
			return abi.EAGAIN
		}
		return nil
	}
	if err := try(); err == nil || f.Nonblocking() {
		return err
	}
	q := f.WaitQueueFor(c)
	if q == nil {
		return nil
	}
	return c.Sleeper().Await(q, events, wait.Forever, try)
}
