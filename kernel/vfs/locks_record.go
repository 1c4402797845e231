package vfs

import (
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// lastByte is the end of a lock that reaches to the end of the file, however
// far that moves.
const lastByte = math.MaxInt64

// A recordLock is a lock of fcntl(2) on the bytes from start to end. While it
// is in the trees it does not change.
type recordLock struct {
	owner      lockOwner
	file       *File // through which it was taken; to be compared only
	start, end int64
	write      bool
	pid        int32
	account    *kmem.Account // which is charged for it
	id         uint64        // tells it from others; set when it is added

	inFile  lockNode // its place in recordLocks.reads or writes
	inOwner lockNode // its place in recordLocks.owners
}

// A lockOwner is whose record locks do not conflict: a *FDTable, which stands
// for the processes that use it, or for open file description locks a *File.
type lockOwner any

func (r *recordLock) ofd() bool {
	_, ok := r.owner.(*File)
	return ok
}

// info describes the lock.
func (r *recordLock) info() LockInfo {
	kind := "POSIX"
	if r.ofd() {
		kind = "OFDLCK"
	}
	return LockInfo{kind, r.write, r.pid, r.start, r.end}
}

// recordLocks are the record locks on an inode. Those of one owner do not
// overlap, and write locks overlap with nothing.
type recordLocks struct {
	reads, writes lockTree
	owners        map[lockOwner]*lockTree
	lastID        uint64
}

// SetLock takes, changes or gives up an open file description lock on f's
// inode: F_OFD_SETLK, F_OFD_SETLKW if wait is set. EAGAIN if another owner is
// in the way.
func (f *File) SetLock(c Caller, l abi.Flock, wait bool) error {
	if l.PID != 0 {
		return abi.EINVAL
	}
	l.PID = -1
	return f.setLock(c, f, l, wait)
}

// GetLock returns a lock that keeps f from taking l, or l with type F_UNLCK:
// F_OFD_GETLK.
func (f *File) GetLock(l abi.Flock) (abi.Flock, error) {
	if l.PID != 0 {
		return l, abi.EINVAL
	}
	return f.getLock(f, l)
}

// SetLock takes, changes or gives up a record lock on the inode of f, which
// descriptor fd was found to be: F_SETLK, F_SETLKW if wait is set. l.PID is
// the process that GetLock tells of. EAGAIN if another owner is in the way,
// EDEADLK if waiting for it would never end.
//
// Closing any descriptor of the inode gives up the process's locks on it. If
// another thread has closed fd meanwhile, that may have been before the lock
// was there, so the lock is given up here: EBADF.
func (t *FDTable) SetLock(c Caller, fd int, f *File, l abi.Flock, wait bool) error {
	err := f.setLock(c, t, l, wait)
	if err == nil && l.Type != abi.F_UNLCK && !t.is(fd, f) {
		l.Type = abi.F_UNLCK
		f.setLock(c, t, l, false)
		return abi.EBADF
	}
	return err
}

// GetLock returns a lock that keeps the processes of t from taking l on the
// inode of f, or l with type F_UNLCK: F_GETLK.
func (t *FDTable) GetLock(f *File, l abi.Flock) (abi.Flock, error) { return f.getLock(t, l) }

// releaseLocks gives up the record locks of t on an inode: what closing any
// descriptor of it does.
func (t *FDTable) releaseLocks(inode Inode) {
	if l := locksOf(inode); l != nil {
		l.release(t)
	}
}

func (f *File) setLock(c Caller, owner lockOwner, l abi.Flock, wait bool) error {
	want, err := f.record(owner, &l)
	if err != nil {
		return err
	}
	want.account = c.Cred().Account
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
		return s.unlock(want)
	}
	if owner == lockOwner(f) {
		f.locked.Store(true)
	}
	if !wait || want.ofd() {
		return s.await(c, !wait, func() error { return s.tryLock(want, nil) })
	}
	e := &waitEdge{waiter: owner, on: s}
	defer deadlocks.remove(e)
	return s.await(c, false, func() error { return s.tryLock(want, e) })
}

func (f *File) getLock(owner lockOwner, l abi.Flock) (abi.Flock, error) {
	if l.Type != abi.F_RDLCK && l.Type != abi.F_WRLCK {
		return l, abi.EINVAL
	}
	want, err := f.record(owner, &l)
	if err != nil {
		return l, err
	}
	none := l
	none.Type = abi.F_UNLCK
	s := locksOf(f.inode)
	if s == nil {
		return none, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records.inTheWay(&want)
	if r == nil {
		return none, nil
	}
	l = abi.Flock{Type: abi.F_RDLCK, Whence: abi.SEEK_SET, Start: r.start, PID: r.pid}
	if r.write {
		l.Type = abi.F_WRLCK
	}
	if r.end != lastByte {
		l.Len = r.end - r.start + 1
	}
	return l, nil
}

// record turns l into a lock by absolute offsets.
func (f *File) record(owner lockOwner, l *abi.Flock) (recordLock, error) {
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
	case start < 0:
		return recordLock{}, abi.EINVAL
	case l.Len > 0:
		if start > math.MaxInt64-(l.Len-1) {
			return recordLock{}, abi.EOVERFLOW
		}
		end = start + l.Len - 1
	case l.Len < 0:
		if start+l.Len < 0 {
			return recordLock{}, abi.EINVAL
		}
		start, end = start+l.Len, start-1
	}
	return recordLock{owner: owner, file: f, start: start, end: end, write: l.Type == abi.F_WRLCK, pid: l.PID}, nil
}

