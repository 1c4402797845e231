package abi

import (
	"encoding/binary"
	"math/bits"
)

// NSIG is the number of the highest signal.
const NSIG = 64

// Real-time signals are queued one by one and carry data; those below
// SIGRTMIN are pending at most once: signal(7).
const (
	SIGRTMIN = 32
	SIGRTMAX = 64
)

// What sigprocmask(2) does with its set.
const (
	SIG_BLOCK   = 0
	SIG_UNBLOCK = 1
	SIG_SETMASK = 2
)

// Handlers that are not addresses: signal(2).
const (
	SIG_DFL = 0
	SIG_IGN = 1
)

// Flags of sigaction(2).
const (
	SA_NOCLDSTOP      = 0x00000001
	SA_NOCLDWAIT      = 0x00000002
	SA_SIGINFO        = 0x00000004
	SA_UNSUPPORTED    = 0x00000400
	SA_EXPOSE_TAGBITS = 0x00000800
	SA_RESTORER       = 0x04000000
	SA_ONSTACK        = 0x08000000
	SA_RESTART        = 0x10000000
	SA_NODEFER        = 0x40000000
	SA_RESETHAND      = 0x80000000
)

// Flags and limits of sigaltstack(2).
const (
	SS_ONSTACK    = 1
	SS_DISABLE    = 2
	SS_AUTODISARM = 1 << 31

	MINSIGSTKSZ = 2048
)

// Values of si_code: sigaction(2). Positive ones come from the kernel.
const (
	SI_USER     = 0
	SI_KERNEL   = 0x80
	SI_QUEUE    = -1
	SI_TIMER    = -2
	SI_MESGQ    = -3
	SI_ASYNCIO  = -4
	SI_SIGIO    = -5
	SI_TKILL    = -6
	SI_DETHREAD = -7

	ILL_ILLOPC = 1
	ILL_ILLOPN = 2
	ILL_ILLADR = 3
	ILL_ILLTRP = 4
	ILL_PRVOPC = 5
	ILL_BADSTK = 8

	FPE_INTDIV = 1
	FPE_INTOVF = 2
	FPE_FLTDIV = 3
	FPE_FLTOVF = 4
	FPE_FLTUND = 5
	FPE_FLTRES = 6
	FPE_FLTINV = 7

	SEGV_MAPERR = 1
	SEGV_ACCERR = 2
	SEGV_PKUERR = 4

	BUS_ADRALN = 1
	BUS_ADRERR = 2
	BUS_OBJERR = 3

	TRAP_BRKPT  = 1
	TRAP_TRACE  = 2
	TRAP_BRANCH = 3
	TRAP_HWBKPT = 4

	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6

	POLL_IN  = 1
	POLL_OUT = 2
	POLL_MSG = 3
	POLL_ERR = 4
	POLL_PRI = 5
	POLL_HUP = 6
)

// A Sigset is a set of signals; signal n is bit n-1.
type Sigset uint64

// SizeofSigset is the size that every rt_sig* call must be given.
const SizeofSigset = 8

// Sets that the kernel uses.
const (
	// Unblockable signals are never in a mask.
	Unblockable Sigset = 1<<(SIGKILL-1) | 1<<(SIGSTOP-1)
	// StopSignals stop a process by default.
	StopSignals Sigset = 1<<(SIGSTOP-1) | 1<<(SIGTSTP-1) | 1<<(SIGTTIN-1) | 1<<(SIGTTOU-1)
	// SynchronousSignals come from what a thread does itself; they are
	// delivered before others.
	SynchronousSignals Sigset = 1<<(SIGSEGV-1) | 1<<(SIGBUS-1) | 1<<(SIGILL-1) |
		1<<(SIGTRAP-1) | 1<<(SIGFPE-1) | 1<<(SIGSYS-1)
	// IgnoredByDefault signals do nothing unless caught.
	IgnoredByDefault Sigset = 1<<(SIGCONT-1) | 1<<(SIGCHLD-1) | 1<<(SIGWINCH-1) | 1<<(SIGURG-1)
	// CoreSignals end a process by default and would leave a core dump.
	CoreSignals Sigset = 1<<(SIGQUIT-1) | 1<<(SIGILL-1) | 1<<(SIGTRAP-1) | 1<<(SIGABRT-1) |
		1<<(SIGFPE-1) | 1<<(SIGSEGV-1) | 1<<(SIGBUS-1) | 1<<(SIGSYS-1) | 1<<(SIGXCPU-1) | 1<<(SIGXFSZ-1)
)

