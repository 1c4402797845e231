package abi

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// layout checks that marshal writes what the host's own structure looks like in
// memory, and not a byte more.
func layout(t *testing.T, marshal func([]byte), host any) {
	t.Helper()
	var want bytes.Buffer
	if err := binary.Write(&want, binary.LittleEndian, host); err != nil {
		t.Fatal(err)
	}
	n := want.Len()
	got := bytes.Repeat([]byte{0xee}, n+16)
	marshal(got)
	if !bytes.Equal(got[:n], want.Bytes()) {
		t.Errorf("%T\n got %x\nwant %x", host, got[:n], want.Bytes())
	}
	if !bytes.Equal(got[n:], bytes.Repeat([]byte{0xee}, 16)) {
		t.Errorf("%T: written behind its end: %x", host, got[n:])
	}
}

func TestLayouts(t *testing.T) {
	s := Stat{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Timespec{11, 12}, Timespec{13, 14}, Timespec{15, 16}}
	layout(t, s.MarshalTo, syscall.Stat_t{Dev: 1, Ino: 2, Nlink: 3, Mode: 4, Uid: 5, Gid: 6, Rdev: 7, Size: 8, Blksize: 9,
		Blocks: 10, Atim: syscall.Timespec{Sec: 11, Nsec: 12}, Mtim: syscall.Timespec{Sec: 13, Nsec: 14}, Ctim: syscall.Timespec{Sec: 15, Nsec: 16}})
	f := Statfs{1, 2, 3, 4, 5, 6, 7, 8 | 9<<32, 10, 11, 12}
	layout(t, f.MarshalTo, syscall.Statfs_t{Type: 1, Bsize: 2, Blocks: 3, Bfree: 4, Bavail: 5, Files: 6, Ffree: 7,
		Fsid: syscall.Fsid{X__val: [2]int32{8, 9}}, Namelen: 10, Frsize: 11, Flags: 12})
	r := Rusage{Timeval{1, 2}, Timeval{3, 4}, 5, 6, 7, 8, 9, 10, 11}
	layout(t, r.MarshalTo, syscall.Rusage{Utime: syscall.Timeval{Sec: 1, Usec: 2}, Stime: syscall.Timeval{Sec: 3, Usec: 4},
		Maxrss: 5, Minflt: 6, Majflt: 7, Inblock: 8, Oublock: 9, Nvcsw: 10, Nivcsw: 11})
	x := Timex{1, 2, 3, 4, 5, 6, 7, 8, 9, Timeval{10, 11}, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}
	layout(t, x.MarshalTo, syscall.Timex{Modes: 1, Offset: 2, Freq: 3, Maxerror: 4, Esterror: 5, Status: 6, Constant: 7,
		Precision: 8, Tolerance: 9, Time: syscall.Timeval{Sec: 10, Usec: 11}, Tick: 12, Ppsfreq: 13, Jitter: 14, Shift: 15,
		Stabil: 16, Jitcnt: 17, Calcnt: 18, Errcnt: 19, Stbcnt: 20, Tai: 21})
	i := Sysinfo{1, [3]uint64{2, 3, 4}, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
	layout(t, i.MarshalTo, syscall.Sysinfo_t{Uptime: 1, Loads: [3]uint64{2, 3, 4}, Totalram: 5, Freeram: 6, Sharedram: 7,
		Bufferram: 8, Totalswap: 9, Freeswap: 10, Procs: 11, Totalhigh: 12, Freehigh: 13, Unit: 14})
	l := Flock{1, 2, 3, 4, 5}
	layout(t, l.MarshalTo, syscall.Flock_t{Type: 1, Whence: 2, Start: 3, Len: 4, Pid: 5})
	tms := Tms{1, 2, 3, 4}
	layout(t, tms.MarshalTo, syscall.Tms{Utime: 1, Stime: 2, Cutime: 3, Cstime: 4})
	ts := func(sec int64) unix.StatxTimestamp { return unix.StatxTimestamp{Sec: sec, Nsec: uint32(sec) + 1} }
	sx := Statx{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, Timespec{12, 13}, Timespec{14, 15}, Timespec{16, 17}, Timespec{18, 19},
		MakeDev(20, 21), MakeDev(22, 23), 24}
	layout(t, sx.MarshalTo, unix.Statx_t{Mask: 1, Blksize: 2, Attributes: 3, Nlink: 4, Uid: 5, Gid: 6, Mode: 7, Ino: 8,
		Size: 9, Blocks: 10, Attributes_mask: 11, Atime: ts(12), Btime: ts(14), Ctime: ts(16), Mtime: ts(18),
		Rdev_major: 20, Rdev_minor: 21, Dev_major: 22, Dev_minor: 23, Mnt_id: 24})
	lim := Rlimit{1, 2}
	layout(t, lim.MarshalTo, syscall.Rlimit{Cur: 1, Max: 2})
	ev := EpollEvent{1, 2 | 3<<32}
	layout(t, ev.MarshalTo, syscall.EpollEvent{Events: 1, Fd: 2, Pad: 3})
	v := Iovec{1, 2}
	layout(t, v.MarshalTo, [2]uint64{1, 2})
	p := PollFd{-1, 2, 3}
	layout(t, p.MarshalTo, struct {
		FD              int32
		Events, Revents int16
	}{-1, 2, 3})
	var u struct{ Sysname, Nodename, Release, Version, Machine, Domainname [UTSLen]byte }
	copy(u.Sysname[:], "sys")
	copy(u.Nodename[:], strings.Repeat("n", UTSLen-1))
	copy(u.Release[:], "rel")
	copy(u.Version[:], "ver")
	copy(u.Machine[:], "mach")
	copy(u.Domainname[:], "dom")
	names := Utsname{"sys", strings.Repeat("n", 100), "rel", "ver", "mach", "dom"}
	layout(t, names.MarshalTo, u)
	it := Itimerspec{Timespec{1, 2}, Timespec{3, 4}}
	layout(t, it.MarshalTo, [4]int64{1, 2, 3, 4})
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"stat", SizeofStat, binary.Size(syscall.Stat_t{})},
		{"statfs", SizeofStatfs, binary.Size(syscall.Statfs_t{})},
		{"rusage", SizeofRusage, binary.Size(syscall.Rusage{})},
		{"timex", SizeofTimex, binary.Size(syscall.Timex{})},
		{"sysinfo", SizeofSysinfo, binary.Size(syscall.Sysinfo_t{})},
		{"flock", SizeofFlock, binary.Size(syscall.Flock_t{})},
		{"epoll_event", SizeofEpollEvent, binary.Size(syscall.EpollEvent{})},
	} {
		if c.got != c.want {
			t.Errorf("struct %s has %d bytes, want %d", c.name, c.got, c.want)
		}
	}
}

