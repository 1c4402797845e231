package vfs

import (
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
)

// Mapper is a FileOps that can be mapped into memory.
type Mapper interface {
	// MemoryObject returns the object whose pages are the file's contents.
	MemoryObject() (mm.Object, error)
}

// MemoryObject returns what mmap(2) maps; ENODEV if that cannot be.
func (f *File) MemoryObject() (mm.Object, error) {
	if m, ok := f.ops.(Mapper); ok {
		return m.MemoryObject()
	}
	return nil, abi.ENODEV
}

// Read reads at the file's position: read(2). It does not block: EAGAIN.
func (f *File) Read(c Caller, dst Dest) (int, error) {
	if f.can&canRead == 0 {
		return 0, abi.EBADF
	}
	if f.can&isStream != 0 {
		return f.read(c, dst, 0)
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	n, err := f.read(c, dst, f.pos)
	f.pos += int64(n)
	return n, err
}

// CheckAt checks that f has offsets and that off is one: EINVAL, ESPIPE.
func (f *File) CheckAt(off int64) error {
	if off < 0 {
		return abi.EINVAL
	}
	if f.can&isStream != 0 {
		return abi.ESPIPE
	}
	return nil
}

// lastStart is the last offset from which every transfer ends at an offset;
// others may not: EINVAL.
const lastStart = math.MaxInt64 - abi.MAX_RW_COUNT

// ReadAt reads at offset off: pread(2).
func (f *File) ReadAt(c Caller, dst Dest, off int64) (int, error) {
	if err := f.CheckAt(off); err != nil {
		return 0, err
	}
	if f.can&canRead == 0 {
		return 0, abi.EBADF
	}
	return f.read(c, dst, off)
}

func (f *File) read(c Caller, dst Dest, off int64) (int, error) {
	if f.path.Dentry.isDir() {
		return 0, abi.EISDIR
	}
	if off > lastStart && off > math.MaxInt64-int64(dst.Len()) {
		return 0, abi.EINVAL
	}
	n, err := f.ops.Read(c, dst, off)
	if f.touch != nil && err == nil {
		f.accessed()
	}
	return n, err
}

// accessed notes that the file has been read.
func (f *File) accessed() {
	if f.flags.Load()&abi.O_NOATIME == 0 && f.touch.AtimeDue(f.can&strictAtime != 0) {
		f.path.Mount.touch(f.touch)
	}
}

// Write writes at the file's position, or at the end with O_APPEND: write(2).
// It does not block: EAGAIN.
func (f *File) Write(c Caller, src Source) (int, error) {
	if f.can&canWrite == 0 {
		return 0, abi.EBADF
	}
	if f.can&isStream != 0 {
		n, err := f.ops.Write(c, src, 0)
		for tries := 0; err == abi.ENOMEM && n == 0 && !c.Sleeper().Interrupted() && mm.MakeMemory(tries); tries++ {
			n, err = f.ops.Write(c, src, 0)
		}
		return n, err
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	n, end, err := f.write(c, src, f.pos)
	if n > 0 {
		f.pos = end
	}
	return n, err
}

// WriteAt writes at offset off, but as on Linux at the end with O_APPEND:
// pwrite(2).
func (f *File) WriteAt(c Caller, src Source, off int64) (int, error) {
	if err := f.CheckAt(off); err != nil {
		return 0, err
	}
	if f.can&canWrite == 0 {
		return 0, abi.EBADF
	}
	n, _, err := f.write(c, src, off)
	return n, err
}

// Appends reports whether Append is more than a write.
func (f *File) Appends() bool {
	_, ok := f.ops.(Appender)
	return ok
}

// Append writes at the end of the file, which Appends, whatever its flags:
// RWF_APPEND of pwritev2(2). With move the position is where the bytes end.
func (f *File) Append(c Caller, src Source, move bool) (int, error) {
	if f.can&canWrite == 0 {
		return 0, abi.EBADF
	}
	if move {
		f.posMu.Lock()
		defer f.posMu.Unlock()
	}
	if src.Len() > 0 {
		if err := f.path.Dentry.dropSetID(c); err != nil {
			return 0, err
		}
	}
	n, end, err := f.ops.(Appender).Append(c, src)
	if move && n > 0 {
		f.pos = end
	}
	return n, err
}

// write returns the position after the bytes written, too.
func (f *File) write(c Caller, src Source, off int64) (n int, end int64, err error) {
	if off > lastStart && off > math.MaxInt64-int64(src.Len()) {
		return 0, 0, abi.EINVAL
	}
	if src.Len() > 0 {
		if err := f.path.Dentry.dropSetID(c); err != nil {
			return 0, 0, err
		}
	}
	if f.flags.Load()&abi.O_APPEND != 0 {
		if a, ok := f.ops.(Appender); ok {
			return a.Append(c, src)
		}
	}
	n, err = f.ops.Write(c, src, off)
	return n, off + int64(n), err
}

// LimitWrite returns how many of n bytes a write to a regular file at offset
// off may move: fewer at RLIMIT_FSIZE or at max, the largest size the file
// system knows; EFBIG if none.
func LimitWrite(c Caller, off int64, n int, max int64) (int, error) {
	if limit := c.FileSizeLimit(); limit < uint64(max) {
		max = int64(limit)
	}
	if n > 0 && off >= max {
		return 0, abi.EFBIG
	}
	if int64(n) > max-off {
		n = int(max - off)
	}
	return n, nil
}

// Sync does fsync(2), or fdatasync(2) if dataOnly: EINVAL for a file that has
// nothing to do with it.
func (f *File) Sync(dataOnly bool) error {
	if f.IsPath() {
		return abi.EBADF
	}
	if s, ok := f.ops.(Syncer); ok {
		return s.Sync(dataOnly)
	}
	return abi.EINVAL
}
