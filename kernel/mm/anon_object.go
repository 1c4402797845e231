package mm

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/machine/frame"
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
	ino  uint64
	size uint64 // in pages

	pagesMu sync.Mutex
	pages   frameTree // guarded by pagesMu
}

// NewAnonObject returns shared anonymous memory without a limit.
func NewAnonObject() Object { return newAnonObject(maxTreePages) }

// newAnonObject returns shared anonymous memory of size pages.
func newAnonObject(size uint64) *anonObject {
	return &anonObject{ino: lastAnon.Add(1), size: size}
}

// Page returns a page, zeroed if it is new.
func (o *anonObject) Page(idx uint64, write bool) (frame.Frame, error) {
	if idx >= min(o.size, maxTreePages) {
		return 0, ErrBeyondEOF
	}
	o.pagesMu.Lock()
	defer o.pagesMu.Unlock()
	if f := o.pages.get(idx); f != 0 {
		f.Get()
		return f, nil
	}
	f, err := frame.AllocZero()
	if err != nil {
		return 0, err
	}
	if err := o.pages.set(idx, f); err != nil {
		f.Put()
		return 0, err
	}
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
	for i := range out {
		out[i] = 0
		if first+uint64(i) < maxTreePages {
			out[i] = o.pages.get(first + uint64(i))
		}
		if out[i] != 0 {
			out[i].Get()
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
		o.drop(0, maxTreePages)
	}
}

func (o *anonObject) drop(first, last uint64) {
	o.pagesMu.Lock()
	defer o.pagesMu.Unlock()
	shmemPages.Add(-int64(o.pages.drop(first, min(last, maxTreePages))))
}

// Key identifies the object.
func (o *anonObject) Key() (dev, ino uint64) { return anonDev, o.ino }
