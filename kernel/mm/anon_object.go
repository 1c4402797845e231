package mm

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm/frametree"
)

// anonDev is the device number of objects that are on no file system.
const anonDev = 0

// lastAnon is the inode number of the newest anonObject.
var lastAnon atomic.Uint64

// shmemPages counts the pages of all anonObjects.
var shmemPages atomic.Int64

// An anonObject is memory that processes share and no file names. Its pages
// are freed when it is mapped nowhere any more.
type anonObject struct {
	Mappings
	ino     uint64
	size    uint64        // in pages
	account *kmem.Account // pays for the tree

	pagesMu sync.Mutex
	pages   frametree.Tree // guarded by pagesMu
}

// NewAnonObject returns shared anonymous memory without a limit.
func NewAnonObject() Object { return newAnonObject(maxPages, nil) }

// maxPages is more than any offset names.
const maxPages = 1 << 52

// newAnonObject returns shared anonymous memory of size pages, for which account
// pays.
func newAnonObject(size uint64, account *kmem.Account) *anonObject {
	return &anonObject{ino: lastAnon.Add(1), size: size, account: account}
}

// Page returns a page, zeroed if it is new.
func (o *anonObject) Page(idx uint64, write bool) (frame.Frame, error) {
	if idx >= o.size {
		return 0, ErrBeyondEOF
	}
	o.pagesMu.Lock()
	defer o.pagesMu.Unlock()
	if f := o.pages.Get(idx); f != 0 {
		f.Get()
		return f, nil
	}
	f, err := frame.AllocZero()
	if err != nil {
		return 0, err
	}
	if need := o.pages.Need(idx); need > 0 && o.account.Charge(need) != nil {
		f.Put()
		return 0, abi.ENOSPC // killing somebody would not help: SIGBUS
	}
	o.pages.Set(idx, f)
	shmemPages.Add(1)
	f.Get()
	return f, nil
}

// WritesUnnoticed tells that the pages are not copies of anything.
func (o *anonObject) WritesUnnoticed() {}

// Present returns the pages that exist.
func (o *anonObject) Present(first uint64, out []frame.Frame) {
	o.pagesMu.Lock()
	defer o.pagesMu.Unlock()
	o.pages.Run(first, out)
	for _, f := range out {
		if f != 0 {
			f.Get()
		}
	}
}

// Punch frees the pages in [first, last).
func (o *anonObject) Punch(first, last uint64) error {
	o.drop(first, last)
	o.Zap(first, last, false)
	return nil
}

// MapRemoved frees all pages with the last mapping.
func (o *anonObject) MapRemoved(m *Mapping) {
	o.Mappings.MapRemoved(m)
	if !o.Mapped() {
		o.drop(0, maxPages)
	}
}

func (o *anonObject) drop(first, last uint64) {
	o.pagesMu.Lock()
	defer o.pagesMu.Unlock()
	before := o.pages.Heap()
	shmemPages.Add(-o.pages.Remove(first, last))
	if n := before - o.pages.Heap(); n > 0 {
		o.account.Uncharge(n)
	}
}

// Key identifies the object.
func (o *anonObject) Key() (dev, ino uint64) { return anonDev, o.ino }
