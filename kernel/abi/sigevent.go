package abi

import "encoding/binary"

// SizeofSigevent is the size of struct sigevent.
const SizeofSigevent = 64

// Ways of notification of sigevent(7).
const (
	SIGEV_SIGNAL    = 0
	SIGEV_NONE      = 1
	SIGEV_THREAD    = 2
	SIGEV_THREAD_ID = 4
)

// Sigevent is struct sigevent: timer_create(2).
type Sigevent struct {
	Value  uint64
	Signo  int32
	Notify int32
	TID    int32 // with SIGEV_THREAD_ID
}

// Unmarshal reads a struct sigevent from b, which holds SizeofSigevent bytes.
func (e *Sigevent) Unmarshal(b []byte) {
	b = b[:SizeofSigevent]
	le := binary.LittleEndian
	e.Value = le.Uint64(b[0:])
	e.Signo = int32(le.Uint32(b[8:]))
	e.Notify = int32(le.Uint32(b[12:]))
	e.TID = int32(le.Uint32(b[16:]))
}
