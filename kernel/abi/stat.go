package abi

import "encoding/binary"

// SizeofStat is the size of struct stat.
const SizeofStat = 144

// Stat is struct stat: stat(2).
type Stat struct {
	Dev, Ino, Nlink  uint64
	Mode, UID, GID   uint32
	Rdev             uint64
	Size             int64
	Blksize          int64
	Blocks           int64 // units of 512 bytes
	Atim, Mtim, Ctim Timespec
}

// MarshalTo writes s into b, which holds at least SizeofStat bytes.
func (s *Stat) MarshalTo(b []byte) {
	b = b[:SizeofStat]
	le := binary.LittleEndian
	le.PutUint64(b[0:], s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint64(b[16:], s.Nlink)
	le.PutUint32(b[24:], s.Mode)
	le.PutUint32(b[28:], s.UID)
	le.PutUint32(b[32:], s.GID)
	le.PutUint32(b[36:], 0)
	le.PutUint64(b[40:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint64(b[56:], uint64(s.Blksize))
	le.PutUint64(b[64:], uint64(s.Blocks))
	s.Atim.MarshalTo(b[72:])
	s.Mtim.MarshalTo(b[88:])
	s.Ctim.MarshalTo(b[104:])
	clear(b[120:144])
}

// Unmarshal reads what MarshalTo writes.
func (s *Stat) Unmarshal(b []byte) {
	b = b[:SizeofStat]
	le := binary.LittleEndian
	s.Dev = le.Uint64(b[0:])
	s.Ino = le.Uint64(b[8:])
	s.Nlink = le.Uint64(b[16:])
	s.Mode = le.Uint32(b[24:])
	s.UID = le.Uint32(b[28:])
	s.GID = le.Uint32(b[32:])
	s.Rdev = le.Uint64(b[40:])
	s.Size = int64(le.Uint64(b[48:]))
	s.Blksize = int64(le.Uint64(b[56:]))
	s.Blocks = int64(le.Uint64(b[64:]))
	s.Atim.Unmarshal(b[72:])
	s.Mtim.Unmarshal(b[88:])
	s.Ctim.Unmarshal(b[104:])
}

// MakeDev returns the device number of major and minor as user space encodes
// it: makedev(3).
func MakeDev(major, minor uint32) uint64 {
	maj, min := uint64(major), uint64(minor)
	return maj&0xfff<<8 | maj&^0xfff<<32 | min&0xff | min&^0xff<<12
}

// Major returns the major number of dev: major(3).
func Major(dev uint64) uint32 { return uint32(dev>>8&0xfff | dev>>32&^0xfff) }

// Minor returns the minor number of dev: minor(3).
func Minor(dev uint64) uint32 { return uint32(dev&0xff | dev>>12&^0xff) }
