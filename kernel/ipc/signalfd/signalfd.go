// Package signalfd is a file that pending signals are read from: signalfd(2).
package signalfd

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// Signals are those pending for a thread and for its process.
type Signals interface {
	// DequeueSignal takes a pending signal of set. It never waits.
	DequeueSignal(set abi.Sigset) (abi.Siginfo, bool)
	// HasSignal reports whether a signal of set is pending.
	HasSignal(set abi.Sigset) bool
	// SignalQueue is notified when a signal becomes pending.
	SignalQueue() *wait.Queue
}

// A descriptor yields the signals of whoever reads it. To those who do not say
// who they are, such as an epoll instance, it is ready when its maker has
// signals.
type descriptor struct {
	vfs.NoFile
	vfs.IsStreamFile
	maker   Signals
	account *kmem.Account // is charged for maker
	set     atomic.Uint64 // the abi.Sigset
}

// makerMemory is what a thread and its process leave on the heap, in bytes,
// rounded up, when they have ended and a file still knows them.
const makerMemory = 4096

// New returns an open file that yields the signals of set. flags are
// SFD_NONBLOCK and SFD_CLOEXEC; others are refused with EINVAL. ENFILE if there
// are too many files, ENOMEM for lack of memory.
func New(c vfs.Caller, maker Signals, set abi.Sigset, flags int) (*vfs.File, error) {
	if flags&^(abi.SFD_NONBLOCK|abi.SFD_CLOEXEC) != 0 {
		return nil, abi.EINVAL
	}
	d := &descriptor{maker: maker, account: c.Cred().Account}
	d.set.Store(uint64(set &^ abi.Unblockable))
	if err := d.account.Charge(makerMemory); err != nil {
		return nil, err
	}
	f, err := vfs.NewAnonFile(c, "signalfd", d, abi.O_RDWR|flags&abi.SFD_NONBLOCK)
	if err != nil {
		d.account.Uncharge(makerMemory)
	}
	return f, err
}

// Release implements vfs.FileOps.
func (d *descriptor) Release(*vfs.File) { d.account.Uncharge(makerMemory) }

// KernelMemory implements vfs.MemoryUser.
func (d *descriptor) KernelMemory() int64 { return makerMemory }

// SetMask changes the set of f on behalf of c. It fails with EINVAL if f is no
// signalfd.
func SetMask(c Signals, f *vfs.File, set abi.Sigset) error {
	d, ok := f.Ops().(*descriptor)
	if !ok {
		return abi.EINVAL
	}
	d.set.Store(uint64(set &^ abi.Unblockable))
	d.maker.SignalQueue().Notify(wait.Readable)
	if c != d.maker {
		c.SignalQueue().Notify(wait.Readable)
	}
	return nil
}

func (d *descriptor) mask() abi.Sigset { return abi.Sigset(d.set.Load()) }

// of returns c's signals, or the maker's if c is no thread.
func (d *descriptor) of(c vfs.Caller) Signals {
	if s, ok := c.(Signals); ok {
		return s
	}
	return d.maker
}

// Read takes as many of c's signals as dst has room for.
func (d *descriptor) Read(c vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	if dst.Len() < abi.SizeofSignalfdSiginfo {
		return 0, abi.EINVAL
	}
	s, total := d.of(c), 0
	for dst.Len() >= abi.SizeofSignalfdSiginfo {
		info, ok := s.DequeueSignal(d.mask())
		if !ok {
			break
		}
		var b [abi.SizeofSignalfdSiginfo]byte
		info.MarshalSignalfd(b[:])
		if _, err := dst.Write(b[:]); err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
		total += len(b)
	}
	if total == 0 {
		return 0, abi.EAGAIN
	}
	return total, nil
}

// Ready implements poll(2) for the maker.
func (d *descriptor) Ready(mask wait.Events) wait.Events { return d.ready(d.maker, mask) }

// ReadyFor implements poll(2) for c.
func (d *descriptor) ReadyFor(c vfs.Caller, mask wait.Events) wait.Events {
	return d.ready(d.of(c), mask)
}

func (d *descriptor) ready(s Signals, mask wait.Events) wait.Events {
	if !s.HasSignal(d.mask()) {
		return 0
	}
	return wait.In & mask
}

// FDInfo tells the set: proc_pid_fdinfo(5).
func (d *descriptor) FDInfo(pos int64, w *bytes.Buffer, more func(next int64) bool) {
	if pos == 0 {
		fmt.Fprintf(w, "sigmask:\t%016x\n", uint64(d.mask()))
		more(1)
	}
}

// WaitQueue returns the queue of the maker.
func (d *descriptor) WaitQueue() *wait.Queue { return d.maker.SignalQueue() }

// WaitQueueFor returns the queue of c.
func (d *descriptor) WaitQueueFor(c vfs.Caller) *wait.Queue { return d.of(c).SignalQueue() }
