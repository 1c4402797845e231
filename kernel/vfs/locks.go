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
	flocks  flocks      // guarded by mu
	records recordLocks // guarded by mu
	// freed is notified when a lock is given up or becomes weaker.
	freed wait.Queue
	// releases counts the times that freed was notified.
	releases atomic.Uint64
}

// Heap that a lock takes, in bytes, rounded up.
const (
	recordLockMemory = 256
	flockMemory      = 128
)

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

// locksOf returns the locks of inode, nil if there never was one.
func locksOf(inode Inode) *lockState {
	if s := stateOf(inode); s != nil {
		return s.locks.Load()
	}
	return nil
}

// await calls try until it does not answer EAGAIN, or a signal comes:
// ERESTARTSYS. With nowait it calls it once.
func (l *lockState) await(c Caller, nowait bool, try func() error) error {
	if err := try(); err != abi.EAGAIN || nowait {
		return err
	}
	return c.Sleeper().Await(&l.freed, wait.Readable, wait.Forever, try)
}

// weakened tells those who wait that a lock is gone or weaker. The caller
// holds l.mu.
func (l *lockState) weakened() {
	l.releases.Add(1)
	l.freed.Notify(wait.Readable)
}

// releaseFileLocks gives up the locks that f owns itself.
func releaseFileLocks(f *File) {
	if l := locksOf(f.inode); l != nil {
		l.unflock(f)
		l.release(f)
	}
}

// A LockInfo is one line of /proc/locks.
type LockInfo struct {
	Kind       string // "FLOCK", "POSIX" or "OFDLCK"
	Write      bool
	PID        int32
	Start, End int64 // of a record lock; End is the last byte, or MaxInt64
}

// Locks calls visit for each lock on inode, which must not come back to its
// locks.
func Locks(inode Inode, visit func(LockInfo)) {
	l := locksOf(inode)
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.flocks.holders {
		info, _ := l.flocks.info(f)
		visit(info)
	}
	for _, t := range []*lockTree{&l.records.reads, &l.records.writes} {
		t.first(0, lastByte, func(r *recordLock) bool {
			visit(r.info())
			return false
		})
	}
}

// NextLock returns a lock that was taken through f and that the processes of t
// or f itself own: those are numbered from 0, the one of flock(2) before the
// record locks, with gaps, and it is the first from number from on. next is the
// number to go on with, negative after the last. It does not look far: found
// may be false though there are more.
func (t *FDTable) NextLock(f *File, from int) (info LockInfo, found bool, next int) {
	const look = 64
	l := locksOf(f.inode)
	if l == nil {
		return LockInfo{}, false, -1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if from == 0 {
		info, found = l.flocks.info(f)
		return info, found, 1
	}
	for next = from; next < from+look; next++ {
		r := l.records.ownedAt(next-1, t, f)
		if r == nil {
			return LockInfo{}, false, -1
		}
		if r.file == f {
			return r.info(), true, next + 1
		}
	}
	return LockInfo{}, false, next
}