// ValidSignal reports whether sig is 1 to 64.
func ValidSignal(sig int) bool { return sig >= 1 && sig <= NSIG }

// SigsetOf returns the set of the given signals.
func SigsetOf(sigs ...int) Sigset {
	var s Sigset
	for _, sig := range sigs {
		s.Add(sig)
	}
	return s
}

// Has reports whether sig, which is valid, is in s.
func (s Sigset) Has(sig int) bool { return s>>(uint(sig-1)&63)&1 != 0 }

// Add puts sig into s.
func (s *Sigset) Add(sig int) { *s |= 1 << (uint(sig-1) & 63) }

// Del takes sig out of s.
func (s *Sigset) Del(sig int) { *s &^= 1 << (uint(sig-1) & 63) }

// First returns the lowest signal in s, or 0 if it is empty.
func (s Sigset) First() int {
	if s == 0 {
		return 0
	}
	return bits.TrailingZeros64(uint64(s)) + 1
}

// SigAction is struct sigaction as rt_sigaction(2) passes it.
type SigAction struct {
	Handler  uint64 // SIG_DFL, SIG_IGN or an address
	Flags    uint64
	Restorer uint64
	Mask     Sigset // blocked while the handler runs
}

// SizeofSigAction is the size of SigAction in user memory.
const SizeofSigAction = 32

// MarshalTo stores a in the first 32 bytes of b.
func (a *SigAction) MarshalTo(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSigAction-1]
	le.PutUint64(b[0:], a.Handler)
	le.PutUint64(b[8:], a.Flags)
	le.PutUint64(b[16:], a.Restorer)
	le.PutUint64(b[24:], uint64(a.Mask))
}

// Unmarshal loads a from the first 32 bytes of b.
func (a *SigAction) Unmarshal(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSigAction-1]
	a.Handler = le.Uint64(b[0:])
	a.Flags = le.Uint64(b[8:])
	a.Restorer = le.Uint64(b[16:])
	a.Mask = Sigset(le.Uint64(b[24:]))
}

// SigAltStack is stack_t: sigaltstack(2).
type SigAltStack struct {
	SP    uint64
	Flags uint32
	Size  uint64
}

// SizeofSigAltStack is the size of SigAltStack in user memory.
const SizeofSigAltStack = 24

// MarshalTo stores s in the first 24 bytes of b.
func (s *SigAltStack) MarshalTo(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSigAltStack-1]
	le.PutUint64(b[0:], s.SP)
	le.PutUint64(b[8:], uint64(s.Flags))
	le.PutUint64(b[16:], s.Size)
}

// Unmarshal loads s from the first 24 bytes of b.
func (s *SigAltStack) Unmarshal(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSigAltStack-1]
	s.SP = le.Uint64(b[0:])
	s.Flags = le.Uint32(b[8:])
	s.Size = le.Uint64(b[16:])
}

// Siginfo is siginfo_t: sigaction(2). What follows the code depends on the
// signal and the code, as a C union does; accessors name the members.
type Siginfo struct {
	Signo int32
	Errno int32
	Code  int32

	// Fields holds bytes 16 to 127: the union.
	Fields [112]byte
}

// SizeofSiginfo is the size of Siginfo in user memory.
const SizeofSiginfo = 128

