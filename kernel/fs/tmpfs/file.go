package tmpfs

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/mm/frametree"
	"kevlar/kernel/vfs"
)

// A file is a regular file. It is also its own vfs.FileOps, for open files have
// no state here, and the mm.Object that mappings map.
type file struct {
	inode
	vfs.MemoryFile
	mm.Mappings

	// writeMu serialises all that changes contents or size other than page
	// faults. It is held while user memory is copied.
	writeMu sync.Mutex
	seals   seals

	mu    sync.Mutex
	size  int64          // guarded by mu; changes with writeMu held too
	pages frametree.Tree // guarded by mu
}

// zeroPage is what reading a hole gives.
var zeroPage [pageSize]byte

// Open makes the file its own operations.
func (f *file) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return f, nil }

func (f *file) Unpin() { dropPin(f) }

func (f *file) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(0, ^uint64(0))
}

// Attr returns the attributes.
func (f *file) Attr() vfs.Attr {
	a := f.attr()
	f.mu.Lock()
	defer f.mu.Unlock()
	a.Size, a.Blocks = f.size, f.pages.Len()*blocksPerPage
	return a
}

// KernelMemory implements vfs.MemoryUser: the contents of a file without a name
// go with those who have it open. Who holds a lock here may be the one who waits
// for memory.
func (f *file) KernelMemory() int64 {
	if !f.inode.mu.TryLock() {
		return 0
	}
	links, users := f.nlink, f.pins
	f.inode.mu.Unlock()
	if links > 0 || users == 0 || !f.mu.TryLock() {
		return 0
	}
	defer f.mu.Unlock()
	return (f.pages.Len()<<pageShift + f.pages.Heap() + f.bytes) / int64(users)
}

// SetAttr changes attributes, the size included.
func (f *file) SetAttr(_ vfs.Caller, s vfs.SetAttr) error {
	if s.Mask&vfs.AttrSize != 0 {
		if err := f.truncate(s.Size); err != nil {
			return err
		}
	}
	f.apply(s)
	return nil
}

// page returns the frame of page i with a reference, or 0 for a hole, and the
// file's size.
func (f *file) page(i uint64) (frame.Frame, int64) {
	f.mu.Lock()
	p := f.pages.Get(i)
	if p != 0 {
		p.Get()
	}
	size := f.size
	f.mu.Unlock()
	return p, size
}

// Read copies from the file.
func (f *file) Read(c vfs.Caller, dst vfs.Dest, off int64) (int, error) {
	total := 0
	for dst.Len() > 0 {
		p, size := f.page(uint64(off) >> pageShift)
		at := off % pageSize
		n := min(pageSize-at, size-off, int64(dst.Len()))
		if n <= 0 {
			if p != 0 {
				p.Put()
			}
			break
		}
		m, err := copyOut(dst, p, at, n)
		total += m
		off += int64(m)
		if err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
	}
	return total, nil
}

// copyOut copies n bytes at offset at of the page p, or zeros if that is 0, and
// drops its reference.
func copyOut(dst vfs.Dest, p frame.Frame, at, n int64) (int, error) {
	if p == 0 {
		return dst.Write(zeroPage[:n])
	}
	defer p.Put()
	return dst.Write(p.Data()[at : at+n])
}

// Write copies to the file.
func (f *file) Write(c vfs.Caller, src vfs.Source, off int64) (int, error) {
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	return f.write(c, src, off)
}

// Append copies to the end of the file.
func (f *file) Append(c vfs.Caller, src vfs.Source) (n int, end int64, err error) {
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	off := f.size
	n, err = f.write(c, src, off)
	return n, off + int64(n), err
}

