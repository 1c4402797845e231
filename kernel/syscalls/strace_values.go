package syscalls

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"kevlar/kernel/abi"
)

// These show argument i where it needs more than a line: structures and lists.

func (tr *tracer) fd(i int) string {
	if n := int32(tr.args[i]); n != abi.AT_FDCWD {
		return strconv.Itoa(int(n))
	}
	return "AT_FDCWD"
}

func (tr *tracer) fds(i int) string {
	b := tr.bytes(tr.args[i], 8)
	if b == nil {
		return pointer(tr.args[i])
	}
	return fmt.Sprintf("[%d, %d]", int32(binary.LittleEndian.Uint32(b)), int32(binary.LittleEndian.Uint32(b[4:])))
}

func (tr *tracer) envp(i int) string {
	n := 0
	for ; ; n++ {
		p, err := tr.t.MM().ReadUint64(tr.args[i] + uintptr(8*n))
		if err != nil {
			return pointer(tr.args[i])
		}
		if p == 0 {
			return fmt.Sprintf("%#x /* %d vars */", tr.args[i], n)
		}
	}
}

func (tr *tracer) iov(i int) string {
	n := int(min(tr.args[i+1], 8))
	b := tr.bytes(tr.args[i], n*abi.SizeofIovec)
	if b == nil {
		return pointer(tr.args[i])
	}
	parts := make([]string, n)
	for j := range parts {
		var v abi.Iovec
		v.Unmarshal(b[j*abi.SizeofIovec:])
		parts[j] = fmt.Sprintf("{%s, %d}", tr.buffer(v.Base, v.Len), v.Len)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (tr *tracer) stat(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofStat)
	if b == nil {
		return pointer(tr.args[i])
	}
	var s abi.Stat
	s.Unmarshal(b)
	kind := names{{abi.S_IFREG, "S_IFREG"}, {abi.S_IFDIR, "S_IFDIR"}, {abi.S_IFCHR, "S_IFCHR"}, {abi.S_IFBLK, "S_IFBLK"},
		{abi.S_IFIFO, "S_IFIFO"}, {abi.S_IFLNK, "S_IFLNK"}, {abi.S_IFSOCK, "S_IFSOCK"}}.one(uint64(s.Mode & abi.S_IFMT))
	if s.Mode&abi.S_IFMT == abi.S_IFCHR || s.Mode&abi.S_IFMT == abi.S_IFBLK {
		return fmt.Sprintf("{st_mode=%s|%#o, st_rdev=makedev(%d, %d), ...}", kind, s.Mode&^abi.S_IFMT, abi.Major(s.Rdev), abi.Minor(s.Rdev))
	}
	return fmt.Sprintf("{st_mode=%s|%#o, st_size=%d, ...}", kind, s.Mode&^abi.S_IFMT, s.Size)
}

func (tr *tracer) waitStatus(i int) string {
	v, err := tr.t.MM().ReadUint32(tr.args[i])
	switch s := uint64(v); {
	case err != nil || tr.ret == 0:
		return pointer(tr.args[i])
	case s&0x7f == 0:
		return fmt.Sprintf("[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", s>>8&0xff)
	case s == 0xffff:
		return "[{WIFCONTINUED(s)}]"
	case s&0xff == 0x7f:
		return fmt.Sprintf("[{WIFSTOPPED(s) && WSTOPSIG(s) == %s}]", signalName(s>>8&0xff))
	default:
		return fmt.Sprintf("[{WIFSIGNALED(s) && WTERMSIG(s) == %s}]", signalName(s&0x7f))
	}
}

func (tr *tracer) utsname(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofUtsname)
	if b == nil {
		return pointer(tr.args[i])
	}
	field := func(i int) string {
		s, _, _ := strings.Cut(string(b[i*abi.UTSLen:(i+1)*abi.UTSLen]), "\x00")
		return s
	}
	return fmt.Sprintf("{sysname=%q, nodename=%q, ...}", field(0), field(1))
}

func (tr *tracer) sigset(i int) string {
	v, err := tr.t.MM().ReadUint64(tr.args[i])
	if tr.args[i] == 0 || err != nil {
		return pointer(tr.args[i])
	}
	return sigsetString(abi.Sigset(v))
}

func sigsetString(s abi.Sigset) string {
	invert := ""
	n := 0
	for sig := 1; sig <= abi.NSIG; sig++ {
		if s.Has(sig) {
			n++
		}
	}
	if n > abi.NSIG/2 {
		invert, s = "~", ^s
	}
	var parts []string
	for sig := 1; sig <= abi.NSIG; sig++ {
		if s.Has(sig) {
			parts = append(parts, strings.TrimPrefix(signalName(uint64(sig)), "SIG"))
		}
	}
	return invert + "[" + strings.Join(parts, " ") + "]"
}

func (tr *tracer) sigaction(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofSigAction)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	le := binary.LittleEndian
	handler := names{{0, "SIG_DFL"}, {1, "SIG_IGN"}}.one(le.Uint64(b))
	flags := names{{abi.SA_NOCLDSTOP, "SA_NOCLDSTOP"}, {abi.SA_NOCLDWAIT, "SA_NOCLDWAIT"}, {abi.SA_SIGINFO, "SA_SIGINFO"},
		{abi.SA_RESTORER, "SA_RESTORER"}, {abi.SA_ONSTACK, "SA_ONSTACK"}, {abi.SA_RESTART, "SA_RESTART"},
		{abi.SA_NODEFER, "SA_NODEFER"}, {abi.SA_RESETHAND, "SA_RESETHAND"}}.flags(le.Uint64(b[8:]))
	return fmt.Sprintf("{sa_handler=%s, sa_mask=%s, sa_flags=%s}", handler, sigsetString(abi.Sigset(le.Uint64(b[24:]))), flags)
}

