package abi

import "encoding/binary"

// SizeofTimex is the size of struct timex.
const SizeofTimex = 208

// Modes and states of adjtimex(2).
const (
	STA_UNSYNC = 0x40
	TIME_OK    = 0
	TIME_ERROR = 5
)

// Timex is struct timex: adjtimex(2).
type Timex struct {
	Modes                  uint32
	Offset, Freq           int64
	Maxerror, Esterror     int64 // microseconds
	Status                 int32
	Constant, Precision    int64
	Tolerance              int64
	Time                   Timeval
	Tick                   int64 // microseconds between ticks
	Ppsfreq, Jitter        int64
	Shift                  int32
	Stabil, Jitcnt         int64
	Calcnt, Errcnt, Stbcnt int64
	Tai                    int32
}

// MarshalTo writes t into b, which holds at least SizeofTimex bytes.
func (t *Timex) MarshalTo(b []byte) {
	b = b[:SizeofTimex]
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b[0:], t.Modes)
	for i, v := range [...]int64{t.Offset, t.Freq, t.Maxerror, t.Esterror} {
		le.PutUint64(b[8+8*i:], uint64(v))
	}
	le.PutUint32(b[40:], uint32(t.Status))
	for i, v := range [...]int64{t.Constant, t.Precision, t.Tolerance, t.Time.Sec, t.Time.Usec, t.Tick, t.Ppsfreq, t.Jitter} {
		le.PutUint64(b[48+8*i:], uint64(v))
	}
	le.PutUint32(b[112:], uint32(t.Shift))
	for i, v := range [...]int64{t.Stabil, t.Jitcnt, t.Calcnt, t.Errcnt, t.Stbcnt} {
		le.PutUint64(b[120+8*i:], uint64(v))
	}
	le.PutUint32(b[160:], uint32(t.Tai))
}
