package abi

import "encoding/binary"

// SizeofIovec is the size of struct iovec.
const SizeofIovec = 16

// Iovec is struct iovec: readv(2).
type Iovec struct {
	Base uintptr
	Len  uint64
}

// MarshalTo writes v into b, which holds at least SizeofIovec bytes.
func (v *Iovec) MarshalTo(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(v.Base))
	binary.LittleEndian.PutUint64(b[8:], v.Len)
}

// Unmarshal reads what MarshalTo writes.
func (v *Iovec) Unmarshal(b []byte) {
	v.Base = uintptr(binary.LittleEndian.Uint64(b[0:]))
	v.Len = binary.LittleEndian.Uint64(b[8:])
}
