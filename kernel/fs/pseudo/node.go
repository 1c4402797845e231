// Package pseudo is what file systems are made of whose files are views of
// the kernel: a file's text is made when it is read, a directory is a table,
// or is made up when it is looked at.
//
// Lock order: that of an open text, which is held while its records are made and
// copied to user memory, then whatever a View takes.
package pseudo

import (
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
)

// A Node holds the attributes of an inode. Embed it in what implements the
// rest of vfs.Inode.
type Node struct {
	super    *vfs.Super
	ino      uint64
	mode     uint32
	uid, gid uint32
	nlink    uint32
	size     int64
	time     int64 // all its times: ns since the Epoch
}

// Attributes of a Node that is made.
type Attributes struct {
	Ino      uint64
	Mode     uint32 // type and permissions
	UID, GID uint32
	Nlink    uint32 // 0 is taken as 1
	Size     int64  // what stat(2) shows
}

// NewNode returns a node of the file system s, made now.
func NewNode(s *vfs.Super, a Attributes) Node {
	return Node{
		super: s, ino: a.Ino, mode: a.Mode, uid: a.UID, gid: a.GID,
		nlink: max(a.Nlink, 1), size: a.Size, time: ktime.Real(),
	}
}

// Ino returns the inode number.
func (n *Node) Ino() uint64 { return n.ino }

// SetSize sets what stat(2) shows as the size. It is for nodes that nobody
// else knows yet.
func (n *Node) SetSize(size int64) { n.size = size }

// FS implements vfs.Inode.
func (n *Node) FS() *vfs.Super { return n.super }

// Attr implements vfs.Inode.
func (n *Node) Attr() vfs.Attr {
	return vfs.Attr{
		Dev: n.super.Dev, Ino: n.ino, Mode: n.mode, Nlink: n.nlink, UID: n.uid, GID: n.gid,
		Size: n.size, BlkSize: blockSize,
		Atime: n.time, Mtime: n.time, Ctime: n.time, Btime: n.time,
	}
}

// Owner implements vfs.Owned.
func (n *Node) Owner() (mode, uid, gid uint32) { return n.mode, n.uid, n.gid }

// SetAttr implements vfs.Inode. A view has no attributes that could be set;
// truncating it, as opening it with O_TRUNC does, leaves it as it is.
func (n *Node) SetAttr(_ vfs.Caller, s vfs.SetAttr) error {
	if s.Mask&^(vfs.AttrSize|vfs.AttrMtime|vfs.AttrCtime) != 0 {
		return abi.EPERM
	}
	return nil
}

// blockSize is st_blksize.
const blockSize = 4096

// A Numberer hands out inode numbers from 1 up.
type Numberer struct{ last atomic.Uint64 }

// Next returns a number that was not returned before.
func (n *Numberer) Next() uint64 { return n.last.Add(1) }

// Link is a symbolic link.
type Link struct {
	Node
	read func(c vfs.Caller) (string, error)
}

// NewLink returns a symbolic link whose target read tells.
func NewLink(n Node, read func(c vfs.Caller) (string, error)) *Link {
	return &Link{n, read}
}

// Readlink implements vfs.Link.
func (l *Link) Readlink(c vfs.Caller) (string, error) { return l.read(c) }

// Open implements vfs.Inode. A link is not opened.
func (l *Link) Open(vfs.Caller, *vfs.File) (vfs.FileOps, error) { return nil, abi.ELOOP }

// A MagicLink is a symbolic link that leads to an object.
type MagicLink struct {
	Link
	target func(c vfs.Caller) (vfs.Path, error)
}

// NewMagicLink returns a link to target, which read describes.
func NewMagicLink(n Node, read func(c vfs.Caller) (string, error), target func(c vfs.Caller) (vfs.Path, error)) *MagicLink {
	return &MagicLink{Link{n, read}, target}
}

// Target implements vfs.MagicLink.
func (l *MagicLink) Target(c vfs.Caller) (vfs.Path, error) { return l.target(c) }