// tryLock takes the lock, or answers EAGAIN. If e is not nil the caller means
// to wait, which e tells the others: EDEADLK if it must not.
func (s *lockState) tryLock(want recordLock, e *waitEdge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records.inTheWay(&want); r != nil {
		if e != nil && !deadlocks.wait(e, r.owner) {
			return abi.EDEADLK
		}
		return abi.EAGAIN
	}
	return s.replace(&want, true)
}

// unlock gives up the owner's locks in the range of r: ENOLCK if there is no
// memory for what is left of a lock on both sides.
func (s *lockState) unlock(r recordLock) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace(&r, false)
}

// release gives up all locks of owner.
func (s *lockState) release(owner lockOwner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records.owners[owner] != nil {
		s.replace(&recordLock{owner: owner, end: lastByte}, false)
	}
}

// replace cuts the range of r out of its owner's locks and, if add is set, puts
// r there, joined with equal neighbours. The caller holds s.mu.
func (s *lockState) replace(r *recordLock, add bool) error {
	var old, parts []*recordLock
	merged := *r
	joined := false
	s.records.own(r, func(k *recordLock) {
		switch {
		case add && k.write == r.write:
			if !joined { // the first one grows, as Linux has it
				merged.file, joined = k.file, true
			}
			merged.start, merged.end = min(merged.start, k.start), max(merged.end, k.end)
		case k.end < r.start || k.start > r.end:
			return // a neighbour
		}
		old = append(old, k)
		if add && k.write == r.write {
			return
		}
		if k.start < r.start {
			parts = append(parts, k.part(k.start, r.start-1))
		}
		if k.end > r.end {
			parts = append(parts, k.part(r.end+1, k.end))
		}
	})
	if add {
		parts = append(parts, &merged)
	}
	if err := recharge(old, parts); err != nil {
		return err
	}
	weaker := false
	for _, k := range old {
		s.records.remove(k)
		weaker = weaker || !add || k.write && !r.write
	}
	for _, k := range parts {
		s.records.add(k)
	}
	if weaker {
		s.weakened()
	}
	return nil
}

// recharge charges the locks that take the place of old ones. What those were
// charged goes over to the first: less is never refused. ENOLCK.
func recharge(old, parts []*recordLock) error {
	n := min(len(old), len(parts))
	for i, k := range parts[n:] {
		if k.account.Charge(recordLockMemory) != nil {
			for _, k := range parts[n:][:i] {
				k.account.Uncharge(recordLockMemory)
			}
			return abi.ENOLCK
		}
	}
	for i := range n {
		parts[i].account = old[i].account
	}
	for _, k := range old[n:] {
		k.account.Uncharge(recordLockMemory)
	}
	return nil
}

// part returns a lock like r on other bytes.
func (r *recordLock) part(start, end int64) *recordLock {
	return &recordLock{owner: r.owner, file: r.file, start: start, end: end, write: r.write, pid: r.pid, account: r.account}
}

// inTheWay returns the first lock that conflicts with want, or nil.
func (s *recordLocks) inTheWay(want *recordLock) *recordLock {
	foreign := func(r *recordLock) bool { return r.owner != want.owner }
	r := s.writes.first(want.start, want.end, foreign)
	if want.write {
		if q := s.reads.first(want.start, want.end, foreign); q != nil && (r == nil || q.before(r)) {
			return q
		}
	}
	return r
}

// own calls visit for each lock of r's owner that overlaps with r or is its
// neighbour.
func (s *recordLocks) own(r *recordLock, visit func(*recordLock)) {
	t := s.owners[r.owner]
	if t == nil {
		return
	}
	start, end := max(r.start-1, 0), r.end
	if end != lastByte {
		end++
	}
	t.first(start, end, func(k *recordLock) bool {
		visit(k)
		return false
	})
}

// ownedAt returns lock i of those that the owners have, one owner's after the
// other's, or nil if they have fewer.
func (s *recordLocks) ownedAt(i int, owners ...lockOwner) *recordLock {
	for _, o := range owners {
		t := s.owners[o]
		if t == nil {
			continue
		}
		if i < t.len() {
			return t.at(i)
		}
		i -= t.len()
	}
	return nil
}

// tree returns the tree of all owners' locks that r belongs into.
func (s *recordLocks) tree(r *recordLock) *lockTree {
	if r.write {
		return &s.writes
	}
	return &s.reads
}

func (s *recordLocks) add(r *recordLock) {
	s.lastID++
	r.id = s.lastID
	r.inFile.lock, r.inOwner.lock = r, r
	s.tree(r).insert(&r.inFile)
	t := s.owners[r.owner]
	if t == nil {
		if s.owners == nil {
			s.owners = make(map[lockOwner]*lockTree)
		}
		t = new(lockTree)
		s.owners[r.owner] = t
	}
	t.insert(&r.inOwner)
}

func (s *recordLocks) remove(r *recordLock) {
	s.tree(r).remove(&r.inFile)
	t := s.owners[r.owner]
	t.remove(&r.inOwner)
	if t.root != nil {
		return
	}
	if delete(s.owners, r.owner); len(s.owners) == 0 {
		s.owners = nil // a map never shrinks
	}
}
