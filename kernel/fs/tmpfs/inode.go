package tmpfs

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
)

// An inode is what all kinds of files have in common.
type inode struct {
	vfs.State
	fs  *fileSystem
	ino uint64
	charge

	mode     atomic.Uint32 // type, which never changes, and permissions
	uid, gid atomic.Uint32

	// Times are nanoseconds since the Epoch.
	atime, mtime, ctime atomic.Int64
	btime               int64

	mu       sync.Mutex
	nlink    uint32 // guarded by mu, as are all below
	pins     int32
	linkable bool // may get a name though it has none: O_TMPFILE
	freed    bool // the contents have gone
}

// A node is a file of any kind.
type node interface {
	vfs.Inode
	base() *inode
	// free gives up the contents. It is called once, when there is neither
	// name nor user.
	free()
}

// init sets up i, which is new, with one link for each kind but directories.
// The inode has been counted by fs.newInode.
func (i *inode) init(fs *fileSystem, c vfs.Caller, dir *inode, mode uint32) {
	i.fs, i.ino, i.nlink = fs, fs.lastIno.Add(1), 1
	cred := c.Cred()
	uid, gid := cred.FSUID, cred.FSGID
	if dir != nil {
		mode, uid, gid = vfs.NewOwner(c, &vfs.Attr{Mode: dir.mode.Load(), GID: dir.gid.Load()}, mode)
	}
	i.mode.Store(mode)
	i.uid.Store(uid)
	i.gid.Store(gid)
	i.btime = ktime.Real()
	i.atime.Store(i.btime)
	i.mtime.Store(i.btime)
	i.ctime.Store(i.btime)
}

func (i *inode) base() *inode { return i }

// FS returns the file system.
func (i *inode) FS() *vfs.Super { return &i.fs.super }

// Owner returns what permission checks need.
func (i *inode) Owner() (mode, uid, gid uint32) {
	return i.mode.Load(), i.uid.Load(), i.gid.Load()
}

// attr returns the attributes but for size and blocks.
func (i *inode) attr() vfs.Attr {
	i.mu.Lock()
	nlink := i.nlink
	i.mu.Unlock()
	return vfs.Attr{
		Dev: i.fs.super.Dev, Ino: i.ino, Mode: i.mode.Load(), Nlink: nlink,
		UID: i.uid.Load(), GID: i.gid.Load(), BlkSize: pageSize,
		Atime: i.atime.Load(), Mtime: i.mtime.Load(), Ctime: i.ctime.Load(), Btime: i.btime,
	}
}

// Attr returns the attributes of an inode without contents.
func (i *inode) Attr() vfs.Attr { return i.attr() }

// SetAttr changes everything but the size.
func (i *inode) SetAttr(_ vfs.Caller, s vfs.SetAttr) error {
	if s.Mask&vfs.AttrSize != 0 {
		return abi.EINVAL
	}
	i.apply(s)
	return nil
}

// apply changes attributes other than the size.
func (i *inode) apply(s vfs.SetAttr) {
	if s.Mask&vfs.AttrMode != 0 {
		i.mode.Store(i.mode.Load()&abi.S_IFMT | s.Mode&0o7777)
	}
	if s.Mask&vfs.AttrUID != 0 {
		i.uid.Store(s.UID)
	}
	if s.Mask&vfs.AttrGID != 0 {
		i.gid.Store(s.GID)
	}
	if s.Mask&vfs.AttrAtime != 0 {
		i.atime.Store(s.Atime)
	}
	if s.Mask&vfs.AttrMtime != 0 {
		i.mtime.Store(s.Mtime)
	}
	if s.Mask&vfs.AttrCtime != 0 {
		i.ctime.Store(s.Ctime)
	} else {
		i.ctime.Store(ktime.Real())
	}
}

// AtimeDue reports whether the access time is not after the last change, or a day
// old, as relatime has it.
func (i *inode) AtimeDue(strict bool) bool {
	const day = 24 * 60 * 60 * 1e9
	at := i.atime.Load()
	return strict || at <= i.mtime.Load() || at <= i.ctime.Load() || ktime.Real()-at >= day
}

// TouchAtime sets the access time to now.
func (i *inode) TouchAtime() { i.atime.Store(ktime.Real()) }

// changed sets mtime and ctime to now.
func (i *inode) changed() {
	now := ktime.Real()
	i.mtime.Store(now)
	i.ctime.Store(now)
}

// ctimeNow sets ctime to now.
func (i *inode) ctimeNow() { i.ctime.Store(ktime.Real()) }

// Pin keeps the contents until Unpin, which those kinds have that have any.
func (i *inode) Pin() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.freed {
		return abi.ENOENT
	}
	i.pins++
	return nil
}

// unpin drops a pin and reports whether the contents are to be freed.
func (i *inode) unpin() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pins--
	return i.dead()
}

// unlink drops n links. It reports whether any are left, and whether the contents
// are to be freed.
func (i *inode) unlink(n uint32) (left, dead bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.nlink -= n
	i.ctime.Store(ktime.Real())
	return i.nlink > 0, i.dead()
}

// dead reports, once, whether nobody can use i any more. i.mu is held.
func (i *inode) dead() bool {
	if i.nlink > 0 || i.pins > 0 || i.freed {
		return false
	}
	i.freed = true
	return true
}

// dropLinks drops n links of x and frees it if that was all. It reports whether
// any are left.
func dropLinks(x node, n uint32) (left bool) {
	left, dead := x.base().unlink(n)
	if dead {
		x.free()
		x.base().fs.freeInode(x.base().charge)
	}
	return left
}

// dropPin ends one use of x and frees it if that was all.
func dropPin(x node) {
	if x.base().unpin() {
		x.free()
		x.base().fs.freeInode(x.base().charge)
	}
}

// addLink counts another name, and reports whether it is the first.
func (i *inode) addLink() (first bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.nlink == 0 && !i.linkable || i.freed {
		return false, abi.ENOENT
	}
	if i.nlink == maxLinks {
		return false, abi.EMLINK
	}
	i.nlink++
	i.ctime.Store(ktime.Real())
	return i.nlink == 1, nil
}

// maxLinks is far beyond what the limit of inodes allows by default.
const maxLinks = 1<<32 - 1
