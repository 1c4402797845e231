package vfs

import (
	"strconv"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// anonSuper returns the file system of inodes that have no name.
var anonSuper = sync.OnceValue(func() *Super {
	return &Super{Dev: NewDev(), FSType: "anon_inodefs", Medium: Memory}
})

var lastAnonIno atomic.Uint64

// An AnonInode is the inode of a file without a name: a pipe, a socket, an
// epoll instance.
type AnonInode struct {
	State
	class string
	mu    sync.Mutex
	attr  Attr // guarded by mu
}

// NewAnonInode returns an inode with mode, type included, that shows in
// /proc/PID/fd as "class:[number]".
func NewAnonInode(class string, mode uint32) *AnonInode {
	now := ktime.Real()
	return &AnonInode{class: class, attr: Attr{
		Dev: anonSuper().Dev, Ino: lastAnonIno.Add(1), Mode: mode, Nlink: 1, BlkSize: 4096,
		Atime: now, Mtime: now, Ctime: now, Btime: now,
	}}
}

// SetOwner makes c's user the owner: pipes and sockets belong to who made them.
func (i *AnonInode) SetOwner(c Caller) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.attr.UID, i.attr.GID = c.Cred().FSUID, c.Cred().FSGID
}

// Attr returns the attributes.
func (i *AnonInode) Attr() Attr {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.attr
}

// SetAttr changes attributes.
func (i *AnonInode) SetAttr(_ Caller, s SetAttr) error {
	if s.Mask&AttrSize != 0 {
		return abi.EINVAL
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	s.Apply(&i.attr)
	return nil
}

// FS returns the file system of such inodes.
func (i *AnonInode) FS() *Super { return anonSuper() }

// Open opens a pipe anew, which /proc/PID/fd makes possible; for everything
// else it answers ENXIO.
func (i *AnonInode) Open(c Caller, f *File) (FileOps, error) { return OpenSpecial(c, f, i) }

// NewFile returns an open file of the inode with one reference, charged to c's
// user: ENFILE.
func (i *AnonInode) NewFile(c Caller, ops FileOps, flags int) (*File, error) {
	d := newDentry(anonSuper(), nil, i.class+":["+strconv.FormatUint(i.attr.Ino, 10)+"]", i)
	return NewFile(c, ops, i, Path{nil, d}, flags)
}

// sharedInode is what all files of NewAnonFile have in common.
var sharedInode = sync.OnceValue(func() *AnonInode { return NewAnonInode("anon_inode", 0o600) })

// NewAnonFile returns an open file with one reference that needs no inode of
// its own and shows in /proc/PID/fd as "anon_inode:[name]". It is charged to c's
// user: ENFILE.
func NewAnonFile(c Caller, name string, ops FileOps, flags int) (*File, error) {
	i := sharedInode()
	d := newDentry(anonSuper(), nil, "anon_inode:["+name+"]", i)
	return NewFile(c, ops, i, Path{nil, d}, flags)
}

// NewShownFile returns an open file with one reference of an inode that has no
// name, and shows in /proc/PID/fd as the text given: memfd_create(2). It is
// charged to c's user: ENFILE.
func NewShownFile(c Caller, text string, ops FileOps, inode Inode, flags int) (*File, error) {
	f, err := NewFile(c, ops, inode, Path{nil, newDentry(inode.FS(), nil, text, inode)}, flags)
	if p, ok := inode.(Pinned); ok && err != nil && p.Pin() == nil {
		p.Unpin() // an inode without a name ends here
	}
	return f, err
}
