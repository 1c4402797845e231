package vfs

import "kevlar/kernel/abi"

// RenameAt moves a name: renameat2(2) with RENAME_NOREPLACE and
// RENAME_EXCHANGE.
func RenameAt(c Caller, fs *FSContext, oldBase Path, oldName string, newBase Path, newName string, flags int) error {
	if flags&^(abi.RENAME_NOREPLACE|abi.RENAME_EXCHANGE) != 0 ||
		flags == abi.RENAME_NOREPLACE|abi.RENAME_EXCHANGE {
		return abi.EINVAL
	}
	var from, to walk
	from.start(c, fs, oldBase, 0)
	defer from.end()
	if err := from.parent(oldName); err != nil {
		return err
	}
	to.start(c, fs, newBase, 0)
	defer to.end()
	if err := to.parent(newName); err != nil {
		return err
	}
	if from.cur.Mount != to.cur.Mount {
		return abi.EXDEV
	}
	if !isName(from.last) {
		return abi.EBUSY
	}
	if !isName(to.last) {
		if flags&abi.RENAME_NOREPLACE != 0 {
			return abi.EEXIST
		}
		return abi.EBUSY
	}
	if err := from.cur.Mount.beginWrite(); err != nil {
		return err
	}
	defer from.cur.Mount.endWrite()
	r := rename{
		c: c, cred: from.cred, oldDir: from.cur.Dentry, newDir: to.cur.Dentry,
		oldName: from.last, newName: to.last, oldSlash: from.slash, newSlash: to.slash,
		exchange: flags&abi.RENAME_EXCHANGE != 0, noReplace: flags&abi.RENAME_NOREPLACE != 0,
	}
	return r.run()
}

// A rename is one rename in progress.
type rename struct {
	c                   Caller
	cred                *Cred
	oldDir, newDir      *Dentry
	oldName, newName    string
	oldSlash, newSlash  bool // the path had a slash at the end
	exchange, noReplace bool
	src, dst            *Dentry // dst is nil if the new name is free
}

// run locks the directories, an ancestor before its descendant, checks, and
// does it.
func (r *rename) run() error {
	if r.oldDir == r.newDir {
		r.oldDir.sub.op.Lock()
		defer r.oldDir.sub.op.Unlock()
		return r.locked()
	}
	mu := &r.oldDir.super.renameMu
	mu.Lock()
	defer mu.Unlock()
	first, second := r.oldDir, r.newDir
	switch {
	case first.inside(second):
		first, second = second, first
	case !second.inside(first) && second.sub.id < first.sub.id:
		first, second = second, first
	}
	first.sub.op.Lock()
	defer first.sub.op.Unlock()
	second.sub.op.Lock()
	defer second.sub.op.Unlock()
	return r.locked()
}

func (r *rename) locked() error {
	if err := r.find(); err != nil {
		return err
	}
	if r.dst != nil && r.src.inode == r.dst.inode {
		return nil // two names of one file: rename(2)
	}
	if err := r.check(); err != nil {
		return err
	}
	if r.dst != nil && r.dst.isDir() && !r.exchange {
		r.dst.sub.op.Lock()
		defer r.dst.sub.op.Unlock()
	}
	var flags uint32
	if r.exchange {
		flags = abi.RENAME_EXCHANGE
	}
	if err := r.oldDir.sub.dir.Rename(r.c, r.oldName, r.newDir.sub.dir, r.newName, flags); err != nil {
		return err
	}
	if r.exchange {
		exchange(r.src, r.dst)
		return nil
	}
	if r.dst != nil {
		r.newDir.drop(r.dst)
	}
	move(r.src, r.oldDir, r.newDir, r.newName)
	return nil
}

// find looks up both names and checks what does not depend on permissions.
func (r *rename) find() error {
	var err error
	if r.src, err = r.oldDir.lookupLocked(r.c, r.oldName); err != nil {
		return err
	}
	r.dst, err = r.newDir.lookupLocked(r.c, r.newName)
	switch {
	case err == abi.ENOENT:
		r.dst = nil
		if r.exchange {
			return abi.ENOENT
		}
	case err != nil:
		return err
	case r.noReplace:
		return abi.EEXIST
	}
	if r.exchange && !r.dst.isDir() && r.newSlash {
		return abi.ENOTDIR
	}
	if !r.src.isDir() && (r.oldSlash || !r.exchange && r.newSlash) {
		return abi.ENOTDIR
	}
	// Only with two directories is one of them below the other's child.
	if r.oldDir != r.newDir {
		if r.newDir.inside(r.src) {
			return abi.EINVAL
		}
		if r.dst != nil && r.oldDir.inside(r.dst) {
			if r.exchange {
				return abi.EINVAL
			}
			return abi.ENOTEMPTY
		}
	}
	return nil
}

// check does the checks of permissions and kinds.
func (r *rename) check() error {
	if err := mayRemove(r.cred, r.oldDir, r.src, r.src.isDir()); err != nil {
		return err
	}
	var err error
	switch {
	case r.dst == nil:
		err = mayCreate(r.cred, r.newDir)
	case r.exchange:
		err = mayRemove(r.cred, r.newDir, r.dst, r.dst.isDir())
	default:
		err = mayRemove(r.cred, r.newDir, r.dst, r.src.isDir())
	}
	if err != nil {
		return err
	}
	if r.oldDir != r.newDir { // ".." of a directory that moves is written to
		if r.src.isDir() {
			if err := r.src.permission(r.cred, MayWrite); err != nil {
				return err
			}
		}
		if r.exchange && r.dst.isDir() {
			if err := r.dst.permission(r.cred, MayWrite); err != nil {
				return err
			}
		}
	}
	if r.src.mounts.Load() > 0 || r.dst != nil && r.dst.mounts.Load() > 0 {
		return abi.EBUSY
	}
	return nil
}
