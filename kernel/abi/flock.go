package abi

import "encoding/binary"

// SizeofFlock is the size of struct flock.
const SizeofFlock = 32

// Flock is struct flock: fcntl(2), record locks.
type Flock struct {
	Type, Whence int16
	Start, Len   int64
	PID          int32
}

// MarshalTo writes f into b, which holds at least SizeofFlock bytes.
func (f *Flock) MarshalTo(b []byte) {
	b = b[:SizeofFlock]
	clear(b)
	le := binary.LittleEndian
	le.PutUint16(b[0:], uint16(f.Type))
	le.PutUint16(b[2:], uint16(f.Whence))
	le.PutUint64(b[8:], uint64(f.Start))
	le.PutUint64(b[16:], uint64(f.Len))
	le.PutUint32(b[24:], uint32(f.PID))
}

// Unmarshal reads what MarshalTo writes.
func (f *Flock) Unmarshal(b []byte) {
	b = b[:SizeofFlock]
	le := binary.LittleEndian
	f.Type = int16(le.Uint16(b[0:]))
	f.Whence = int16(le.Uint16(b[2:]))
	f.Start = int64(le.Uint64(b[8:]))
	f.Len = int64(le.Uint64(b[16:]))
	f.PID = int32(le.Uint32(b[24:]))
}