func (tr *tracer) timespec(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofTimespec)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	var ts abi.Timespec
	ts.Unmarshal(b)
	return fmt.Sprintf("{tv_sec=%d, tv_nsec=%d}", ts.Sec, ts.Nsec)
}

func (tr *tracer) timespecs(i int) string {
	b := tr.bytes(tr.args[i], 2*abi.SizeofTimespec)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	show := func(b []byte) string {
		var ts abi.Timespec
		ts.Unmarshal(b)
		switch ts.Nsec {
		case abi.UTIME_NOW:
			return "UTIME_NOW"
		case abi.UTIME_OMIT:
			return "UTIME_OMIT"
		}
		return fmt.Sprintf("{tv_sec=%d, tv_nsec=%d}", ts.Sec, ts.Nsec)
	}
	return "[" + show(b) + ", " + show(b[abi.SizeofTimespec:]) + "]"
}

func (tr *tracer) timeval(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofTimeval)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	return showTimeval(b)
}

func showTimeval(b []byte) string {
	var tv abi.Timeval
	tv.Unmarshal(b)
	return fmt.Sprintf("{tv_sec=%d, tv_usec=%d}", tv.Sec, tv.Usec)
}

func (tr *tracer) itimerval(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofItimerval)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	return "{it_interval=" + showTimeval(b) + ", it_value=" + showTimeval(b[abi.SizeofTimeval:]) + "}"
}

func (tr *tracer) rlim(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofRlimit)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	var r abi.Rlimit
	r.Unmarshal(b)
	limit := func(v uint64) string {
		if v == abi.RLIM_INFINITY {
			return "RLIM_INFINITY"
		}
		return strconv.FormatUint(v, 10)
	}
	return "{rlim_cur=" + limit(r.Cur) + ", rlim_max=" + limit(r.Max) + "}"
}

func (tr *tracer) pollfds(i int) string {
	n := int(min(tr.args[i+1], 8))
	b := tr.bytes(tr.args[i], n*abi.SizeofPollFd)
	if b == nil {
		return pointer(tr.args[i])
	}
	parts := make([]string, n)
	for j := range parts {
		var p abi.PollFd
		p.Unmarshal(b[j*abi.SizeofPollFd:])
		parts[j] = fmt.Sprintf("{fd=%d, events=%s}", p.FD, pollNames.flags(uint64(uint16(p.Events))))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (tr *tracer) epollEvent(i int) string {
	b := tr.bytes(tr.args[i], abi.SizeofEpollEvent)
	if tr.args[i] == 0 || b == nil {
		return pointer(tr.args[i])
	}
	return showEpollEvent(b)
}

func showEpollEvent(b []byte) string {
	var e abi.EpollEvent
	e.Unmarshal(b)
	return fmt.Sprintf("{events=%s, data=%#x}", epollNames.flags(uint64(e.Events)), e.Data)
}

func (tr *tracer) epollEvents(i int) string {
	n := int(min(tr.ret, 8))
	b := tr.bytes(tr.args[i], n*abi.SizeofEpollEvent)
	if b == nil {
		return pointer(tr.args[i])
	}
	parts := make([]string, n)
	for j := range parts {
		parts[j] = showEpollEvent(b[j*abi.SizeofEpollEvent:])
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (tr *tracer) fcntlArg(i int) string {
	v := tr.args[i]
	switch tr.args[i-1] {
	case abi.F_GETFD, abi.F_GETFL, abi.F_GETOWN, abi.F_GETPIPE_SZ, abi.F_GET_SEALS:
		return "0"
	case abi.F_SETFD:
		return names{{abi.FD_CLOEXEC, "FD_CLOEXEC"}}.flags(uint64(v))
	case abi.F_SETFL:
		return openFlags(uint64(v))
	case abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW, abi.F_OFD_GETLK, abi.F_OFD_SETLK, abi.F_OFD_SETLKW:
		b := tr.bytes(v, abi.SizeofFlock)
		if b == nil {
			return pointer(v)
		}
		var l abi.Flock
		l.Unmarshal(b)
		return fmt.Sprintf("{l_type=%s, l_whence=%d, l_start=%d, l_len=%d}",
			names{{abi.F_RDLCK, "F_RDLCK"}, {abi.F_WRLCK, "F_WRLCK"}, {abi.F_UNLCK, "F_UNLCK"}}.one(uint64(uint16(l.Type))),
			l.Whence, l.Start, l.Len)
	}
	return strconv.Itoa(int(int32(v)))
}

// cloneFlags shows the flags of clone(2), whose low byte is a signal.
func cloneFlags(v uint64) string {
	s := cloneNames.flags(v &^ abi.CSIGNAL)
	if sig := v & abi.CSIGNAL; sig != 0 {
		return s + "|" + signalName(sig)
	}
	return s
}

// futexOp shows the operation of futex(2) and its modifiers.
func futexOp(v uint64) string {
	s := futexNames.one(v &^ (abi.FUTEX_PRIVATE_FLAG | abi.FUTEX_CLOCK_REALTIME))
	if v&abi.FUTEX_PRIVATE_FLAG != 0 {
		s += "_PRIVATE"
	}
	if v&abi.FUTEX_CLOCK_REALTIME != 0 {
		s += "|FUTEX_CLOCK_REALTIME"
	}
	return s
}
