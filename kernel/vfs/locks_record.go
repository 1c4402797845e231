package vfs

import (
	"math"
	"slices"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// lastByte is the end of a lock that reaches to the end of the file, however
// far that moves.
const lastByte = math.MaxInt64

// A recordLock is a lock of fcntl(2) on the bytes from start to end.
type recordLock struct {
	owner      any // a *FDTable or, for open file description locks, a *File
	start, end int64
	write      bool
	pid        int32
}

func (r *recordLock) ofd() bool {
	_, ok := r.owner.(*File)
	return ok
}

func (r *recordLock) conflicts(s *recordLock) bool {
	return r.owner != s.owner && (r.write || s.write) && r.start <= s.end && s.start <= r.end
}

// SetLock takes, changes or gives up a record lock on f's inode: F_SETLK,
// F_SETLKW with wait, F_OFD_SETLK. owner is the descriptor table of the
// process, or f itself for an open file description lock; l.PID is the process
// that GetLock tells of. EAGAIN if another owner is in the way, EDEADLK if
// waiting for it would never end.
func SetLock(c Caller, f *File, owner any, l abi.Flock, wait bool) error {
	want, err := f.record(owner, &l)
	if err != nil {
		return err
	}
	switch l.Type {
	case abi.F_UNLCK:
	case abi.F_RDLCK:
		if !f.Readable() {
			return abi.EBADF
		}
	case abi.F_WRLCK:
		if !f.Writable() {
			return abi.EBADF
		}
	default:
		return abi.EINVAL
	}
	s, err := lockStateOf(f.inode)
	if err != nil {
		return err
	}
	if l.Type == abi.F_UNLCK {
		s.unlock(want)
		return nil
	}
	if owner == any(f) {
		f.locked.Store(true)
	}
	if wait {
		defer deadlocks.done(owner, s)
	}
	return s.block(c, !wait, func() error { return s.tryLock(want, wait) })
}

// GetLock returns a lock that keeps l from being taken, or l with type F_UNLCK:
// F_GETLK, F_OFD_GETLK.
func GetLock(f *File, owner any, l abi.Flock) (abi.Flock, error) {
	want, err := f.record(owner, &l)
	if err != nil {
		return l, err
	}
	if l.Type != abi.F_RDLCK && l.Type != abi.F_WRLCK {
		return l, abi.EINVAL
	}
	l.Type, l.PID = abi.F_UNLCK, 0
	s := stateOf(f.inode)
	if s == nil || s.locks.Load() == nil {
		return l, nil
	}
	ls := s.locks.Load()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	r := ls.inTheWay(&want)
	if r == nil {
		return l, nil
	}
	l = abi.Flock{Type: abi.F_RDLCK, Whence: abi.SEEK_SET, Start: r.start, PID: r.pid}
	if r.write {
		l.Type = abi.F_WRLCK
	}
	if r.end != lastByte {
		l.Len = r.end - r.start + 1
	}
	if r.ofd() {
		l.PID = -1
	}
	return l, nil
}

// record turns l into a lock by absolute offsets.
func (f *File) record(owner any, l *abi.Flock) (recordLock, error) {
	if f.IsPath() {
		return recordLock{}, abi.EBADF
	}
	start := l.Start
	base := int64(0)
	switch l.Whence {
	case abi.SEEK_SET:
	case abi.SEEK_CUR:
		base = f.Pos()
	case abi.SEEK_END:
		base = f.inode.Attr().Size
	default:
		return recordLock{}, abi.EINVAL
	}
	if start > math.MaxInt64-base {
		return recordLock{}, abi.EOVERFLOW
	}
	start += base
	end := int64(lastByte)
	switch {
	case l.Len > 0:
		if start > math.MaxInt64-(l.Len-1) {
			return recordLock{}, abi.EOVERFLOW
		}
		end = start + l.Len - 1
	case l.Len < 0:
		if l.Len == math.MinInt64 {
			return recordLock{}, abi.EINVAL
		}
		start, end = start+l.Len, start-1
	}
	if start < 0 || end < 0 {
		return recordLock{}, abi.EINVAL
	}
	return recordLock{owner, start, end, l.Type == abi.F_WRLCK, l.PID}, nil
}

// inTheWay returns a lock that conflicts with want. The caller holds s.mu.
func (s *lockState) inTheWay(want *recordLock) *recordLock {
	for i := range s.records {
		if s.records[i].conflicts(want) {
			return &s.records[i]
		}
	}
	return nil
}

// tryLock takes the lock, or answers EAGAIN; EDEADLK if the caller means to
// wait and must not.
func (s *lockState) tryLock(want recordLock, mayWait bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.inTheWay(&want); r != nil {
		if mayWait && !want.ofd() && !deadlocks.wait(want.owner, r.owner, s) {
			return abi.EDEADLK
		}
		return abi.EAGAIN
	}
	n := len(s.records)
	if lockCount.Load() >= maxLocks {
		return abi.ENOLCK
	}
	s.replace(want, true)
	lockCount.Add(int64(len(s.records) - n))
	s.freed.Notify(wait.Readable) // a write lock may have become a read lock
	return nil
}

// unlock gives up the owner's locks in the range of r.
func (s *lockState) unlock(r recordLock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.records)
	s.replace(r, false)
	lockCount.Add(int64(len(s.records) - n))
	s.freed.Notify(wait.Readable)
}

