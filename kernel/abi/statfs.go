package abi

import "encoding/binary"

// SizeofStatfs is the size of struct statfs.
const SizeofStatfs = 120

// Statfs is struct statfs: statfs(2).
type Statfs struct {
	Type                   int64 // one of the *_MAGIC numbers
	Bsize                  int64
	Blocks, Bfree, Bavail  uint64 // units of Bsize
	Files, Ffree           uint64
	Fsid                   uint64
	Namelen, Frsize, Flags int64 // Flags are ST_* bits
}

// ST_VALID in Statfs.Flags tells that the other flags are meant.
const ST_VALID = 0x20

// MarshalTo writes s into b, which holds at least SizeofStatfs bytes.
func (s *Statfs) MarshalTo(b []byte) {
	b = b[:SizeofStatfs]
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(s.Type))
	le.PutUint64(b[8:], uint64(s.Bsize))
	le.PutUint64(b[16:], s.Blocks)
	le.PutUint64(b[24:], s.Bfree)
	le.PutUint64(b[32:], s.Bavail)
	le.PutUint64(b[40:], s.Files)
	le.PutUint64(b[48:], s.Ffree)
	le.PutUint64(b[56:], s.Fsid)
	le.PutUint64(b[64:], uint64(s.Namelen))
	le.PutUint64(b[72:], uint64(s.Frsize))
	le.PutUint64(b[80:], uint64(s.Flags))
	clear(b[88:120])
}
