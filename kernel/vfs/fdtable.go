package vfs

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// An FDTable is the file descriptors that processes share with CLONE_FILES. It
// is reference-counted. It owns the record locks of its processes.
type FDTable struct {
	refs    atomic.Int64
	account *kmem.Account // which is charged for it
	// slots is read without a lock; it grows by being replaced. Entries
	// change with mu held.
	slots atomic.Pointer[[]slot]

	mu sync.Mutex
	// taken and cloexec have a bit for each slot. A descriptor is taken from
	// when it is reserved until it is closed. Guarded by mu.
	taken, cloexec []uint64
	next           int // no lower descriptor is free; guarded by mu
	limit          int // RLIMIT_NOFILE; guarded by mu

	nextDropped *FDTable // in a DroppedTables
}

// A slot is one descriptor's file; nil if it is closed.
type slot struct{ file atomic.Pointer[File] }

// firstSlots is how many descriptors a new table has room for; a power of two
// and a multiple of 64.
const firstSlots = 64

// MaxFDs is the most descriptors a table can have, whatever its limit.
const MaxFDs = 1 << 20

// NewFDTable returns an empty table with one reference and the limit 1024, for
// the kernel itself: nobody is refused it.
func NewFDTable() *FDTable {
	var account *kmem.Account
	account.ChargeAnyway(tableMemory + firstSlots*slotMemory)
	return newFDTable(account, firstSlots, 1024)
}

// newFDTable makes a table with n slots that has been charged to account.
func newFDTable(account *kmem.Account, n, limit int) *FDTable {
	bits := make([]uint64, 2*n/64)
	t := &FDTable{account: account, limit: limit, taken: bits[: n/64 : n/64], cloexec: bits[n/64:]}
	t.refs.Store(1)
	s := make([]slot, n)
	t.slots.Store(&s)
	return t
}

// Ref takes a reference.
func (t *FDTable) Ref() { t.refs.Add(1) }

// Unref drops a reference and with the last one closes everything.
func (t *FDTable) Unref() {
	if t.refs.Add(-1) == 0 {
		t.end()
	}
}

func (t *FDTable) end() {
	defer t.uncharge() // even if closing panics
	t.CloseAll()
}

// DroppedTables are tables whose last reference was dropped under a lock under
// which no file can be closed. The zero value is empty; it takes no memory, and its
// owner serialises its use.
type DroppedTables struct{ first *FDTable }

// Unref drops a reference on t. If it was the last, the rest is left to Release.
func (d *DroppedTables) Unref(t *FDTable) {
	if t.refs.Add(-1) == 0 {
		t.nextDropped, d.first = d.first, t
	}
}

// Release closes everything in the tables, as Unref does, and leaves d empty.
func (d *DroppedTables) Release() {
	t := d.first
	if t == nil {
		return
	}
	d.first, t.nextDropped = t.nextDropped, nil
	defer d.Release() // even if closing panics
	t.end()
}

func (t *FDTable) uncharge() {
	t.account.Uncharge(tableMemory + int64(t.Size())*slotMemory)
}

// Shared reports whether more than one reference exists.
func (t *FDTable) Shared() bool { return t.refs.Load() > 1 }

// Size returns how many descriptors there is room for without growing; none at
// or above it is open.
func (t *FDTable) Size() int { return len(*t.slots.Load()) }

// SetLimit sets how high descriptors may be: RLIMIT_NOFILE. Those that are
// open stay.
func (t *FDTable) SetLimit(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = min(n, MaxFDs)
}

// Get returns the file of a descriptor with a reference for the caller: EBADF.
func (t *FDTable) Get(fd int) (*File, error) {
	for {
		p := t.slots.Load()
		s := *p
		if uint(fd) >= uint(len(s)) {
			return nil, abi.EBADF
		}
		f := s[fd].file.Load()
		if f == nil {
			if t.slots.Load() == p {
				return nil, abi.EBADF
			}
			continue
		}
		if f.tryGet() {
			if s[fd].file.Load() == f && t.slots.Load() == p {
				return f, nil
			}
			f.Put()
		}
	}
}

// GetIO is Get for what is done with the file itself rather than with its
// place: a file opened with O_PATH is none, EBADF.
func (t *FDTable) GetIO(fd int) (*File, error) {
	f, err := t.Get(fd)
	if err == nil && f.IsPath() {
		f.Put()
		return nil, abi.EBADF
	}
	return f, err
}

