package vfs

import "kevlar/kernel/abi"

// An Inode is a file of a file system, whatever its names. Its methods do no
// permission checks: package vfs has done them. They return abi.Errno values
// and may be called by many threads at once.
//
// A pointer type must implement it: inodes are compared with ==.
type Inode interface {
	// Attr returns the attributes.
	Attr() Attr
	// SetAttr changes attributes, all or none.
	SetAttr(c Caller, s SetAttr) error
	// FS returns the file system that the inode is part of.
	FS() *Super
	// Open returns the operations of a new open file description f, of
	// which only flags, path and inode are set. For a device node, FIFO or
	// socket it calls OpenSpecial. It may sleep on c.Sleeper.
	Open(c Caller, f *File) (FileOps, error)
}

// A Dir is a directory. Package vfs holds the directory's lock, exclusively
// for calls that change it, and has checked that names are well-formed (1 to
// 255 bytes, no slash, neither "." nor "..") and that a name to be created is
// not there.
type Dir interface {
	Inode
	// Lookup returns the inode with the name, or ENOENT.
	Lookup(c Caller, name string) (Inode, error)
	// Create makes a regular file. mode has the umask applied; owner and
	// group are set as NewOwner says.
	Create(c Caller, name string, mode uint32) (Inode, error)
	Mkdir(c Caller, name string, mode uint32) (Inode, error)
	// Mknod makes a device node, FIFO or socket; mode includes the type.
	Mknod(c Caller, name string, mode uint32, rdev uint64) (Inode, error)
	Symlink(c Caller, name, target string) (Inode, error)
	// Link adds a name to target, which is of the same file system and not
	// a directory.
	Link(c Caller, name string, target Inode) error
	// Unlink removes the name of an inode other than a directory.
	Unlink(c Caller, name string) error
	// Rmdir removes an empty directory (ENOTEMPTY).
	Rmdir(c Caller, name string) error
	// Rename moves a name, and removes or exchanges what had the new one.
	// Kinds have been checked to fit; newDir is of the same file system.
	// flags are RENAME_EXCHANGE or 0. A directory to be replaced must be
	// empty (ENOTEMPTY).
	Rename(c Caller, oldName string, newDir Dir, newName string, flags uint32) error
	// ReadDir calls emit for the entries from position pos on, without "."
	// and "..", until emit returns false or there are no more. It returns
	// the position of the first entry that emit has not accepted. The
	// position before the first entry is FirstPos; others are larger and
	// the file system's own. An entry that stays keeps its position.
	ReadDir(c Caller, pos int64, emit func(DirEntry) bool) (int64, error)
}

// FirstPos is the position of a directory's first entry for Dir.ReadDir;
// positions 0 and 1 are "." and "..".
const FirstPos = 2

// A DirEntry is one entry of a directory.
type DirEntry struct {
	Name string
	Ino  uint64
	Type uint8 // DT_*
	Next int64 // position of the entry that follows
}

// DType returns the DT_ constant of a mode's type.
func DType(mode uint32) uint8 { return uint8(mode & abi.S_IFMT >> 12) }

// A Link is a symbolic link.
type Link interface {
	Inode
	Readlink(c Caller) (string, error)
}

// A MagicLink is a symbolic link that leads to an object rather than to a
// name, such as those of /proc/PID/fd. Readlink only describes the object.
type MagicLink interface {
	Link
	Target(c Caller) (Path, error)
}

// Optional interfaces of an Inode.
type (
	// Pinned is an inode whose contents are freed when its last name is
	// gone, but not before the last Unpin. Every open file pins its inode.
	// Pin fails with ENOENT if the contents are gone.
	Pinned interface {
		Pin() error
		Unpin()
	}
	// Owned is an inode that tells what permission checks need without
	// making a whole Attr.
	Owned interface {
		Owner() (mode, uid, gid uint32)
	}
	// Accessed is an inode that keeps access times. After a successful read
	// AtimeDue is asked whether the rules of relatime, or strict ones, need an
	// update, and then TouchAtime makes it under a write intent.
	Accessed interface {
		AtimeDue(strict bool) bool
		TouchAtime()
	}
	// Stateful is an inode that supports locks, ETXTBSY and FIFOs. An inode
	// gets it by embedding a State.
	Stateful interface {
		VFSState() *State
	}
	// TmpfileDir is a directory that makes files without a name: O_TMPFILE.
	// linkable tells whether linkat(2) may give it one.
	TmpfileDir interface {
		Tmpfile(c Caller, mode uint32, linkable bool) (Inode, error)
	}
	// Permitter is an inode with permission rules of its own. mask is of
	// MayRead, MayWrite and MayExec.
	Permitter interface {
		Permission(cred *Cred, mask uint32) error
	}
)

// ReadOnlyDir answers the changing methods of a Dir for a file system whose
// directories cannot be changed through it. Embed it.
type ReadOnlyDir struct{}

// Create refuses with EACCES, for open(2) to say so.
func (ReadOnlyDir) Create(Caller, string, uint32) (Inode, error) { return nil, abi.EACCES }

// Mkdir refuses with EPERM.
func (ReadOnlyDir) Mkdir(Caller, string, uint32) (Inode, error) { return nil, abi.EPERM }

// Mknod refuses with EPERM.
func (ReadOnlyDir) Mknod(Caller, string, uint32, uint64) (Inode, error) { return nil, abi.EPERM }

// Symlink refuses with EPERM.
func (ReadOnlyDir) Symlink(Caller, string, string) (Inode, error) { return nil, abi.EPERM }

// Link refuses with EPERM.
func (ReadOnlyDir) Link(Caller, string, Inode) error { return abi.EPERM }

// Unlink refuses with EPERM.
func (ReadOnlyDir) Unlink(Caller, string) error { return abi.EPERM }

// Rmdir refuses with EPERM.
func (ReadOnlyDir) Rmdir(Caller, string) error { return abi.EPERM }

// Rename refuses with EPERM.
func (ReadOnlyDir) Rename(Caller, string, Dir, string, uint32) error { return abi.EPERM }

// NewOwner returns owner, group and mode of an inode that c makes in a
// directory: a set-group-ID directory hands on its group, and the bit too to
// directories; inode(7).
func NewOwner(c Caller, dir *Attr, mode uint32) (newMode, uid, gid uint32) {
	cred := c.Cred()
	uid, gid = cred.FSUID, cred.FSGID
	if dir.Mode&abi.S_ISGID != 0 {
		gid = dir.GID
		if mode&abi.S_IFMT == abi.S_IFDIR {
			mode |= abi.S_ISGID
		} else if mode&(abi.S_ISGID|abi.S_IXGRP) == abi.S_ISGID|abi.S_IXGRP &&
			!cred.InGroup(gid) && !cred.HasCap(abi.CAP_FSETID) {
			mode &^= abi.S_ISGID
		}
	}
	return mode, uid, gid
}
