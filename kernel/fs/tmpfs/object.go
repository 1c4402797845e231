package tmpfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
)

// MemoryObject returns the file as what mmap(2) maps.
func (f *file) MemoryObject() (mm.Object, error) { return f, nil }

// Page returns page i with a reference. A hole is filled.
func (f *file) Page(i uint64, write bool) (frame.Frame, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i >= (uint64(f.size)+pageSize-1)>>pageShift {
		return 0, mm.ErrBeyondEOF
	}
	p := f.pages.Get(i)
	if p == 0 {
		var err error
		if p, err = f.fs.newPage(); err != nil {
			return 0, err
		}
		p.Zero()
		if err := f.place(i, p); err != nil {
			p.Put()
			f.fs.freePages(1)
			return 0, err
		}
	}
	p.Get()
	return p, nil
}

// WritesUnnoticed tells that the pages are not copies of anything.
func (f *file) WritesUnnoticed() {}

// Present returns those pages from first on that there are.
func (f *file) Present(first uint64, out []frame.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := (uint64(f.size) + pageSize - 1) >> pageShift
	n := min(uint64(len(out)), last-min(first, last))
	f.pages.Run(first, out[:n])
	clear(out[n:])
	for _, p := range out[:n] {
		if p != 0 {
			p.Get()
		}
	}
}

// Punch makes holes of whole pages, or of as much of them as is in the file:
// madvise(2), MADV_REMOVE.
func (f *file) Punch(first, last uint64) error {
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	if f.sealed(writeSeals) {
		return abi.EPERM
	}
	f.changed()
	f.punch(int64(first<<pageShift), int64(last<<pageShift))
	return nil
}

// Key identifies the file.
func (f *file) Key() (dev, ino uint64) { return f.fs.super.Dev, f.ino }