func TestReadingBack(t *testing.T) {
	b := make([]byte, 256)
	s := Stat{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Timespec{11, 12}, Timespec{13, 14}, Timespec{15, 16}}
	s.MarshalTo(b)
	var s2 Stat
	if s2.Unmarshal(b); s2 != s {
		t.Errorf("stat: %+v", s2)
	}
	l := Flock{-1, 2, -3, 4, -5}
	l.MarshalTo(b)
	var l2 Flock
	if l2.Unmarshal(b); l2 != l {
		t.Errorf("flock: %+v", l2)
	}
	it := Itimerval{Timeval{1, 2}, Timeval{-3, 4}}
	it.MarshalTo(b)
	var it2 Itimerval
	if it2.Unmarshal(b); it2 != it {
		t.Errorf("itimerval: %+v", it2)
	}
	e := EpollEvent{1, math.MaxUint64}
	e.MarshalTo(b)
	var e2 EpollEvent
	if e2.Unmarshal(b); e2 != e {
		t.Errorf("epoll_event: %+v", e2)
	}
}

func TestDeviceNumbers(t *testing.T) {
	for _, c := range []struct {
		major, minor uint32
		dev          uint64
	}{
		{1, 3, 0x103},
		{4, 64, 0x440},
		{0xfff, 0xff, 0xfffff},
		{0x1000, 0x100, 0x100000100000},
		{0xffffffff, 0xffffffff, math.MaxUint64},
	} {
		if got := MakeDev(c.major, c.minor); got != c.dev {
			t.Errorf("MakeDev(%#x, %#x) = %#x, want %#x", c.major, c.minor, got, c.dev)
		}
		if maj, min := Major(c.dev), Minor(c.dev); maj != c.major || min != c.minor {
			t.Errorf("%#x is %#x, %#x", c.dev, maj, min)
		}
	}
}

func TestTimes(t *testing.T) {
	if ts := NsToTimespec(-1); ts != (Timespec{-1, 999999999}) {
		t.Errorf("-1 ns is %+v", ts)
	}
	if tv := NsToTimeval(1999999999); tv != (Timeval{1, 999999}) {
		t.Errorf("1999999999 ns is %+v", tv)
	}
	if ns := (Timespec{1 << 40, 0}).Ns(); ns != math.MaxInt64 {
		t.Errorf("2^40 s is %d ns", ns)
	}
	if ns := (Timespec{9223372035, 999999999}).Ns(); ns != 9223372035999999999 {
		t.Errorf("nearly the longest time is %d ns", ns)
	}
	for _, c := range []struct {
		ts   Timespec
		want bool
	}{{Timespec{0, 0}, true}, {Timespec{-1, 0}, false}, {Timespec{0, -1}, false}, {Timespec{0, 1e9}, false}, {Timespec{1, 999999999}, true}} {
		if got := c.ts.Valid(); got != c.want {
			t.Errorf("%+v valid: %t", c.ts, got)
		}
	}
}

func TestDirents(t *testing.T) {
	b := bytes.Repeat([]byte{0xee}, MaxDirent)
	n := PutDirent64(b, 7, 9, DT_REG, "name")
	want := "\x07\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x18\x00\x08name\x00"
	if n != 24 || string(b[:n]) != want {
		t.Errorf("%d bytes: %q", n, b[:n])
	}
	n = PutDirent(b, 7, 9, DT_REG, "name")
	want = "\x07\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x18\x00name\x00\x08"
	if n != 24 || string(b[:n]) != want {
		t.Errorf("%d bytes: %q", n, b[:n])
	}
	long := strings.Repeat("x", NAME_MAX)
	if n := PutDirent64(b, 1, 1, 0, long); n > MaxDirent || n%8 != 0 {
		t.Errorf("the longest name takes %d of %d bytes", n, MaxDirent)
	}
	if n := PutDirent(b, 1, 1, 0, long); n > MaxDirent || n%8 != 0 {
		t.Errorf("the longest name takes %d of %d bytes", n, MaxDirent)
	}
}

func TestErrnos(t *testing.T) {
	for e := Errno(1); e < 133; e++ {
		host := syscall.Errno(e).Error()
		if e == 41 || e == 58 { // not given out
			continue
		}
		if got := strings.ToLower(e.Error()); got != strings.ToLower(host) {
			t.Errorf("%d is %q, the host says %q", e, got, host)
		}
		if !strings.HasPrefix(e.Name(), "E") {
			t.Errorf("%d has the name %q", e, e.Name())
		}
	}
	if got := ERESTARTSYS.Name(); got != "ERESTARTSYS" {
		t.Errorf("name %q", got)
	}
	if got := Errno(4000).Error(); got != "errno 4000" {
		t.Errorf("unknown error %q", got)
	}
}
