package task

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/pagetable"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A Task is a Linux thread. A goroutine runs it from its birth to its end:
// "the owner" below. Fields that say nothing else are the owner's alone.
type Task struct {
	// Ctx is the state of user mode.
	Ctx *ring3.Context

	group *ThreadGroup // never changes
	tid   atomic.Int32 // changes only when execve takes over the leader's

	// work holds the work bits: what is to be done before the next return
	// to user mode. Set by anyone, with group.mu held; tested by the owner.
	work atomic.Uint32

	table   *pagetable.Table // of mm; what Run gets
	sleeper *wait.Sleeper
	restart restart

	// Scratch is memory for the system call that is being served, so that
	// small structures need no allocation.
	Scratch [512]byte
	// IOBuf and IOVec describe user memory for the system call that is
	// being served.
	IOBuf mm.Buffer
	IOVec []abi.Iovec

	// mu guards, for everyone but the owner, what the owner may replace.
	mu    sync.Mutex
	mm    *mm.AddressSpace // nil once the task is exiting
	files *vfs.FDTable     // likewise
	fs    *vfs.FSContext   // likewise
	prog  *program         // likewise
	comm  [abi.TASK_COMM_LEN]byte

	uts *uts.Namespace // never changes
	// building is the address space that an execve under way fills, or nil.
	building *mm.AddressSpace

	cred atomic.Pointer[vfs.Cred]
	user atomic.Pointer[userAccount] // of the real user

	account *kmem.Account // never changes: of who has made the thread
	charged int64         // to account, in bytes; the owner's, then guarded by treeMu

	sig signalState // guarded by group.mu, see there
	cpu cpuClock
	io  ioCounters
	// held is the kernel memory that the system call under way holds, in bytes;
	// heldBy is charged for it.
	held   atomic.Int64
	heldBy *kmem.Account

	setTID     uintptr        // where the new thread writes its ID
	clearTID   uintptr        // address to clear and wake at exit: set_tid_address(2)
	robustList atomic.Uintptr // head of the list of robust futexes; others read it
	vfork      atomic.Pointer[completion]

	sched     schedParams
	state     atomic.Uint32 // runState
	startTime int64         // ktime.Mono at birth

	// parentDeathSignal is sent when the parent thread ends: prctl(2).
	parentDeathSignal atomic.Int32
	noNewPrivs        atomic.Bool
	keepCaps          bool
	// overThreads is set while the thread has become a user who has more
	// threads than RLIMIT_NPROC allows: it may not execute a program.
	overThreads bool
	timerSlack  uint64

	exitCode int  // status of exit(2)
	inStop   bool // sleeping because of a job-control stop

	next, prev *Task // in group.threads; guarded by treeMu and group.mu
}

// Work bits.
const (
	workSignal  = 1 << iota // a signal or a stop may be due
	workKill                // the thread must end: its group or an execve says so
	workExit                // the thread ends by itself
	workRestart             // a system call was interrupted: restart is set
	workMask                // a saved signal mask is to be restored
)

// TID returns the thread ID.
func (t *Task) TID() int { return int(t.tid.Load()) }

// TGID returns the process ID.
func (t *Task) TGID() int { return t.group.tgid }

// Group returns the thread group.
func (t *Task) Group() *ThreadGroup { return t.group }

// MM returns the address space. Only the owner may call it; others take
// AcquireMM.
func (t *Task) MM() *mm.AddressSpace { return t.mm }

// FDs returns the descriptor table, nil when the task is exiting. Only the
// owner may use it without AcquireFDs.
func (t *Task) FDs() *vfs.FDTable { return t.files }

// FS returns root, working directory and umask. Only the owner may call it;
// others take AcquireFS.
func (t *Task) FS() *vfs.FSContext { return t.fs }

// UTS returns the names that the thread knows the system by.
func (t *Task) UTS() *uts.Namespace { return t.uts }

// Sleeper returns where the thread sleeps.
func (t *Task) Sleeper() *wait.Sleeper { return t.sleeper }

// Block sleeps until the thread is woken (nil), deadline has passed
// (ETIMEDOUT), or a signal is pending (ERESTARTSYS). deadline is in
// nanoseconds of ktime.Mono; wait.Forever never comes.
func (t *Task) Block(deadline int64) error { return t.sleeper.Sleep(deadline) }

// Killed reports whether the thread is to end: what it waits for no longer
// matters.
func (t *Task) Killed() bool { return t.work.Load()&(workKill|workExit) != 0 }

// CopyIn copies from the thread's memory: EFAULT and the number of bytes
// copied if not all could be.
func (t *Task) CopyIn(dst []byte, addr uintptr) (int, error) {
	if t.mm == nil {
		return 0, abi.EFAULT
	}
	return t.mm.CopyIn(dst, addr)
}

// CopyOut copies to the thread's memory, as CopyIn from it.
func (t *Task) CopyOut(addr uintptr, src []byte) (int, error) {
	if t.mm == nil {
		return 0, abi.EFAULT
	}
	return t.mm.CopyOut(addr, src)
}

// Umask returns the file mode creation mask.
func (t *Task) Umask() uint32 {
	if t.fs == nil {
		return 0
	}
	return t.fs.Umask()
}

// FileSizeLimit returns the soft RLIMIT_FSIZE in bytes.
func (t *Task) FileSizeLimit() uint64 { return t.group.Limit(abi.RLIMIT_FSIZE) }

// Comm returns the thread's name, at most 15 bytes.
func (t *Task) Comm() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.comm) && t.comm[n] != 0 {
		n++
	}
	return string(t.comm[:n])
}

// SetComm sets the thread's name, cut to 15 bytes.
func (t *Task) SetComm(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.comm = [abi.TASK_COMM_LEN]byte{}
	copy(t.comm[:abi.TASK_COMM_LEN-1], name)
	t.Ctx.SetLabel(name)
}

// SetTIDAddress sets the word that is cleared and woken when the thread ends:
// set_tid_address(2).
func (t *Task) SetTIDAddress(addr uintptr) { t.clearTID = addr }

// TIDAddress returns what SetTIDAddress has set.
func (t *Task) TIDAddress() uintptr { return t.clearTID }

// SetRobustList sets the head of the list of robust futexes:
// set_robust_list(2).
func (t *Task) SetRobustList(head uintptr) { t.robustList.Store(head) }

// RobustList returns what SetRobustList has set.
func (t *Task) RobustList() uintptr { return t.robustList.Load() }
