package vfs

import (
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

// ReadAt reads at offset off: pread(2).
func (f *File) ReadAt(c Caller, dst Dest, off int64) (int, error) {
	if off < 0 {
		return 0, abi.EINVAL
	}
	if f.can&(canRead|isStream) != canRead {
		if f.can&isStream != 0 {
			return 0, abi.ESPIPE
		}
		return 0, abi.EBADF
	}
	return f.read(c, dst, off)
}

func (f *File) read(c Caller, dst Dest, off int64) (int, error) {
	if f.path.Dentry.isDir() {
		return 0, abi.EISDIR
	}
	n, err := f.ops.Read(c, dst, off)
	if f.touch != nil && err == nil {
		f.accessed()
	}
	return n, err
}

// accessed notes that the file has been read.
func (f *File) accessed() {
	if !f.path.Mount.ReadOnly() {
		f.touch.TouchAtime(f.can&strictAtime != 0)
	}
}

// Write writes at the file's position, or at the end with O_APPEND: write(2).
// It does not block: EAGAIN.
func (f *File) Write(c Caller, src Source) (int, error) {
	if f.can&canWrite == 0 {
		return 0, abi.EBADF
	}
	if f.can&isStream != 0 {
		return f.ops.Write(c, src, 0)
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
	if off < 0 {
		return 0, abi.EINVAL
	}
	if f.can&(canWrite|isStream) != canWrite {
		if f.can&isStream != 0 {
			return 0, abi.ESPIPE
		}
		return 0, abi.EBADF
	}
	n, _, err := f.write(c, src, off)
	return n, err
}

// Append writes at the end of the file whatever its flags: RWF_APPEND of
// pwritev2(2).
func (f *File) Append(c Caller, src Source) (int, error) {
	if f.can&canWrite == 0 {
		return 0, abi.EBADF
	}
	a, ok := f.ops.(Appender)
	if !ok {
		return f.Write(c, src)
	}
	if err := f.path.Dentry.dropSetID(c); err != nil {
		return 0, err
	}
	n, _, err := a.Append(c, src)
	return n, err
}

// write returns the position after the bytes written, too.
func (f *File) write(c Caller, src Source, off int64) (n int, end int64, err error) {
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

// Pos returns the file's position.
func (f *File) Pos() int64 {
	f.posMu.Lock()
	defer f.posMu.Unlock()
	return f.pos
}

// SetPos sets the file's position, for sendfile(2) and the like.
func (f *File) SetPos(pos int64) {
	f.posMu.Lock()
	defer f.posMu.Unlock()
	f.pos = pos
}

// Seek does lseek(2).
func (f *File) Seek(off int64, whence int) (int64, error) {
	if f.IsPath() {
		return 0, abi.EBADF
	}
	if f.can&isStream != 0 {
		return 0, abi.ESPIPE
	}
	if whence < 0 || whence > abi.SEEK_MAX {
		return 0, abi.EINVAL
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	if whence == abi.SEEK_CUR {
		if off > 0 && f.pos+off < f.pos {
			return 0, abi.EOVERFLOW
		}
		whence, off = abi.SEEK_SET, f.pos+off
	}
	pos, err := f.seek(off, whence)
	if err == nil {
		f.pos = pos
	}
	return pos, err
}

// seek computes the position for a whence other than SEEK_CUR.
func (f *File) seek(off int64, whence int) (int64, error) {
	if s, ok := f.ops.(Seeker); ok {
		return s.Seek(f, off, whence)
	}
	a := f.inode.Attr()
	switch a.Mode & abi.S_IFMT {
	case abi.S_IFREG, abi.S_IFBLK:
	case abi.S_IFDIR:
		if whence != abi.SEEK_SET {
			return 0, abi.EINVAL
		}
	default:
		return 0, abi.ESPIPE
	}
	switch whence {
	case abi.SEEK_END:
		off += a.Size
	case abi.SEEK_DATA, abi.SEEK_HOLE:
		if off < 0 || off >= a.Size {
			return 0, abi.ENXIO
		}
		if whence == abi.SEEK_HOLE {
			off = a.Size // one run of data
		}
	}
	if off < 0 {
		return 0, abi.EINVAL
	}
	return off, nil
}

// ReadDir calls emit for directory entries from the file's position on, until
// it returns false; the position then is that entry's: getdents(2).
func (f *File) ReadDir(c Caller, emit func(DirEntry) bool) error {
	if f.can&canRead == 0 {
		return abi.EBADF
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	pos, err := f.readDir(f.pos, emit)
	f.pos = pos
	if err == nil && f.touch != nil {
		f.accessed()
	}
	return err
}

func (f *File) readDir(pos int64, emit func(DirEntry) bool) (int64, error) {
	if r, ok := f.ops.(DirReader); ok {
		return r.ReadDir(pos, emit)
	}
	d := f.path.Dentry
	if !d.isDir() {
		return pos, abi.ENOTDIR
	}
	d.sub.op.RLock()
	defer d.sub.op.RUnlock()
	if d.gone.Load() {
		return pos, abi.ENOENT
	}
	if pos == 0 {
		if !emit(DirEntry{".", d.inode.Attr().Ino, abi.DT_DIR, 1}) {
			return 0, nil
		}
		pos = 1
	}
	if pos == 1 {
		up := Path{f.path.Mount, d}
		for {
			over, ok := up.up()
			if !ok {
				break
			}
			up = over
		}
		if !emit(DirEntry{"..", up.Dentry.parent().inode.Attr().Ino, abi.DT_DIR, FirstPos}) {
			return 1, nil
		}
		pos = FirstPos
	}
	return d.sub.dir.ReadDir(pos, emit)
}

// Sync does fsync(2), or fdatasync(2) if dataOnly.
func (f *File) Sync(dataOnly bool) error {
	if f.IsPath() {
		return abi.EBADF
	}
	if s, ok := f.ops.(Syncer); ok {
		return s.Sync(dataOnly)
	}
	switch a := f.inode.Attr(); a.Mode & abi.S_IFMT {
	case abi.S_IFREG, abi.S_IFDIR, abi.S_IFBLK:
		return nil // there is nothing but memory behind it
	}
	return abi.EINVAL
}

// Truncate sets the size: ftruncate(2).
func (f *File) Truncate(c Caller, size int64) error {
	if f.IsPath() {
		return abi.EBADF
	}
	if size < 0 || !f.Writable() {
		return abi.EINVAL
	}
	if a := f.inode.Attr(); !a.IsRegular() {
		return abi.EINVAL
	}
	return f.path.Dentry.truncate(c, size)
}

// Allocate does fallocate(2).
func (f *File) Allocate(c Caller, mode int, off, n int64) error {
	const all = abi.FALLOC_FL_KEEP_SIZE | abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_COLLAPSE_RANGE |
		abi.FALLOC_FL_ZERO_RANGE | abi.FALLOC_FL_INSERT_RANGE | abi.FALLOC_FL_UNSHARE_RANGE
	if off < 0 || n <= 0 {
		return abi.EINVAL
	}
	if mode&^all != 0 {
		return abi.ENOTSUP
	}
	if mode&abi.FALLOC_FL_PUNCH_HOLE != 0 && mode&abi.FALLOC_FL_KEEP_SIZE == 0 {
		return abi.ENOTSUP
	}
	if !f.Writable() {
		return abi.EBADF
	}
	if f.IsStream() {
		return abi.ESPIPE
	}
	switch a := f.inode.Attr(); a.Mode & abi.S_IFMT {
	case abi.S_IFREG:
	case abi.S_IFDIR:
		return abi.EISDIR
	case abi.S_IFIFO:
		return abi.ESPIPE
	default:
		return abi.ENODEV
	}
	if off+n < 0 {
		return abi.EFBIG
	}
	a, ok := f.ops.(Allocator)
	if !ok {
		return abi.ENOTSUP
	}
	if limit := c.FileSizeLimit(); mode&abi.FALLOC_FL_KEEP_SIZE == 0 && uint64(off+n) > limit {
		return abi.EFBIG
	}
	if err := f.path.Dentry.dropSetID(c); err != nil {
		return err
	}
	return a.Allocate(c, mode, off, n)
}
