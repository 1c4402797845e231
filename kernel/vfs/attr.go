package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

// Attr is what stat(2) tells about an inode. Device numbers are encoded as
// abi.MakeDev does.
type Attr struct {
	Dev, Ino uint64
	Mode     uint32 // type (S_IFMT) and permissions
	Nlink    uint32
	UID, GID uint32
	Rdev     uint64 // of a device node
	Size     int64
	Blocks   int64  // units of 512 bytes
	BlkSize  uint32 // preferred size of I/O
	// Times are nanoseconds since the Epoch.
	Atime, Mtime, Ctime, Btime int64
}

// IsDir reports whether a describes a directory.
func (a *Attr) IsDir() bool { return a.Mode&abi.S_IFMT == abi.S_IFDIR }

// IsRegular reports whether a describes a regular file.
func (a *Attr) IsRegular() bool { return a.Mode&abi.S_IFMT == abi.S_IFREG }

// AttrMask tells which fields of a SetAttr are meant.
type AttrMask uint32

// The fields of a SetAttr.
const (
	AttrMode AttrMask = 1 << iota // permissions only; the type stays
	AttrUID
	AttrGID
	AttrSize
	AttrAtime
	AttrMtime
	AttrCtime
)

// SetAttr is a change of attributes. An inode that applies any of them sets
// its ctime to AttrCtime's value, or to now if that is not in the mask.
type SetAttr struct {
	Mask                AttrMask
	Mode                uint32
	UID, GID            uint32
	Size                int64
	Atime, Mtime, Ctime int64 // nanoseconds since the Epoch
}

// Apply changes a as s says, but for the size.
func (s *SetAttr) Apply(a *Attr) {
	if s.Mask&AttrMode != 0 {
		a.Mode = a.Mode&abi.S_IFMT | s.Mode&^abi.S_IFMT
	}
	if s.Mask&AttrUID != 0 {
		a.UID = s.UID
	}
	if s.Mask&AttrGID != 0 {
		a.GID = s.GID
	}
	if s.Mask&AttrAtime != 0 {
		a.Atime = s.Atime
	}
	if s.Mask&AttrMtime != 0 {
		a.Mtime = s.Mtime
	}
	if s.Mask&AttrCtime != 0 {
		a.Ctime = s.Ctime
	} else if s.Mask != 0 {
		a.Ctime = ktime.Real()
	}
}
