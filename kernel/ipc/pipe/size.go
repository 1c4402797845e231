package pipe

import (
	"math/bits"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// Limits of pipe(7), as in /proc/sys/fs.
const (
	// MaxSize is the largest size in bytes that an ordinary user may set:
	// pipe-max-size.
	MaxSize = 1 << 20
	// softPages is how many pages the pipes of an ordinary user may have
	// before new ones get minSlots only: pipe-user-pages-soft.
	softPages = 16384
	minSlots  = 2
	// maxSlots limits even the superuser's pipes: 256 MiB.
	maxSlots = 1 << 16
)

// charges counts the slots of each user's pipes.
var charges struct {
	sync.Mutex
	pages map[uint32]int
}

func privileged(cred *vfs.Cred) bool {
	return cred.HasCap(abi.CAP_SYS_RESOURCE) || cred.HasCap(abi.CAP_SYS_ADMIN)
}

// chargeNew counts a new pipe of a user, and returns how many slots it gets.
func chargeNew(cred *vfs.Cred) int {
	n := defaultSlots
	charges.Lock()
	defer charges.Unlock()
	if charges.pages == nil {
		charges.pages = make(map[uint32]int)
	}
	if charges.pages[cred.UID]+n > softPages && !privileged(cred) {
		n = minSlots
	}
	charges.pages[cred.UID] += n
	return n
}

// recharge changes a pipe's count from old to n slots, or fails with EPERM.
func recharge(cred *vfs.Cred, owner uint32, old, n int) error {
	charges.Lock()
	defer charges.Unlock()
	if n > old && charges.pages[owner]-old+n > softPages && !privileged(cred) {
		return abi.EPERM
	}
	charges.pages[owner] += n - old
	return nil
}

func uncharge(owner uint32, n int) {
	charges.Lock()
	defer charges.Unlock()
	if charges.pages[owner] -= n; charges.pages[owner] == 0 {
		delete(charges.pages, owner)
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
	size := max(n, frame.Size)
	size = 1 << bits.Len(size-1) // the next power of 2
	if size > MaxSize && !c.Cred().HasCap(abi.CAP_SYS_RESOURCE) {
		return 0, abi.EPERM
	}
	if size/frame.Size > maxSlots {
		return 0, abi.ENOMEM
	}
	return e.pipe.resize(c.Cred(), int(size/frame.Size))
}

func (p *Pipe) resize(cred *vfs.Cred, n int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < p.used() {
		return 0, abi.EBUSY
	}
	if err := recharge(cred, p.owner, len(p.slots), n); err != nil {
		return 0, err
	}
	slots := make([]slot, n)
	used := uint32(p.used())
	for i := range used {
		slots[i] = p.slots[(p.tail+i)%uint32(len(p.slots))]
	}
	wasFull := p.full()
	p.slots, p.tail, p.head = slots, 0, used
	if wasFull && !p.full() {
		p.queue.Notify(wait.Writable)
	}
	return n * frame.Size, nil
}