// MarshalTo stores i in the first 128 bytes of b.
func (i *Siginfo) MarshalTo(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSiginfo-1]
	le.PutUint32(b[0:], uint32(i.Signo))
	le.PutUint32(b[4:], uint32(i.Errno))
	le.PutUint32(b[8:], uint32(i.Code))
	le.PutUint32(b[12:], 0)
	copy(b[16:SizeofSiginfo], i.Fields[:])
}

// Unmarshal loads i from the first 128 bytes of b.
func (i *Siginfo) Unmarshal(b []byte) {
	le := binary.LittleEndian
	_ = b[SizeofSiginfo-1]
	i.Signo = int32(le.Uint32(b[0:]))
	i.Errno = int32(le.Uint32(b[4:]))
	i.Code = int32(le.Uint32(b[8:]))
	copy(i.Fields[:], b[16:SizeofSiginfo])
}

func (i *Siginfo) u32(off int) uint32      { return binary.LittleEndian.Uint32(i.Fields[off-16:]) }
func (i *Siginfo) u64(off int) uint64      { return binary.LittleEndian.Uint64(i.Fields[off-16:]) }
func (i *Siginfo) put32(off int, v uint32) { binary.LittleEndian.PutUint32(i.Fields[off-16:], v) }
func (i *Siginfo) put64(off int, v uint64) { binary.LittleEndian.PutUint64(i.Fields[off-16:], v) }

// PID is si_pid: the sender, or the child of SIGCHLD.
func (i *Siginfo) PID() int32     { return int32(i.u32(16)) }
func (i *Siginfo) SetPID(v int32) { i.put32(16, uint32(v)) }

// PKey is si_pkey: the protection key of a page whose rights made a SIGSEGV with
// SEGV_PKUERR.
func (i *Siginfo) PKey() uint32     { return i.u32(32) }
func (i *Siginfo) SetPKey(v uint32) { i.put32(32, v) }

// UID is si_uid: the sender's or the child's real user.
func (i *Siginfo) UID() uint32     { return i.u32(20) }
func (i *Siginfo) SetUID(v uint32) { i.put32(20, v) }

// Status is si_status of SIGCHLD: an exit status or a signal.
func (i *Siginfo) Status() int32     { return int32(i.u32(24)) }
func (i *Siginfo) SetStatus(v int32) { i.put32(24, uint32(v)) }

// UTime is si_utime of SIGCHLD, in clock ticks.
func (i *Siginfo) UTime() int64     { return int64(i.u64(32)) }
func (i *Siginfo) SetUTime(v int64) { i.put64(32, uint64(v)) }

// STime is si_stime of SIGCHLD, in clock ticks.
func (i *Siginfo) STime() int64     { return int64(i.u64(40)) }
func (i *Siginfo) SetSTime(v int64) { i.put64(40, uint64(v)) }

// Value is si_value of a queued signal or a timer.
func (i *Siginfo) Value() uint64     { return i.u64(24) }
func (i *Siginfo) SetValue(v uint64) { i.put64(24, v) }

// TimerID is si_timerid of a POSIX timer.
func (i *Siginfo) TimerID() int32     { return int32(i.u32(16)) }
func (i *Siginfo) SetTimerID(v int32) { i.put32(16, uint32(v)) }

// Overrun is si_overrun of a POSIX timer.
func (i *Siginfo) Overrun() int32     { return int32(i.u32(20)) }
func (i *Siginfo) SetOverrun(v int32) { i.put32(20, uint32(v)) }

// Addr is si_addr of a fault.
func (i *Siginfo) Addr() uint64     { return i.u64(16) }
func (i *Siginfo) SetAddr(v uint64) { i.put64(16, v) }

// Band is si_band of SIGPOLL.
func (i *Siginfo) Band() int64     { return int64(i.u64(16)) }
func (i *Siginfo) SetBand(v int64) { i.put64(16, uint64(v)) }

// FD is si_fd of SIGPOLL.
func (i *Siginfo) FD() int32     { return int32(i.u32(24)) }
func (i *Siginfo) SetFD(v int32) { i.put32(24, uint32(v)) }