// write is Write with f.writeMu held.
func (f *file) write(c vfs.Caller, src vfs.Source, off int64) (int, error) {
	left, err := vfs.LimitWrite(c, off, src.Len(), maxSize)
	if left == 0 || err != nil {
		return 0, err
	}
	if f.sealed(writeSeals) {
		return 0, abi.EPERM
	}
	f.changed()
	if off > f.size && !f.sealed(abi.F_SEAL_GROW) {
		f.clearTail()
	}
	total := 0
	for total < left {
		at := off % pageSize
		want := min(pageSize-at, int64(left-total))
		n, err := 0, error(abi.EPERM)
		if off+want <= f.size || !f.sealed(abi.F_SEAL_GROW) {
			n, err = f.writePage(src, uint64(off)>>pageShift, at, want)
		}
		total += n
		off += int64(n)
		if err != nil {
			if total > 0 {
				return total, nil
			}
			return 0, err
		}
	}
	return total, nil
}

// writePage copies n bytes to offset at of page i. A new page goes into the
// tree only when its contents are there.
func (f *file) writePage(src vfs.Source, i uint64, at, n int64) (int, error) {
	p, _ := f.page(i)
	if p != 0 {
		defer p.Put()
		m, err := src.Read(p.Data()[at : at+n])
		if m > 0 {
			f.grow(int64(i)<<pageShift + at + int64(m))
		}
		return m, err
	}
	p, err := f.fs.newPage()
	if err != nil {
		return 0, err
	}
	kept := false
	defer func() {
		if !kept {
			p.Put()
			f.fs.freePages(1)
		}
	}()
	data := p.Data()
	clear(data[:at])
	m, err := src.Read(data[at : at+n])
	if m == 0 {
		return 0, err
	}
	clear(data[at+int64(m):])
	f.mu.Lock()
	defer f.mu.Unlock()
	if q := f.pages.Get(i); q != 0 { // a page fault was faster
		copy(q.Data()[at:], data[at:at+int64(m)])
		f.size = max(f.size, int64(i)<<pageShift+at+int64(m))
		return m, err
	}
	if err := f.place(i, p); err != nil {
		return 0, err
	}
	kept = true
	f.size = max(f.size, int64(i)<<pageShift+at+int64(m))
	return m, err
}

// place puts p, whose reference it takes over, at page i, where there is none, and
// charges the file's account for what the tree takes of the heap: ENOSPC. The
// caller holds f.mu.
func (f *file) place(i uint64, p frame.Frame) error {
	if need := f.pages.Need(i); need > 0 && f.account.Charge(need) != nil {
		return abi.ENOSPC
	}
	f.pages.Set(i, p)
	return nil
}

// drop gives up the pages from first to last-1. The caller holds f.mu.
func (f *file) drop(first, last uint64) {
	before := f.pages.Heap()
	f.fs.freePages(f.pages.Remove(first, last))
	if n := before - f.pages.Heap(); n > 0 {
		f.account.Uncharge(n)
	}
}

// grow makes the size at least end.
func (f *file) grow(end int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = max(f.size, end)
}

// clearTail clears what a mapping may have written behind the end of the last
// page, which is about to become part of the file.
func (f *file) clearTail() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clearRange(f.size, (f.size+pageSize-1)&^(pageSize-1))
}

// clearRange clears the bytes from start to end-1 of one page, if it is there.
// The caller holds f.mu.
func (f *file) clearRange(start, end int64) {
	if start >= end {
		return
	}
	if p := f.pages.Get(uint64(start) >> pageShift); p != 0 {
		at := start % pageSize
		clear(p.Data()[at : at+end-start])
	}
}

// truncate sets the size.
func (f *file) truncate(size int64) error {
	if size < 0 {
		return abi.EINVAL
	}
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	if size > f.size && f.sealed(abi.F_SEAL_GROW) || size < f.size && f.sealed(abi.F_SEAL_SHRINK) {
		return abi.EPERM
	}
	if size > f.size {
		f.clearTail()
		f.grow(size)
		return nil
	}
	first := f.cut(size)
	f.Zap(first, ^uint64(0), true)
	return nil
}

// cut makes the file shorter and returns the first page that is no part of it
// any more.
func (f *file) cut(size int64) uint64 {
	first := (uint64(size) + pageSize - 1) >> pageShift
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = size
	f.clearRange(size, int64(first<<pageShift))
	f.drop(first, ^uint64(0))
	return first
}

