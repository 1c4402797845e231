package abi

import "encoding/binary"

// SizeofOpenHow is the size of struct open_how.
const SizeofOpenHow = 24

// OpenHow is struct open_how: openat2(2).
type OpenHow struct{ Flags, Mode, Resolve uint64 }

// Unmarshal reads a struct open_how from b, which holds SizeofOpenHow bytes.
func (h *OpenHow) Unmarshal(b []byte) {
	b = b[:SizeofOpenHow]
	h.Flags = binary.LittleEndian.Uint64(b[0:])
	h.Mode = binary.LittleEndian.Uint64(b[8:])
	h.Resolve = binary.LittleEndian.Uint64(b[16:])
}
