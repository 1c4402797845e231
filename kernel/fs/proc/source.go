package proc

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// A System is the kernel as /proc shows it. Its methods may be called by many
// threads at once.
type System interface {
	// PIDs returns the IDs of all processes, zombies included, ascending.
	PIDs() []int
	// Task returns the thread with the ID, or nil. A process ID is the
	// thread ID of its first thread, which is there while the process is.
	Task(tid int) Task

	CPUs() []CPU
	// CPUTimes returns the times by CPU. It looks at all processes: a file of
	// one process does not ask for it.
	CPUTimes() []CPUTimes
	Memory() Memory
	Counters() Counters
	Interrupts() []Interrupt
	CommandLine() string
	Names() abi.Utsname
	SetHostname(name string) error
	SetDomainname(name string) error
	// CharDevices and BlockDevices return the major numbers in use.
	CharDevices() []DeviceMajor
	BlockDevices() []DeviceMajor
	// Random fills b from the system's random number generator.
	Random(b []byte)
	// ContainedPanics counts the panics of the kernel that cost one task
	// only.
	ContainedPanics() uint64
	// PIDMax is the first number that no thread ID reaches; ThreadsMax how
	// many threads there may be.
	PIDMax() int
	ThreadsMax() int
}

// A CPU is a processor that is online.
type CPU struct {
	ID     int    // the kernel's number
	APICID uint32 // the firmware's number
	KHz    uint64 // of the time-stamp counter
	// CPUID executes the instruction on some CPU of the machine.
	CPUID func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
}

// CPUTimes is what a CPU has done since boot, in nanoseconds.
type CPUTimes struct {
	User, Nice, System, Idle, IOWait, IRQ, SoftIRQ, Steal int64
}

// Memory is the use of memory, in bytes.
type Memory struct {
	Total     uint64 // all that the kernel manages
	Free      uint64 // not in use at all
	Available uint64 // what programs can get before the kernel refuses
	Cached    uint64 // page cache, Shmem included
	Anon      uint64 // private pages of programs
	Shmem     uint64 // tmpfs and shared anonymous memory
	PageTable uint64 // page tables of programs
	Stack     uint64 // stacks of the threads in the kernel
	Heap      uint64 // what the kernel allocated besides: Go's heap
	Caches    uint64 // of Heap, what goes when memory is short
	// CommitLimit and Committed are what programs may reserve and have
	// reserved.
	CommitLimit, Committed uint64
}

// Counters are numbers since boot, but for Running, Blocked and Threads.
type Counters struct {
	ContextSwitches uint64
	Forks           uint64 // threads and processes made
	Running         int    // threads that run or wait for a CPU
	Blocked         int    // threads that wait for a device
	Threads         int    // threads that exist
	LastPID         int    // thread ID given last
}

// An Interrupt is a source of interrupts.
type Interrupt struct {
	Name   string   // number, or an abbreviation such as LOC
	Counts []uint64 // by CPU
	Chip   string   // what delivers it; empty for those with a name
	Action string   // who handles it, or what it means
}

// A DeviceMajor is a major device number in use.
type DeviceMajor struct {
	Major uint32
	Name  string
}

// A Task is a thread as /proc shows it. Its methods may be called by any
// thread, and at any time: also after its end.
type Task interface {
	TID() int
	TGID() int
	// Threads returns the IDs of the threads of its process, ascending, or
	// nil if the process is gone.
	Threads() []int
	Comm() string
	SetComm(name string)
	Cred() *vfs.Cred
	// Dumpable reports whether the process may be looked into by others
	// than the superuser: PR_GET_DUMPABLE of prctl(2).
	Dumpable() bool

	// Status returns what the thread does and has done. If whole is set,
	// times and counts are those of the process. It returns false once
	// nobody can find the thread any more.
	Status(whole bool) (Status, bool)
	// AcquireMM returns the address space with a reference for the caller,
	// or nil if there is none any more.
	AcquireMM() *mm.AddressSpace
	// Layout says where the program put its parts. It is zero if there is
	// no address space.
	Layout() Layout
	// AcquireFDs returns the descriptor table with a reference for the
	// caller (Unref), or nil when the thread has ended.
	AcquireFDs() *vfs.FDTable
	// Root, Cwd and Exe return zero when the thread has ended.
	Root() vfs.Path
	Cwd() vfs.Path
	Exe() vfs.Path

	Limits() [abi.RLIM_NLIMITS]abi.Rlimit
	IO(whole bool) IO
	// KernelStack returns the frames of the thread's stack in the kernel,
	// innermost first; none if it does not sleep. The thread is woken for
	// it: ask only for those who may know.
	KernelStack() []string
	// MemoryCost returns what the end of the process would give back, in
	// bytes.
	MemoryCost() int64
	OOMScoreAdj() int
	SetOOMScoreAdj(v int)
	Personality() uint32
}

// A Status is the state of a thread, or of its process.
type Status struct {
	State         byte // R, S, D, T, t, Z, X: proc_pid_stat(5)
	PPID, TracerP int
	PGID, SID     int
	TTY           uint64 // device number of the controlling terminal, or 0
	TTYGroup      int    // foreground process group of that, or -1
	Flags         uint32 // PF_*

	MinorFaults, ChildMinorFaults uint64
	MajorFaults, ChildMajorFaults uint64
	User, System                  int64 // ns
	ChildUser, ChildSystem        int64 // ns
	Priority, Nice                int   // as the scheduler sees them: 20+nice for normal threads
	Threads                       int   // of the process
	Start                         int64 // ns of ktime.Mono
	ExitSignal                    int
	ExitCode                      int // as wait(2) gives it
	CPU                           int // that it ran on last
	Policy, RTPriority            int

	Pending, SharedPending   abi.Sigset
	Blocked, Ignored, Caught abi.Sigset
	Queued, QueueLimit       int // queued signals of the real user
	Umask                    uint32
	NoNewPrivs               bool
	Voluntary, Involuntary   uint64 // context switches
	CPUs                     []uint64
}

// A Layout is where the parts of a program lie in its address space.
type Layout struct {
	StartCode, EndCode uintptr
	StartData, EndData uintptr
	StartBrk, Brk      uintptr
	StartStack         uintptr
	ArgStart, ArgEnd   uintptr
	EnvStart, EnvEnd   uintptr
	Auxv               []byte // as the program got it
}

// IO counts the bytes and calls of a thread or process: proc_pid_io(5).
type IO struct {
	ReadChars, WriteChars uint64
	ReadCalls, WriteCalls uint64
	ReadBytes, WriteBytes uint64 // from and to disks
	Cancelled             uint64
}

// Self returns the IDs of the calling thread.
func Self(c vfs.Caller) (tgid, tid int, ok bool) {
	t, ok := c.(interface {
		TGID() int
		TID() int
	})
	if !ok {
		return 0, 0, false
	}
	return t.TGID(), t.TID(), true
}