// release gives up all locks of owner.
func (s *lockState) release(owner any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.records)
	s.records = slices.DeleteFunc(s.records, func(r recordLock) bool { return r.owner == owner })
	if len(s.records) != n {
		lockCount.Add(int64(len(s.records) - n))
		s.freed.Notify(wait.Readable)
	}
}

// replace cuts the range of r out of its owner's locks and, if add is set, puts
// r there, joined with equal neighbours. The caller holds s.mu.
func (s *lockState) replace(r recordLock, add bool) {
	var out []recordLock
	for _, k := range s.records {
		if k.owner != r.owner {
			out = append(out, k)
			continue
		}
		if add && k.write == r.write && touches(k, r) {
			r.start, r.end = min(r.start, k.start), max(r.end, k.end)
			continue
		}
		if k.end < r.start || k.start > r.end {
			out = append(out, k)
			continue
		}
		if k.start < r.start {
			left := k
			left.end = r.start - 1
			out = append(out, left)
		}
		if k.end > r.end {
			right := k
			right.start = r.end + 1
			out = append(out, right)
		}
	}
	if add {
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b recordLock) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return 0
	})
	s.records = out
}

// touches reports whether a and b overlap or are neighbours.
func touches(a, b recordLock) bool {
	return (b.end == lastByte || a.start <= b.end+1) && (a.end == lastByte || b.start <= a.end+1)
}

// deadlocks knows which owner of record locks waits for which.
var deadlocks waitGraph

// A waitGraph is a list of those who wait for record locks.
type waitGraph struct {
	mu    sync.Mutex
	edges []waitEdge // guarded by mu
}

// A waitEdge says that one owner waits for another's lock on an inode.
type waitEdge struct {
	waiter, holder any
	on             *lockState
}

// wait notes that waiter waits for holder, unless holder waits, perhaps by way
// of others, for waiter. The caller holds on.mu.
func (g *waitGraph) wait(waiter, holder any, on *lockState) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(waiter, on)
	seen := map[any]bool{}
	if g.reaches(holder, waiter, seen) {
		return false
	}
	g.edges = append(g.edges, waitEdge{waiter, holder, on})
	return true
}

// reaches reports whether from waits for to. The caller holds g.mu.
func (g *waitGraph) reaches(from, to any, seen map[any]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, e := range g.edges {
		if e.waiter == from && g.reaches(e.holder, to, seen) {
			return true
		}
	}
	return false
}

// done notes that waiter no longer waits for a lock on an inode.
func (g *waitGraph) done(waiter any, on *lockState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(waiter, on)
}

func (g *waitGraph) remove(waiter any, on *lockState) {
	g.edges = slices.DeleteFunc(g.edges, func(e waitEdge) bool { return e.waiter == waiter && e.on == on })
}
