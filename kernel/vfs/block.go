package vfs

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// waiters keeps Waiters that are not in use, so that blocking allocates
// nothing.
var waiters = sync.Pool{New: func() any { return new(wait.Waiter) }}

// BlockRead is f.Read for a thread that waits, unless O_NONBLOCK is set, until
// there is something to read, the file ends, or a signal comes (ERESTARTSYS).
func BlockRead(c Caller, f *File, dst Dest) (int, error) {
	n, err := f.Read(c, dst)
	if err != abi.EAGAIN || f.Nonblocking() {
		return n, err
	}
	q := f.WaitQueueFor(c)
	if q == nil {
		return n, err
	}
	w := enqueue(c, q, wait.Readable|wait.RdHup)
	defer dequeue(q, w)
	for {
		if n, err = f.Read(c, dst); err != abi.EAGAIN {
			return n, err
		}
		if err = w.Sleeper.Sleep(wait.Forever); err != nil {
			return 0, err
		}
	}
}

// BlockWrite is f.Write for a thread that waits, unless O_NONBLOCK is set,
// until there is room. A write to a Stream goes on until all is written or
// there is an error; what has been written by then is what counts.
func BlockWrite(c Caller, f *File, src Source) (int, error) {
	total, err := f.Write(c, src)
	if !f.unfinished(src, err) {
		return total, err
	}
	q := f.WaitQueue()
	if q == nil {
		return total, err
	}
	w := enqueue(c, q, wait.Writable)
	defer dequeue(q, w)
	for {
		var n int
		n, err = f.Write(c, src)
		total += n
		if !f.unfinished(src, err) {
			break
		}
		if err == nil && n > 0 {
			continue
		}
		if err = w.Sleeper.Sleep(wait.Forever); err != nil {
			break
		}
	}
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// unfinished reports whether a write that has ended with err is to be tried
// again when there is room.
func (f *File) unfinished(src Source, err error) bool {
	if f.Nonblocking() {
		return false
	}
	return err == abi.EAGAIN || err == nil && f.IsStream() && src.Len() > 0
}

// enqueue registers c's sleeper on q.
func enqueue(c Caller, q *wait.Queue, mask wait.Events) *wait.Waiter {
	w := waiters.Get().(*wait.Waiter)
	w.Sleeper = c.Sleeper()
	q.Register(w, mask)
	return w
}

func dequeue(q *wait.Queue, w *wait.Waiter) {
	q.Unregister(w)
	w.Sleeper = nil
	waiters.Put(w)
}
