package vfs

import "kevlar/kernel/abi"

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
