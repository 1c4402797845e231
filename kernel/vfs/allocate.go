package vfs

import "kevlar/kernel/abi"

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