// Install gives f the lowest free descriptor that is at least minfd, and takes
// over the caller's reference unless it fails: EMFILE, or ENOMEM if the table
// cannot grow.
func (t *FDTable) Install(f *File, minfd int, cloexec bool) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fd, err := t.take(minfd)
	if err == nil {
		t.set(fd, f, cloexec)
	}
	return fd, err
}

// Reserve takes the lowest free descriptor that is at least minfd: EMFILE,
// ENOMEM. Until Fill or Cancel it is nobody's: closed to all who ask, but not free. So
// a call that tells the number by way of memory does that first.
func (t *FDTable) Reserve(minfd int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.take(minfd)
}

// Fill makes f the file of a reserved descriptor, and takes over the caller's
// reference.
func (t *FDTable) Fill(fd int, f *File, cloexec bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(fd, f, cloexec)
}

// Cancel gives back a reserved descriptor.
func (t *FDTable) Cancel(fd int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(fd, nil, false)
}

// take takes a descriptor. The caller holds t.mu.
func (t *FDTable) take(minfd int) (int, error) {
	fd := firstZero(t.taken, max(minfd, t.next))
	if fd >= t.limit {
		return -1, abi.EMFILE
	}
	if fd >= len(t.taken)*64 {
		if err := t.grow(fd); err != nil {
			return -1, err
		}
	}
	if minfd <= t.next {
		t.next = fd + 1
	}
	t.taken[uint(fd)/64] |= 1 << (uint(fd) % 64)
	return fd, nil
}

// firstZero returns the first bit of set from the one given on that is 0;
// those behind its end are.
func firstZero(set []uint64, from int) int {
	skip := uint(from) % 64
	for w := uint(from) / 64; w < uint(len(set)); w++ {
		if free := ^set[w] >> skip << skip; free != 0 {
			return int(w)*64 + bits.TrailingZeros64(free)
		}
		skip = 0
	}
	return max(from, len(set)*64)
}

// grow makes room for descriptor fd: ENOMEM. The caller holds t.mu.
func (t *FDTable) grow(fd int) error {
	old := *t.slots.Load()
	if fd < len(old) {
		return nil
	}
	n := len(old)
	for n <= fd {
		n *= 2
	}
	if err := t.account.Charge(int64(n-len(old)) * slotMemory); err != nil {
		return err
	}
	s := make([]slot, n)
	for i := range old {
		s[i].file.Store(old[i].file.Load())
	}
	t.taken = append(t.taken, make([]uint64, n/64-len(t.taken))...)
	t.cloexec = append(t.cloexec, make([]uint64, n/64-len(t.cloexec))...)
	t.slots.Store(&s)
	return nil
}

// set puts f, or nil to make the descriptor free, into the slot fd. The caller
// holds t.mu.
func (t *FDTable) set(fd int, f *File, cloexec bool) (old *File) {
	old = (*t.slots.Load())[fd].file.Swap(f)
	word, bit := uint(fd)/64, uint64(1)<<(uint(fd)%64)
	if cloexec {
		t.cloexec[word] |= bit
	} else {
		t.cloexec[word] &^= bit
	}
	if f != nil {
		t.taken[word] |= bit
		return old
	}
	t.taken[word] &^= bit
	t.next = min(t.next, fd)
	return old
}

// at returns the file of a descriptor without a reference, or nil. The caller
// holds t.mu.
func (t *FDTable) at(fd int) *File {
	s := *t.slots.Load()
	if uint(fd) >= uint(len(s)) {
		return nil
	}
	return s[fd].file.Load()
}

// is reports whether descriptor fd is f.
func (t *FDTable) is(fd int, f *File) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at(fd) == f
}

// closed ends a descriptor's hold on f.
func (t *FDTable) closed(f *File) {
	if f == nil {
		return
	}
	if !f.IsPath() {
		t.releaseLocks(f.inode)
	}
	f.Put()
}

// Dup2 makes newfd another descriptor of oldfd's file, closing what it was:
// dup3(2). The two must differ; EBUSY if newfd is reserved.
func (t *FDTable) Dup2(oldfd, newfd int, cloexec bool) error {
	old, err := func() (*File, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		f := t.at(oldfd)
		if f == nil || newfd < 0 || newfd >= t.limit {
			return nil, abi.EBADF
		}
		if oldfd == newfd {
			return nil, abi.EINVAL
		}
		if err := t.grow(newfd); err != nil {
			return nil, err
		}
		if t.at(newfd) == nil && t.taken[newfd/64]>>(newfd%64)&1 != 0 {
			return nil, abi.EBUSY
		}
		f.Get()
		return t.set(newfd, f, cloexec), nil
	}()
	t.closed(old)
	return err
}

