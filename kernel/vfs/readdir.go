package vfs

import "kevlar/kernel/abi"

// ReadDir calls emit for directory entries from the file's position on, until
// it returns false; the position then is that entry's: getdents(2).
func (f *File) ReadDir(c Caller, emit func(DirEntry) bool) error {
	if f.can&canRead == 0 {
		return abi.EBADF
	}
	f.posMu.Lock()
	defer f.posMu.Unlock()
	pos, err := f.readDir(c, f.pos, emit)
	f.pos = pos
	if err == nil && f.touch != nil {
		f.accessed()
	}
	return err
}

func (f *File) readDir(c Caller, pos int64, emit func(DirEntry) bool) (int64, error) {
	if r, ok := f.ops.(DirReader); ok {
		return r.ReadDir(c, pos, emit)
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
			over, ok := up.up(Path{})
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
	return d.sub.dir.ReadDir(c, pos, emit)
}