// Seek finds data and holes; the granularity is a page.
func (f *file) Seek(_ *vfs.File, off int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case abi.SEEK_SET:
	case abi.SEEK_END:
		if off > 0 && f.size+off < 0 {
			return 0, abi.EOVERFLOW
		}
		off += f.size
	default:
		if off < 0 || off >= f.size {
			return 0, abi.ENXIO
		}
		last := (uint64(f.size) + pageSize - 1) >> pageShift
		i := f.pages.Next(uint64(off)>>pageShift, last, whence == abi.SEEK_HOLE)
		if i == last {
			if whence == abi.SEEK_DATA {
				return 0, abi.ENXIO
			}
			return f.size, nil
		}
		return max(off, int64(i<<pageShift)), nil
	}
	if off < 0 {
		return 0, abi.EINVAL
	}
	return off, nil
}

// Allocate fills or punches holes: fallocate(2).
func (f *file) Allocate(c vfs.Caller, mode int, off, n int64) error {
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	switch mode {
	case abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_KEEP_SIZE:
		if f.sealed(writeSeals) {
			return abi.EPERM
		}
		f.changed()
		f.punch(off, off+n)
		return nil
	case 0, abi.FALLOC_FL_KEEP_SIZE:
	default:
		return abi.ENOTSUP
	}
	if off+n > f.size && f.sealed(abi.F_SEAL_GROW) {
		return abi.EPERM
	}
	if err := f.fill(uint64(off)>>pageShift, (uint64(off+n)+pageSize-1)>>pageShift); err != nil {
		return err
	}
	if mode == 0 && off+n > f.size {
		f.clearTail()
		f.grow(off + n)
	}
	f.ctimeNow()
	return nil
}

// punch makes a hole of the bytes from start to end-1.
func (f *file) punch(start, end int64) {
	first := (uint64(start) + pageSize - 1) >> pageShift
	last := uint64(end) >> pageShift
	f.dropPages(start, end, first, last)
	if first < last {
		f.Zap(first, last, false)
	}
}

func (f *file) dropPages(start, end int64, first, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first > last { // all in one page
		f.clearRange(start, end)
		return
	}
	f.clearRange(start, int64(first<<pageShift))
	f.clearRange(int64(last<<pageShift), end)
	f.drop(first, last)
}

// fill makes the pages from first to last-1 that are not there; all or, but for
// what undo says, none.
func (f *file) fill(first, last uint64) error {
	free := f.fs.statFS().Bfree
	if last-first > free+uint64(f.Attr().Blocks/blocksPerPage) {
		return abi.ENOSPC
	}
	var made [][2]uint64 // runs of new pages
	for i := first; i < last; i++ {
		isNew, err := f.fillPage(i)
		if err != nil {
			f.undo(made)
			return err
		}
		if n := len(made); isNew && n > 0 && made[n-1][1] == i {
			made[n-1][1]++
		} else if isNew {
			made = append(made, [2]uint64{i, i + 1})
		}
	}
	return nil
}

// undo takes back the pages in runs, which fill has made, but for those that
// somebody maps or has written meanwhile through a mapping.
func (f *file) undo(runs [][2]uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, run := range runs {
		for i := run[0]; i < run[1]; i++ {
			if p := f.pages.Get(i); p != 0 && p.Refs() == 1 && *p.Data() == empty {
				f.drop(i, i+1)
			}
		}
	}
}

// empty is a page without contents.
var empty [pageSize]byte

// fillPage makes page i, if it is not there, and tells whether it has.
func (f *file) fillPage(i uint64) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages.Get(i) != 0 {
		return false, nil
	}
	p, err := f.fs.newPage()
	if err != nil {
		return false, err
	}
	p.Zero()
	if err := f.place(i, p); err != nil {
		p.Put()
		f.fs.freePages(1)
		return false, err
	}
	return true, nil
}
