package vfs

import (
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// TimeNow stands for the present time in Utimes.
const TimeNow int64 = math.MinInt64

// KeepID as user or group leaves it as it is in Chown.
const KeepID = math.MaxUint32

// Chmod changes permissions: chmod(2).
func Chmod(c Caller, p Path, mode uint32) error {
	if p.Dentry.link != nil {
		return abi.ENOTSUP
	}
	if err := p.Mount.beginWrite(); err != nil {
		return err
	}
	defer p.Mount.endWrite()
	cred := c.Cred()
	_, uid, gid := p.Dentry.owner()
	if !isOwner(cred, uid) {
		return abi.EPERM
	}
	mode &= 0o7777
	if !cred.InGroup(gid) && !cred.HasCap(abi.CAP_FSETID) {
		mode &^= abi.S_ISGID
	}
	return p.Dentry.inode.SetAttr(c, SetAttr{Mask: AttrMode, Mode: mode})
}

// Chown changes owner and group, either of which may be KeepID: chown(2). The
// set-ID bits of a file other than a directory are cleared.
func Chown(c Caller, p Path, uid, gid uint32) error {
	if err := p.Mount.beginWrite(); err != nil {
		return err
	}
	defer p.Mount.endWrite()
	cred := c.Cred()
	mode, oldUID, oldGID := p.Dentry.owner()
	s := SetAttr{Mask: AttrCtime, Ctime: ktime.Real()}
	if !cred.HasCap(abi.CAP_CHOWN) {
		if uid != KeepID && (cred.FSUID != oldUID || uid != oldUID) {
			return abi.EPERM
		}
		if gid != KeepID && (cred.FSUID != oldUID || gid != oldGID && !cred.InGroup(gid)) {
			return abi.EPERM
		}
	}
	if uid != KeepID {
		s.Mask, s.UID = s.Mask|AttrUID, uid
	}
	if gid != KeepID {
		s.Mask, s.GID = s.Mask|AttrGID, gid
	}
	if mode&abi.S_IFMT != abi.S_IFDIR {
		if m := withoutSetID(cred, mode, oldGID); m != mode {
			if !isOwner(cred, oldUID) {
				return abi.EPERM
			}
			s.Mask, s.Mode = s.Mask|AttrMode, m&0o7777
		}
	}
	return p.Dentry.inode.SetAttr(c, s)
}

// withoutSetID returns mode without the bits that a change of owner or contents
// takes away: set-user-ID, and set-group-ID if the group may execute the file
// or cred could not set it.
func withoutSetID(cred *Cred, mode, gid uint32) uint32 {
	mode &^= abi.S_ISUID
	if mode&abi.S_IXGRP != 0 || !cred.InGroup(gid) && !cred.HasCap(abi.CAP_FSETID) {
		mode &^= abi.S_ISGID
	}
	return mode
}

// dropSetID takes the set-ID bits from a regular file that c writes to.
func (d *Dentry) dropSetID(c Caller) error {
	mode, _, gid := d.owner()
	if mode&(abi.S_ISUID|abi.S_ISGID) == 0 || mode&abi.S_IFMT != abi.S_IFREG {
		return nil
	}
	cred := c.Cred()
	if cred.HasCap(abi.CAP_FSETID) {
		return nil
	}
	m := withoutSetID(cred, mode, gid)
	if m == mode {
		return nil
	}
	return d.inode.SetAttr(c, SetAttr{Mask: AttrMode, Mode: m & 0o7777})
}

// Utimes changes access and modification time: utimensat(2). nil leaves a time
// as it is and TimeNow means now.
func Utimes(c Caller, p Path, atime, mtime *int64) error {
	if atime == nil && mtime == nil {
		return nil
	}
	if err := p.Mount.beginWrite(); err != nil {
		return err
	}
	defer p.Mount.endWrite()
	cred := c.Cred()
	if _, uid, _ := p.Dentry.owner(); !isOwner(cred, uid) {
		if atime == nil || mtime == nil || *atime != TimeNow || *mtime != TimeNow {
			return abi.EPERM
		}
		if err := p.Dentry.permission(cred, MayWrite); err != nil {
			return err
		}
	}
	now := ktime.Real()
	s := SetAttr{Mask: AttrCtime, Ctime: now}
	set := func(mask AttrMask, to *int64, t *int64) {
		if t == nil {
			return
		}
		s.Mask |= mask
		if *to = *t; *t == TimeNow {
			*to = now
		}
	}
	set(AttrAtime, &s.Atime, atime)
	set(AttrMtime, &s.Mtime, mtime)
	return p.Dentry.inode.SetAttr(c, s)
}

// Truncate sets the size of the regular file at p: truncate(2).
func Truncate(c Caller, p Path, size int64) error {
	if size < 0 {
		return abi.EINVAL
	}
	mode, _, _ := p.Dentry.owner()
	switch mode & abi.S_IFMT {
	case abi.S_IFREG:
	case abi.S_IFDIR:
		return abi.EISDIR
	default:
		return abi.EINVAL
	}
	if err := p.Mount.beginWrite(); err != nil {
		return err
	}
	defer p.Mount.endWrite()
	if err := p.Dentry.permission(c.Cred(), MayWrite); err != nil {
		return err
	}
	state := stateOf(p.Dentry.inode)
	if err := state.startWriting(); err != nil {
		return err
	}
	defer state.stopWriting()
	return p.Dentry.truncate(c, size)
}

// truncate sets the size for a caller who may write to the file.
func (d *Dentry) truncate(c Caller, size int64) error {
	a := d.inode.Attr()
	if size > a.Size {
		if limit := c.FileSizeLimit(); uint64(size) > limit {
			return abi.EFBIG
		}
		if s := d.super; s != nil && s.MaxSize != 0 && size > s.MaxSize {
			return abi.EFBIG
		}
	}
	if err := d.dropSetID(c); err != nil {
		return err
	}
	now := ktime.Real()
	return d.inode.SetAttr(c, SetAttr{
		Mask: AttrSize | AttrMtime | AttrCtime, Size: size, Mtime: now, Ctime: now,
	})
}

// touch notes an access to what is at p, as the mount's flags have it.
func touch(p Path) {
	if a := p.Dentry.times; a != nil && p.Mount != nil {
		f := p.Mount.flags.Load()
		if f&abi.MS_NOATIME != 0 || f&abi.MS_NODIRATIME != 0 && p.Dentry.isDir() {
			return
		}
		if a.AtimeDue(f&abi.MS_STRICTATIME != 0) {
			p.Mount.touch(a)
		}
	}
}

// touch updates the access time of an inode if it can be changed through m.
func (m *Mount) touch(a Accessed) {
	if m.beginWrite() == nil {
		a.TouchAtime()
		m.endWrite()
	}
}
