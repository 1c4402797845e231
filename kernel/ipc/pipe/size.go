package pipe

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// Limits of pipe(7), as in /proc/sys/fs.
var (
	// MaxSize is the largest size in bytes that an ordinary user may set:
	// pipe-max-size.
	MaxSize = limit(1 << 20)
	// SoftPages is how many pages the pipes of an ordinary user may have before
	// new ones get minSlots only: pipe-user-pages-soft. 0 is no limit.
	SoftPages = limit(16384)
	// HardPages is how many they may have before there are no new ones:
	// pipe-user-pages-hard. 0 is no limit.
	HardPages = limit(0)
)

// A Limit is a number that may be changed at any time.
type Limit struct{ n atomic.Int64 }

func limit(n int64) *Limit {
	l := new(Limit)
	l.Set(n)
	return l
}

// Get returns the limit.
func (l *Limit) Get() int64 { return l.n.Load() }

// Set sets the limit.
func (l *Limit) Set(n int64) { l.n.Store(n) }

// passed reports whether n is more than the limit lets an ordinary user have.
func (l *Limit) passed(n int, cred *vfs.Cred) bool {
	max := l.Get()
	return max != 0 && int64(n) > max && !privileged(cred)
}

const (
	minSlots = 2
	// maxSlots limits even the superuser's pipes: 256 MiB.
	maxSlots = 1 << 16
)

// RoundSize returns the size that a pipe has if it is asked to have n bytes.
func RoundSize(n uint) uint {
	n = max(n, frame.Size)
	return 1 << bits.Len(n-1) // the next power of 2
}

// Heap that a pipe takes, in bytes, rounded up: with its inode, and for each
// slot. Page frames are counted by who hands them out.
const (
	pipeMemory = 1024
	slotMemory = 16
)

// userSlots counts the slots of each user's pipes.
var userSlots struct {
	sync.Mutex
	n map[uint32]int
}

// A charge is what a pipe counts for, and against whom.
type charge struct {
	uid     uint32
	account *kmem.Account
	slots   int
}

func privileged(cred *vfs.Cred) bool {
	return cred.HasCap(abi.CAP_SYS_RESOURCE) || cred.HasCap(abi.CAP_SYS_ADMIN)
}

func (c *charge) bytes() int64 { return pipeMemory + int64(c.slots)*slotMemory }

// chargeNew charges a new pipe to a user, with as many slots as it gets:
// ENFILE.
func chargeNew(cred *vfs.Cred) (charge, error) {
	c := charge{uid: cred.UID, account: cred.Account}
	userSlots.Lock()
	defer userSlots.Unlock()
	c.slots = defaultSlots
	if most := MaxSize.Get() / frame.Size; most < defaultSlots && !cred.HasCap(abi.CAP_SYS_RESOURCE) {
		c.slots = int(most)
	}
	if SoftPages.passed(userSlots.n[c.uid]+c.slots, cred) {
		c.slots = minSlots
	}
	if HardPages.passed(userSlots.n[c.uid]+c.slots, cred) {
		return charge{}, abi.ENFILE
	}
	if c.account.Charge(c.bytes()) != nil {
		return charge{}, abi.ENFILE
	}
	if userSlots.n == nil {
		userSlots.n = make(map[uint32]int)
	}
	userSlots.n[c.uid] += c.slots
	return c, nil
}

// resize changes the number of slots: EPERM, ENOMEM.
func (c *charge) resize(cred *vfs.Cred, slots int) error {
	userSlots.Lock()
	defer userSlots.Unlock()
	more := slots - c.slots
	switch {
	case more <= 0:
		c.account.Uncharge(-int64(more) * slotMemory)
	case SoftPages.passed(userSlots.n[c.uid]+more, cred), HardPages.passed(userSlots.n[c.uid]+more, cred):
		return abi.EPERM
	default:
		if err := c.account.Charge(int64(more) * slotMemory); err != nil {
			return err
		}
	}
	userSlots.n[c.uid] += more
	c.slots = slots
	return nil
}

// drop ends the charge.
func (c *charge) drop() {
	c.account.Uncharge(c.bytes())
	userSlots.Lock()
	defer userSlots.Unlock()
	if userSlots.n[c.uid] -= c.slots; userSlots.n[c.uid] == 0 {
		delete(userSlots.n, c.uid)
	}
}

// Size returns the size of the pipe that f is an end of, in bytes, or EBADF:
// F_GETPIPE_SZ of fcntl(2).
func Size(f *vfs.File) (int, error) {
	e, ok := f.Ops().(*end)
	if !ok {
		return 0, abi.EBADF
	}
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	return len(e.pipe.slots) * frame.Size, nil
}

// SetSize changes the size to at least n bytes and returns the new one:
// F_SETPIPE_SZ of fcntl(2).
func SetSize(c vfs.Caller, f *vfs.File, n uint) (int, error) {
	e, ok := f.Ops().(*end)
	if !ok {
		return 0, abi.EBADF
	}
	if n > 1<<31 {
		return 0, abi.EINVAL
	}
	size := RoundSize(n)
	if size/frame.Size > maxSlots {
		return 0, abi.ENOMEM
	}
	return e.pipe.resize(c.Cred(), int(size/frame.Size))
}

func (p *Pipe) resize(cred *vfs.Cred, n int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > len(p.slots) && int64(n)*frame.Size > MaxSize.Get() && !cred.HasCap(abi.CAP_SYS_RESOURCE) {
		return 0, abi.EPERM // what shrinks it or keeps its size is let be
	}
	if n < p.used() {
		return 0, abi.EBUSY
	}
	if err := p.charge.resize(cred, n); err != nil {
		return 0, err
	}
	slots := make([]slot, n)
	used := uint32(p.used())
	for i := range used {
		slots[i] = p.slots[(p.tail+i)%uint32(len(p.slots))]
	}
	wasFull := p.full()
	p.slots, p.tail, p.head = slots, 0, used
	p.capacity.Store(int32(n))
	if wasFull && !p.full() {
		p.queue.Notify(wait.Writable)
	}
	return n * frame.Size, nil
}
