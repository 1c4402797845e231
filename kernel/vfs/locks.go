package vfs

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// A lockState is the locks on one inode: those of flock(2), which files own,
// and the record locks of fcntl(2), which processes (their descriptor tables)
// or files own. The two kinds do not see each other.
type lockState struct {
	mu      sync.Mutex
	flocks  []flock      // guarded by mu
	records []recordLock // guarded by mu; by start, those of one owner do not overlap
	// freed is notified when a lock is given up or becomes weaker.
	freed wait.Queue
}

// maxLocks is how many locks there may be at once: ENOLCK.
const maxLocks = 65536

// lockCount counts all locks.
var lockCount atomic.Int64

// lockStateOf returns the locks of inode, made if need be.
func lockStateOf(inode Inode) (*lockState, error) {
	s := stateOf(inode)
	if s == nil {
		return nil, abi.ENOLCK
	}
	l := s.locks.Load()
	if l == nil {
		s.locks.CompareAndSwap(nil, new(lockState))
		l = s.locks.Load()
	}
	return l, nil
}

// block calls try until it does not answer EAGAIN, or a signal comes:
// ERESTARTSYS. With nowait it calls it once.
func (l *lockState) block(c Caller, nowait bool, try func() error) error {
	err := try()
	if err != abi.EAGAIN || nowait {
		return err
	}
	w := enqueue(c, &l.freed, wait.Readable)
	defer dequeue(&l.freed, w)
	for {
		if err = try(); err != abi.EAGAIN {
			return err
		}
		if err = w.Sleeper.Sleep(wait.Forever); err != nil {
			return err
		}
	}
}

// releaseFileLocks gives up the locks that f owns itself.
func releaseFileLocks(f *File) {
	s := stateOf(f.inode)
	if s == nil {
		return
	}
	if l := s.locks.Load(); l != nil {
		l.unflock(f)
		l.release(f)
	}
}

// ReleaseLocks gives up the record locks that owner has on inode: what closing
// any descriptor of the inode does.
func ReleaseLocks(owner any, inode Inode) {
	s := stateOf(inode)
	if s == nil {
		return
	}
	if l := s.locks.Load(); l != nil {
		l.release(owner)
	}
}

// A LockInfo is one line of /proc/locks.
type LockInfo struct {
	Kind       string // "FLOCK", "POSIX" or "OFDLCK"
	Write      bool
	PID        int32
	Start, End int64 // of a record lock; End is the last byte, or MaxInt64
}

// Locks calls visit for each lock on inode.
func Locks(inode Inode, visit func(LockInfo)) {
	s := stateOf(inode)
	if s == nil {
		return
	}
	l := s.locks.Load()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.flocks {
		visit(LockInfo{Kind: "FLOCK", Write: k.exclusive, PID: k.pid, End: lastByte})
	}
	for _, r := range l.records {
		kind := "POSIX"
		if r.ofd() {
			kind = "OFDLCK"
		}
		visit(LockInfo{kind, r.write, r.pid, r.start, r.end})
	}
}
