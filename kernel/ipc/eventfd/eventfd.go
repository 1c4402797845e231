// Package eventfd is a counter that a thread can wait for: eventfd(2).
package eventfd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// maximum is the largest value of the counter.
const maximum = math.MaxUint64 - 1

type counter struct {
	vfs.NoFile
	vfs.IsMessageFile
	file      *vfs.File
	semaphore bool // a read takes 1, not all
	queue     wait.Queue

	mu sync.Mutex
	n  uint64 // guarded by mu
}

// New returns an open file that counts from initial. flags are
// EFD_SEMAPHORE, EFD_NONBLOCK and EFD_CLOEXEC; others are refused with EINVAL.
// ENFILE if there are too many files.
func New(caller vfs.Caller, initial uint32, flags int) (*vfs.File, error) {
	if flags&^(abi.EFD_SEMAPHORE|abi.EFD_NONBLOCK|abi.EFD_CLOEXEC) != 0 {
		return nil, abi.EINVAL
	}
	c := &counter{semaphore: flags&abi.EFD_SEMAPHORE != 0, n: uint64(initial)}
	f, err := vfs.NewAnonFile(caller, "eventfd", c, abi.O_RDWR|flags&abi.EFD_NONBLOCK)
	c.file = f
	return f, err
}

// Read takes the count, which must not be 0.
func (c *counter) Read(_ vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	if dst.Len() < 8 {
		return 0, abi.EINVAL
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		return 0, abi.EAGAIN
	}
	taken := c.n
	if c.semaphore {
		taken = 1
	}
	c.n -= taken
	c.queue.Notify(wait.Writable)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], taken)
	return dst.Write(b[:])
}

// Write adds the value of the first 8 bytes to the count. If the sum would be
// too large it waits here, unless O_NONBLOCK is set: the value has been taken
// from src.
func (c *counter) Write(caller vfs.Caller, src vfs.Source, _ int64) (int, error) {
	if src.Len() < 8 {
		return 0, abi.EINVAL
	}
	var b [8]byte
	if _, err := src.Read(b[:]); err != nil {
		return 0, err
	}
	v := binary.LittleEndian.Uint64(b[:])
	switch {
	case v == math.MaxUint64:
		return 0, abi.EINVAL
	case c.add(v):
		return 8, nil
	case c.file.Nonblocking():
		return 0, abi.EAGAIN
	}
	err := caller.Sleeper().Await(&c.queue, wait.Writable, wait.Forever, func() error {
		if !c.add(v) {
			return abi.EAGAIN
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return 8, nil
}

// add adds v to the count if the sum is not too large.
func (c *counter) add(v uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v > maximum-c.n {
		return false
	}
	c.n += v
	c.queue.Notify(wait.Readable)
	return true
}

// Ready implements poll(2).
func (c *counter) Ready(mask wait.Events) wait.Events {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ev wait.Events
	if c.n > 0 {
		ev |= wait.Readable
	}
	if c.n < maximum {
		ev |= wait.Writable
	}
	return ev & (mask | wait.Always)
}

// FDInfo tells the count: proc_pid_fdinfo(5).
func (c *counter) FDInfo(pos int64, w *bytes.Buffer, more func(next int64) bool) {
	if pos == 0 {
		fmt.Fprintf(w, "eventfd-count: %16x\n", c.count())
		more(1)
	}
}

func (c *counter) count() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// WaitQueue returns the counter's queue.
func (c *counter) WaitQueue() *wait.Queue { return &c.queue }
