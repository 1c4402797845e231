package vfs

import (
	"kevlar/kernel/abi"
)

// isName reports whether a last component names an entry of its directory,
// rather than being the root, "." or "..".
func isName(last string) bool { return last != "" && last != "." && last != ".." }

// create adds what mk makes under a new name. Directories may be named with a
// slash at the end. mk runs with the directory's lock held.
func create(c Caller, fs *FSContext, base Path, name string, isDir bool, mk func(dir *Dentry, last string) (Inode, error)) error {
	var w walk
	w.start(c, fs, base, 0)
	defer w.end()
	if err := w.parent(name); err != nil {
		return err
	}
	if !isName(w.last) {
		return abi.EEXIST
	}
	dir := w.cur.Dentry
	dir.sub.op.Lock()
	defer dir.sub.op.Unlock()
	_, err := dir.lookupLocked(c, w.last)
	switch {
	case err == nil:
		return abi.EEXIST
	case err != abi.ENOENT:
		return err
	case w.slash && !isDir:
		return abi.ENOENT
	}
	if err := w.cur.Mount.beginWrite(); err != nil {
		return err
	}
	defer w.cur.Mount.endWrite()
	if err := mayCreate(w.cred, dir); err != nil {
		return err
	}
	inode, err := mk(dir, w.last)
	if err != nil {
		return err
	}
	dir.add(w.last, inode)
	return nil
}

// MkdirAt makes a directory: mkdirat(2).
func MkdirAt(c Caller, fs *FSContext, base Path, name string, mode uint32) error {
	mode = mode & 0o1777 &^ c.Umask()
	return create(c, fs, base, name, true, func(dir *Dentry, last string) (Inode, error) {
		return dir.sub.dir.Mkdir(c, last, mode)
	})
}

// MknodAt makes a regular file, device node, FIFO or socket: mknodat(2).
func MknodAt(c Caller, fs *FSContext, base Path, name string, mode uint32, rdev uint64) error {
	switch mode & abi.S_IFMT {
	case 0:
		mode |= abi.S_IFREG
	case abi.S_IFREG, abi.S_IFIFO, abi.S_IFSOCK:
	case abi.S_IFCHR, abi.S_IFBLK:
	case abi.S_IFDIR:
		return abi.EPERM
	default:
		return abi.EINVAL
	}
	mode &^= c.Umask()
	return create(c, fs, base, name, false, func(dir *Dentry, last string) (Inode, error) {
		switch mode & abi.S_IFMT {
		case abi.S_IFREG:
			return dir.sub.dir.Create(c, last, mode)
		case abi.S_IFCHR, abi.S_IFBLK:
			// The number 0:0 is no device: anybody may make it.
			if !c.Cred().HasCap(abi.CAP_MKNOD) && (rdev != 0 || mode&abi.S_IFMT == abi.S_IFBLK) {
				return nil, abi.EPERM
			}
		default:
			rdev = 0
		}
		return dir.sub.dir.Mknod(c, last, mode, rdev)
	})
}

// SymlinkAt makes a symbolic link: symlinkat(2).
func SymlinkAt(c Caller, fs *FSContext, target string, base Path, name string) error {
	if target == "" {
		return abi.ENOENT
	}
	if len(target) >= abi.PATH_MAX {
		return abi.ENAMETOOLONG
	}
	return create(c, fs, base, name, false, func(dir *Dentry, last string) (Inode, error) {
		return dir.sub.dir.Symlink(c, last, target)
	})
}

// LinkAt gives a file another name: linkat(2) with AT_SYMLINK_FOLLOW and
// AT_EMPTY_PATH.
func LinkAt(c Caller, fs *FSContext, oldBase Path, oldName string, newBase Path, newName string, flags int) error {
	if flags&^(abi.AT_SYMLINK_FOLLOW|abi.AT_EMPTY_PATH) != 0 {
		return abi.EINVAL
	}
	var how LookupFlags
	if flags&abi.AT_EMPTY_PATH != 0 {
		if oldName == "" && !c.Cred().HasCap(abi.CAP_DAC_READ_SEARCH) {
			return abi.ENOENT
		}
		how |= LookupEmpty
	}
	if flags&abi.AT_SYMLINK_FOLLOW != 0 {
		how |= LookupFollow
	}
	old, err := Resolve(c, fs, oldBase, oldName, how)
	if err != nil {
		return err
	}
	defer old.Put()
	var w walk
	w.start(c, fs, newBase, 0)
	defer w.end()
	if err := w.parent(newName); err != nil {
		return err
	}
	if !isName(w.last) {
		return abi.EEXIST
	}
	dir := w.cur.Dentry
	dir.sub.op.Lock()
	defer dir.sub.op.Unlock()
	_, err = dir.lookupLocked(c, w.last)
	switch {
	case err == nil:
		return abi.EEXIST
	case err != abi.ENOENT:
		return err
	case w.slash:
		return abi.ENOENT
	}
	if err := w.cur.Mount.beginWrite(); err != nil {
		return err
	}
	defer w.cur.Mount.endWrite()
	if old.Mount != w.cur.Mount {
		return abi.EXDEV
	}
	if err := old.mayLink(w.cred); err != nil {
		return err
	}
	if err := mayCreate(w.cred, dir); err != nil {
		return err
	}
	if old.Dentry.isDir() {
		return abi.EPERM
	}
	if err := dir.sub.dir.Link(c, w.last, old.Inode()); err != nil {
		return err
	}
	dir.add(w.last, old.Inode())
	return nil
}

// ReadlinkAt returns what a symbolic link says: readlinkat(2). The empty name
// stands for base itself, as for a descriptor opened with O_PATH|O_NOFOLLOW.
func ReadlinkAt(c Caller, fs *FSContext, base Path, name string) (string, error) {
	p, err := Resolve(c, fs, base, name, LookupEmpty)
	if err != nil {
		return "", err
	}
	defer p.Put()
	if p.Dentry.link == nil {
		if name == "" {
			return "", abi.ENOENT
		}
		return "", abi.EINVAL
	}
	touch(p)
	return p.Dentry.link.Readlink(c)
}
