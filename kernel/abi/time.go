package abi

import "encoding/binary"

// The sizes of the structures of time.
const (
	SizeofTimespec   = 16
	SizeofTimeval    = 16
	SizeofItimerval  = 32
	SizeofItimerspec = 32
	SizeofTimezone   = 8
)

// maxSeconds keeps a number of seconds within what nanoseconds in an int64
// can express.
const maxSeconds = (1<<63 - 1) / 1_000_000_000

// Timespec is struct timespec.
type Timespec struct{ Sec, Nsec int64 }

// NsToTimespec returns ns nanoseconds as a Timespec whose Nsec is in
// [0, 1e9).
func NsToTimespec(ns int64) Timespec {
	s, r := floorDiv(ns, 1e9)
	return Timespec{s, r}
}

// Valid reports whether t is a time that Linux accepts: not negative, and
// less than a second of nanoseconds.
func (t Timespec) Valid() bool { return t.Sec >= 0 && uint64(t.Nsec) < 1e9 }

// Ns returns t in nanoseconds, saturated at the largest int64.
func (t Timespec) Ns() int64 {
	if t.Sec >= maxSeconds {
		return 1<<63 - 1
	}
	return t.Sec*1e9 + t.Nsec
}

// MarshalTo writes t into b, which holds at least SizeofTimespec bytes.
func (t *Timespec) MarshalTo(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(t.Sec))
	binary.LittleEndian.PutUint64(b[8:], uint64(t.Nsec))
}

// Unmarshal reads what MarshalTo writes.
func (t *Timespec) Unmarshal(b []byte) {
	t.Sec = int64(binary.LittleEndian.Uint64(b[0:]))
	t.Nsec = int64(binary.LittleEndian.Uint64(b[8:]))
}

// Timeval is struct timeval.
type Timeval struct{ Sec, Usec int64 }

// NsToTimeval returns ns nanoseconds as a Timeval, rounded down.
func NsToTimeval(ns int64) Timeval {
	s, r := floorDiv(ns, 1e9)
	return Timeval{s, r / 1000}
}

// Valid reports whether t is a time that Linux accepts.
func (t Timeval) Valid() bool { return t.Sec >= 0 && uint64(t.Usec) < 1e6 }

// Ns returns t in nanoseconds, saturated at the largest int64.
func (t Timeval) Ns() int64 {
	if t.Sec >= maxSeconds {
		return 1<<63 - 1
	}
	return t.Sec*1e9 + t.Usec*1e3
}

// MarshalTo writes t into b, which holds at least SizeofTimeval bytes.
func (t *Timeval) MarshalTo(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(t.Sec))
	binary.LittleEndian.PutUint64(b[8:], uint64(t.Usec))
}

// Unmarshal reads what MarshalTo writes.
func (t *Timeval) Unmarshal(b []byte) {
	t.Sec = int64(binary.LittleEndian.Uint64(b[0:]))
	t.Usec = int64(binary.LittleEndian.Uint64(b[8:]))
}

// Itimerval is struct itimerval: setitimer(2).
type Itimerval struct{ Interval, Value Timeval }

// MarshalTo writes t into b, which holds at least SizeofItimerval bytes.
func (t *Itimerval) MarshalTo(b []byte) {
	t.Interval.MarshalTo(b[0:])
	t.Value.MarshalTo(b[16:])
}

// Unmarshal reads what MarshalTo writes.
func (t *Itimerval) Unmarshal(b []byte) {
	t.Interval.Unmarshal(b[0:])
	t.Value.Unmarshal(b[16:])
}

// Itimerspec is struct itimerspec: timer_settime(2).
type Itimerspec struct{ Interval, Value Timespec }

// MarshalTo writes t into b, which holds at least SizeofItimerspec bytes.
func (t *Itimerspec) MarshalTo(b []byte) {
	t.Interval.MarshalTo(b[0:])
	t.Value.MarshalTo(b[16:])
}

// Unmarshal reads what MarshalTo writes.
func (t *Itimerspec) Unmarshal(b []byte) {
	t.Interval.Unmarshal(b[0:])
	t.Value.Unmarshal(b[16:])
}

// floorDiv returns the quotient of n and d rounded down, and the remainder.
func floorDiv(n, d int64) (q, r int64) {
	q, r = n/d, n%d
	if r < 0 {
		q, r = q-1, r+d
	}
	return q, r
}