// Close closes a descriptor.
func (t *FDTable) Close(fd int) error {
	t.mu.Lock()
	f := t.at(fd)
	if f != nil {
		t.set(fd, nil, false)
	}
	t.mu.Unlock()
	if f == nil {
		return abi.EBADF
	}
	t.closed(f)
	return nil
}

// Flags returns FD_CLOEXEC or 0: F_GETFD.
func (t *FDTable) Flags(fd int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at(fd) == nil {
		return 0, abi.EBADF
	}
	return int(t.cloexec[fd/64] >> (fd % 64) & 1 * abi.FD_CLOEXEC), nil
}

// SetFlags sets FD_CLOEXEC as in flags: F_SETFD.
func (t *FDTable) SetFlags(fd, flags int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.at(fd)
	if f == nil {
		return abi.EBADF
	}
	t.set(fd, f, flags&abi.FD_CLOEXEC != 0)
	return nil
}

// CloseRange closes the descriptors from first to last, or marks them
// close-on-exec: close_range(2).
func (t *FDTable) CloseRange(first, last uint, cloexec bool) error {
	if first > last {
		return abi.EINVAL
	}
	for fd := first; fd <= last; fd++ {
		if fd >= uint(len(*t.slots.Load())) {
			break
		}
		if cloexec {
			t.SetFlags(int(fd), abi.FD_CLOEXEC)
		} else {
			t.Close(int(fd))
		}
	}
	return nil
}

// CloseOnExec closes the descriptors that execve(2) does not keep.
func (t *FDTable) CloseOnExec() {
	for fd := 0; ; fd++ {
		t.mu.Lock()
		if fd%64 == 0 {
			for fd/64 < len(t.cloexec) && t.cloexec[fd/64] == 0 {
				fd += 64
			}
		}
		if fd/64 >= len(t.cloexec) {
			t.mu.Unlock()
			return
		}
		var f *File
		if t.cloexec[fd/64]>>(fd%64)&1 != 0 {
			f = t.set(fd, nil, false)
		}
		t.mu.Unlock()
		t.closed(f)
	}
}

// CloseAll closes everything.
func (t *FDTable) CloseAll() {
	t.closeFrom(0)
}

// closeFrom closes the descriptors from first on. If closing one panics, the
// others are closed all the same.
func (t *FDTable) closeFrom(first int) {
	n := len(*t.slots.Load())
	fd := first
	defer func() {
		if fd < n {
			t.closeFrom(fd + 1)
		}
	}()
	for ; fd < n; fd++ {
		t.Close(fd)
	}
}

// Fork returns a copy with one reference that is charged to account: ENOMEM.
func (t *FDTable) Fork(account *kmem.Account) (*FDTable, error) {
	return t.fork(account, account.Charge)
}

// ForkAnyway is Fork when nothing can be refused any more: in execve(2).
func (t *FDTable) ForkAnyway(account *kmem.Account) *FDTable {
	c, _ := t.fork(account, func(n int64) error {
		account.ChargeAnyway(n)
		return nil
	})
	return c
}

func (t *FDTable) fork(account *kmem.Account, charge func(n int64) error) (*FDTable, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.slots.Load()
	top := len(old)
	for top > 0 && old[top-1].file.Load() == nil {
		top--
	}
	n := firstSlots
	for n < top {
		n *= 2
	}
	if err := charge(tableMemory + int64(n)*slotMemory); err != nil {
		return nil, err
	}
	c := newFDTable(account, n, t.limit)
	copy(c.cloexec, t.cloexec)
	s := *c.slots.Load()
	for fd := range top {
		if f := old[fd].file.Load(); f != nil {
			f.Get()
			s[fd].file.Store(f)
			c.taken[fd/64] |= 1 << (fd % 64)
		}
	}
	return c, nil
}

// Each calls visit for the open descriptors in ascending order. f is good
// during the call only.
func (t *FDTable) Each(visit func(fd int, f *File, cloexec bool)) {
	for fd := 0; fd < len(*t.slots.Load()); fd++ {
		f, err := t.Get(fd)
		if err != nil {
			continue
		}
		flags, _ := t.Flags(fd)
		func() {
			defer f.Put()
			visit(fd, f, flags&abi.FD_CLOEXEC != 0)
		}()
	}
}
