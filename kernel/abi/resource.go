package abi

import "encoding/binary"

// The sizes of the structures of resource accounting.
const (
	SizeofRusage  = 144
	SizeofRlimit  = 16
	SizeofTms     = 32
	SizeofSysinfo = 112
)

// Rusage is struct rusage: getrusage(2).
type Rusage struct {
	Utime, Stime   Timeval
	Maxrss         int64 // KiB
	Minflt, Majflt int64
	Inblock        int64
	Oublock        int64
	Nvcsw, Nivcsw  int64 // voluntary and involuntary context switches
}

// MarshalTo writes r into b, which holds at least SizeofRusage bytes. The
// fields that Linux does not maintain are zero.
func (r *Rusage) MarshalTo(b []byte) {
	b = b[:SizeofRusage]
	clear(b)
	le := binary.LittleEndian
	r.Utime.MarshalTo(b[0:])
	r.Stime.MarshalTo(b[16:])
	le.PutUint64(b[32:], uint64(r.Maxrss))
	le.PutUint64(b[64:], uint64(r.Minflt))
	le.PutUint64(b[72:], uint64(r.Majflt))
	le.PutUint64(b[88:], uint64(r.Inblock))
	le.PutUint64(b[96:], uint64(r.Oublock))
	le.PutUint64(b[128:], uint64(r.Nvcsw))
	le.PutUint64(b[136:], uint64(r.Nivcsw))
}

// Rlimit is struct rlimit: getrlimit(2).
type Rlimit struct{ Cur, Max uint64 }

// MarshalTo writes r into b, which holds at least SizeofRlimit bytes.
func (r *Rlimit) MarshalTo(b []byte) {
	binary.LittleEndian.PutUint64(b[0:], r.Cur)
	binary.LittleEndian.PutUint64(b[8:], r.Max)
}

// Unmarshal reads what MarshalTo writes.
func (r *Rlimit) Unmarshal(b []byte) {
	r.Cur = binary.LittleEndian.Uint64(b[0:])
	r.Max = binary.LittleEndian.Uint64(b[8:])
}

// Tms is struct tms: times(2). All in ticks of USER_HZ.
type Tms struct{ Utime, Stime, Cutime, Cstime int64 }

// MarshalTo writes t into b, which holds at least SizeofTms bytes.
func (t *Tms) MarshalTo(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(t.Utime))
	le.PutUint64(b[8:], uint64(t.Stime))
	le.PutUint64(b[16:], uint64(t.Cutime))
	le.PutUint64(b[24:], uint64(t.Cstime))
}

// Sysinfo is struct sysinfo: sysinfo(2). Memory is in units of Unit bytes.
type Sysinfo struct {
	Uptime               int64     // seconds
	Loads                [3]uint64 // 1, 5 and 15 minutes, scaled by 65536
	Totalram, Freeram    uint64
	Sharedram, Bufferram uint64
	Totalswap, Freeswap  uint64
	Procs                uint16 // threads
	Totalhigh, Freehigh  uint64
	Unit                 uint32
}

// MarshalTo writes s into b, which holds at least SizeofSysinfo bytes.
func (s *Sysinfo) MarshalTo(b []byte) {
	b = b[:SizeofSysinfo]
	clear(b)
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(s.Uptime))
	for i, v := range [...]uint64{s.Loads[0], s.Loads[1], s.Loads[2], s.Totalram, s.Freeram,
		s.Sharedram, s.Bufferram, s.Totalswap, s.Freeswap} {
		le.PutUint64(b[8+8*i:], v)
	}
	le.PutUint16(b[80:], s.Procs)
	le.PutUint64(b[88:], s.Totalhigh)
	le.PutUint64(b[96:], s.Freehigh)
	le.PutUint32(b[104:], s.Unit)
}
