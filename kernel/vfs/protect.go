package vfs

import "kevlar/kernel/abi"

// Links, FIFOs and files that somebody else has laid out in a directory where
// everybody may make names are traps for programs that run with more rights. The
// rules here, settings of /proc/sys/fs described in proc(5), keep from stepping
// on them. They bind the superuser too.

var (
	protectedHardlinks = Setting{Name: "protected_hardlinks", Mode: 0o600, Max: 1}
	protectedSymlinks  = Setting{Name: "protected_symlinks", Mode: 0o600, Max: 1}
	protectedFIFOs     = Setting{Name: "protected_fifos", Mode: 0o600, Max: 2}
	protectedRegular   = Setting{Name: "protected_regular", Mode: 0o600, Max: 2}
)

func init() { // as distributions have them
	protectedHardlinks.value.Store(1)
	protectedSymlinks.value.Store(1)
	protectedFIFOs.value.Store(1)
	protectedRegular.value.Store(2)
}

const stickyShared = abi.S_ISVTX | 0o002

// mayFollow checks that a symbolic link in the last place of a path may be
// followed: in a sticky directory that everybody may write to, only one of the
// caller or of the directory's owner (EACCES).
func mayFollow(cred *Cred, dir, link *Dentry) error {
	if protectedSymlinks.Value() == 0 {
		return nil
	}
	mode, owner, _ := dir.owner()
	if mode&stickyShared != stickyShared {
		return nil
	}
	if _, uid, _ := link.owner(); uid != cred.FSUID && uid != owner {
		return abi.EACCES
	}
	return nil
}

// mayLink checks that p may get another name: by its owner, or if it is a
// regular file without privileges that the caller may read and write (EPERM).
func (p Path) mayLink(cred *Cred) error {
	if protectedHardlinks.Value() == 0 {
		return nil
	}
	mode, uid, _ := p.Dentry.owner()
	if isOwner(cred, uid) {
		return nil
	}
	const groupID = abi.S_ISGID | abi.S_IXGRP
	if mode&abi.S_IFMT != abi.S_IFREG || mode&abi.S_ISUID != 0 || mode&groupID == groupID ||
		p.allowed(cred, MayRead|MayWrite) != nil {
		return abi.EPERM
	}
	return nil
}

// mayReuse checks that O_CREAT may open what is there already: in a sticky
// directory that others may write to, not what belongs to neither the caller nor
// the directory's owner (EACCES).
func mayReuse(cred *Cred, dir, d *Dentry) error {
	mode, uid, _ := d.owner()
	strict := false // for directories that only the group may write to
	switch mode & abi.S_IFMT {
	case abi.S_IFIFO:
		if protectedFIFOs.Value() == 0 {
			return nil
		}
		strict = protectedFIFOs.Value() >= 2
	case abi.S_IFREG:
		if protectedRegular.Value() == 0 {
			return nil
		}
		strict = protectedRegular.Value() >= 2
	}
	dirMode, owner, _ := dir.owner()
	if dirMode&abi.S_ISVTX == 0 || uid == owner || uid == cred.FSUID {
		return nil
	}
	if dirMode&0o002 != 0 || strict && dirMode&0o020 != 0 {
		return abi.EACCES
	}
	return nil
}
