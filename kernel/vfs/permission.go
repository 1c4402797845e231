package vfs

import "kevlar/kernel/abi"

// What a thread may want to do with an inode; the values are those of
// access(2).
const (
	MayExec  = 1 // or search a directory
	MayWrite = 2
	MayRead  = 4
)

// permission checks that cred may do all of mask with d's inode, whatever the
// mount says: path_resolution(7), capabilities(7).
func (d *Dentry) permission(cred *Cred, mask uint32) error {
	if d.rules != nil {
		return d.rules.Permission(cred, mask)
	}
	if d.sub != nil && cred.HasCap(abi.CAP_DAC_OVERRIDE) {
		return nil
	}
	mode, uid, gid := d.owner()
	return ModePermission(cred, mode, uid, gid, mask)
}

// owner returns what permission checks need to know.
func (d *Dentry) owner() (mode, uid, gid uint32) {
	if d.owned != nil {
		return d.owned.Owner()
	}
	a := d.inode.Attr()
	return a.Mode, a.UID, a.GID
}

// ModePermission checks that cred may do all of mask with an inode of the given
// mode, type included, and ownership: EACCES.
func ModePermission(cred *Cred, mode, uid, gid, mask uint32) error {
	bits := mode
	switch {
	case cred.FSUID == uid:
		bits >>= 6
	case cred.InGroup(gid):
		bits >>= 3
	}
	if mask&^bits&7 == 0 {
		return nil
	}
	if mode&abi.S_IFMT == abi.S_IFDIR {
		if mask&MayWrite == 0 && cred.HasCap(abi.CAP_DAC_READ_SEARCH) || cred.HasCap(abi.CAP_DAC_OVERRIDE) {
			return nil
		}
		return abi.EACCES
	}
	if mask == MayRead && cred.HasCap(abi.CAP_DAC_READ_SEARCH) {
		return nil
	}
	if (mask&MayExec == 0 || mode&0o111 != 0) && cred.HasCap(abi.CAP_DAC_OVERRIDE) {
		return nil
	}
	return abi.EACCES
}

// allowed checks that cred may do all of mask with what is at p, with respect
// to a read-only mount.
func (p Path) allowed(cred *Cred, mask uint32) error {
	if mask&MayWrite != 0 && p.Mount != nil && p.Mount.ReadOnly() {
		mode, _, _ := p.Dentry.owner()
		switch mode & abi.S_IFMT {
		case abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK:
			return abi.EROFS
		}
	}
	return p.Dentry.permission(cred, mask)
}

// Access checks that c may do all of mask with what is at p: access(2). With
// useReal the real user and group count instead of those for files.
func Access(c Caller, p Path, mask uint32, useReal bool) error {
	cred := c.Cred()
	if useReal && !cred.IsReal() {
		cred = cred.RealCopy()
	}
	if mask&MayExec != 0 && p.Mount != nil && p.Mount.has(abi.MS_NOEXEC) {
		if mode, _, _ := p.Dentry.owner(); mode&abi.S_IFMT == abi.S_IFREG {
			return abi.EACCES
		}
	}
	return p.allowed(cred, mask)
}

// mayCreate checks that names may be added to directory dir.
func mayCreate(cred *Cred, dir *Dentry) error {
	if dir.gone.Load() {
		return abi.ENOENT
	}
	return dir.permission(cred, MayWrite|MayExec)
}

// mayRemove checks that the name of d may be removed from directory dir: with
// the sticky bit only by the owner of either. isDir tells whether d has to be
// a directory, or must not.
func mayRemove(cred *Cred, dir, d *Dentry, isDir bool) error {
	if err := dir.permission(cred, MayWrite|MayExec); err != nil {
		return err
	}
	if mode, uid, _ := dir.owner(); mode&abi.S_ISVTX != 0 && uid != cred.FSUID {
		if _, uid, _ := d.owner(); uid != cred.FSUID && !cred.HasCap(abi.CAP_FOWNER) {
			return abi.EPERM
		}
	}
	if isDir && !d.isDir() {
		return abi.ENOTDIR
	}
	if !isDir && d.isDir() {
		return abi.EISDIR
	}
	return nil
}

// isOwner reports whether cred owns an inode of user uid or may act as owner.
func isOwner(cred *Cred, uid uint32) bool {
	return cred.FSUID == uid || cred.HasCap(abi.CAP_FOWNER)
}
