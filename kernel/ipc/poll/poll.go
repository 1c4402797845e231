// Package poll waits for several files at once: poll(2) and select(2).
package poll

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A watch is one file that is waited for.
type watch struct {
	waiter wait.Waiter
	file   *vfs.File
	queue  *wait.Queue // nil while not registered
	events wait.Events
	ready  wait.Events // of the last scan; for select
}

// WatchMemory is what waiting for one file takes of the heap, in bytes, rounded
// up: who asks for many holds that much (vfs.HoldMemory).
const WatchMemory = 128

// A set is the files of one call. Its memory is used again.
type set struct{ watches []watch }

var sets = sync.Pool{New: func() any { return new(set) }}

// newSet returns a set with n watches.
func newSet(n int) *set {
	s := sets.Get().(*set)
	if cap(s.watches) < n {
		s.watches = make([]watch, n)
	}
	s.watches = s.watches[:n]
	return s
}

// maxKept is the size of the largest set whose memory is kept.
const maxKept = 256

func (s *set) release() {
	for i := range s.watches {
		w := &s.watches[i]
		if w.queue != nil {
			w.queue.Unregister(&w.waiter)
		}
		if w.file != nil {
			w.file.Put()
		}
		*w = watch{}
	}
	if cap(s.watches) <= maxKept {
		sets.Put(s)
	}
}

// register makes c be woken when a file of s becomes ready.
func (s *set) register(c vfs.Caller) {
	for i := range s.watches {
		w := &s.watches[i]
		if w.file == nil {
			continue
		}
		if w.queue = w.file.WaitQueueFor(c); w.queue != nil {
			w.waiter.Sleeper = c.Sleeper()
			w.queue.Register(&w.waiter, w.events)
		}
	}
}

// await calls scan, which counts what is ready, until the count is not 0 or
// deadline has passed. Only then does it make the thread wait on the files.
func (s *set) await(c vfs.Caller, deadline int64, scan func() int) (int, error) {
	if n := scan(); n > 0 || deadline != wait.Forever && deadline <= ktime.Mono() {
		return n, nil
	}
	return s.wait(c, deadline, scan)
}

// wait is await for those who have looked already.
func (s *set) wait(c vfs.Caller, deadline int64, scan func() int) (int, error) {
	s.register(c)
	sleeper := c.Sleeper()
	for {
		if n := scan(); n > 0 {
			return n, nil
		}
		switch err := sleeper.Sleep(deadline); err {
		case nil:
		case abi.ETIMEDOUT:
			return scan(), nil
		default:
			return 0, err
		}
	}
}

// Wait waits until one of fds is ready, and returns how many are; the answer
// is in Revents. deadline is of ktime.Mono; when it has passed the count is 0.
// The error is ERESTARTSYS: poll(2), unlike ppoll(2), is never restarted after
// a handler, which is for the caller to say. It is for those who have seen by
// Look that nothing is ready yet.
func Wait(c vfs.Caller, table *vfs.FDTable, fds []abi.PollFd, deadline int64) (int, error) {
	s := newSet(len(fds))
	defer s.release()
	for i := range fds {
		w := &s.watches[i]
		if fds[i].FD >= 0 {
			w.file, _ = table.GetIO(int(fds[i].FD))
		}
		w.events = eventsOf(fds[i].Events)
	}
	return s.wait(c, deadline, func() int { return s.poll(c, fds) })
}

// Look returns the Revents for a descriptor as they are now.
func Look(c vfs.Caller, table *vfs.FDTable, fd int32, events int16) int16 {
	if fd < 0 {
		return 0
	}
	f, _ := table.GetIO(int(fd))
	r := revents(c, f, eventsOf(events))
	if f != nil {
		f.Put()
	}
	return r
}

// eventsOf returns what Events ask for, and what is told unasked.
func eventsOf(events int16) wait.Events { return wait.Events(uint16(events)) | wait.Always }

// revents returns what of events f is ready for; f is nil if there is none.
func revents(c vfs.Caller, f *vfs.File, events wait.Events) int16 {
	if f == nil {
		return abi.POLLNVAL
	}
	return int16(f.ReadyFor(c, events) & events)
}

// poll sets the Revents and counts those that are not 0.
func (s *set) poll(c vfs.Caller, fds []abi.PollFd) int {
	n := 0
	for i := range fds {
		w, p := &s.watches[i], &fds[i]
		if p.Revents = 0; p.FD < 0 {
			continue
		}
		if p.Revents = revents(c, w.file, w.events); p.Revents != 0 {
			n++
		}
	}
	return n
}
