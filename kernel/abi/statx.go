package abi

import "encoding/binary"

// SizeofStatx is the size of struct statx.
const SizeofStatx = 256

// Statx is struct statx: statx(2).
type Statx struct {
	Mask           uint32 // which fields hold a value
	Blksize        uint32
	Attributes     uint64
	Nlink          uint32
	UID, GID       uint32
	Mode           uint16
	Ino            uint64
	Size, Blocks   uint64
	AttributesMask uint64 // which attributes the file system knows
	Atime, Btime   Timespec
	Ctime, Mtime   Timespec
	Rdev, Dev      uint64 // as MakeDev encodes them
	MntID          uint64
}

// MarshalTo writes s into b, which holds at least SizeofStatx bytes.
func (s *Statx) MarshalTo(b []byte) {
	b = b[:SizeofStatx]
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b[0:], s.Mask)
	le.PutUint32(b[4:], s.Blksize)
	le.PutUint64(b[8:], s.Attributes)
	le.PutUint32(b[16:], s.Nlink)
	le.PutUint32(b[20:], s.UID)
	le.PutUint32(b[24:], s.GID)
	le.PutUint16(b[28:], s.Mode)
	le.PutUint64(b[32:], s.Ino)
	le.PutUint64(b[40:], s.Size)
	le.PutUint64(b[48:], s.Blocks)
	le.PutUint64(b[56:], s.AttributesMask)
	s.Atime.marshalStatx(b[64:])
	s.Btime.marshalStatx(b[80:])
	s.Ctime.marshalStatx(b[96:])
	s.Mtime.marshalStatx(b[112:])
	le.PutUint32(b[128:], Major(s.Rdev))
	le.PutUint32(b[132:], Minor(s.Rdev))
	le.PutUint32(b[136:], Major(s.Dev))
	le.PutUint32(b[140:], Minor(s.Dev))
	le.PutUint64(b[144:], s.MntID)
}

// marshalStatx writes struct statx_timestamp, whose nanoseconds are 32 bits.
func (t *Timespec) marshalStatx(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(t.Sec))
	binary.LittleEndian.PutUint32(b[8:], uint32(t.Nsec))
}
