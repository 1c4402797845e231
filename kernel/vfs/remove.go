package vfs

import "kevlar/kernel/abi"

// UnlinkAt removes a name that is not a directory's: unlink(2).
func UnlinkAt(c Caller, fs *FSContext, base Path, name string) error {
	var w walk
	w.start(c, fs, base, 0)
	defer w.end()
	if err := w.parent(name); err != nil {
		return err
	}
	if !isName(w.last) {
		return abi.EISDIR
	}
	if err := w.cur.Mount.beginWrite(); err != nil {
		return err
	}
	defer w.cur.Mount.endWrite()
	dir := w.cur.Dentry
	dir.sub.op.Lock()
	defer dir.sub.op.Unlock()
	d, err := dir.lookupLocked(c, w.last)
	if err != nil {
		return err
	}
	if w.slash {
		if d.isDir() {
			return abi.EISDIR
		}
		return abi.ENOTDIR
	}
	if err := mayRemove(w.cred, dir, d, false); err != nil {
		return err
	}
	if d.mounts.Load() > 0 {
		return abi.EBUSY
	}
	if err := dir.sub.dir.Unlink(c, w.last); err != nil {
		return err
	}
	dir.drop(d)
	return nil
}

// RmdirAt removes an empty directory: rmdir(2).
func RmdirAt(c Caller, fs *FSContext, base Path, name string) error {
	var w walk
	w.start(c, fs, base, 0)
	defer w.end()
	if err := w.parent(name); err != nil {
		return err
	}
	switch w.last {
	case "":
		return abi.EBUSY
	case ".":
		return abi.EINVAL
	case "..":
		return abi.ENOTEMPTY
	}
	if err := w.cur.Mount.beginWrite(); err != nil {
		return err
	}
	defer w.cur.Mount.endWrite()
	dir := w.cur.Dentry
	dir.sub.op.Lock()
	defer dir.sub.op.Unlock()
	d, err := dir.lookupLocked(c, w.last)
	if err != nil {
		return err
	}
	if err := mayRemove(w.cred, dir, d, true); err != nil {
		return err
	}
	d.sub.op.Lock()
	defer d.sub.op.Unlock()
	if d.mounts.Load() > 0 {
		return abi.EBUSY
	}
	if err := dir.sub.dir.Rmdir(c, w.last); err != nil {
		return err
	}
	dir.drop(d)
	return nil
}
