package vfs

import "kevlar/kernel/abi"

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
