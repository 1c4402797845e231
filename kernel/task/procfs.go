package task

import (
	"runtime"
	"slices"
	"sync/atomic"
	"weak"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/proc"
	"kevlar/kernel/mm"
	"kevlar/kernel/task/signal"
	"kevlar/kernel/vfs"
)

// ProcPIDs returns the IDs of all processes in order, for /proc.
func ProcPIDs() []int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	var pids []int
	allPIDs.eachGroup(func(g *ThreadGroup) bool {
		pids = append(pids, g.tgid)
		return true
	})
	return pids
}

// ProcTask returns the thread with the ID for /proc, or nil. A process ID
// stands for whichever thread leads the process: execve(2) may change that.
func ProcTask(tid int) proc.Task {
	t := Find(tid)
	if t == nil {
		return nil
	}
	p := procTask{group: weak.Make(t.group), tgid: t.TGID(), tid: tid}
	if tid != p.tgid {
		p.thread = weak.Make(t)
	}
	return p
}

// userTime is the largest sum that UserTime has found, in nanoseconds.
var userTime atomic.Int64

// UserTime returns how long the CPUs have run programs in user mode, as far as
// it is known: the times of children that nobody waited for are lost with
// them. It never goes back.
func UserTime() int64 {
	var sum int64
	for g := NextGroup(0); g != nil; g = NextGroup(g.tgid) {
		sum += g.userTime()
	}
	for {
		last := userTime.Load()
		if sum <= last {
			return last
		}
		if userTime.CompareAndSwap(last, sum) {
			return sum
		}
	}
}

// userTime returns the user time of the process and of its children that were
// waited for.
func (g *ThreadGroup) userTime() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.usageLocked().times.user + g.childUsage.times.user
}

// procTask shows a thread in /proc. It keeps neither the thread nor the process
// alive: names in /proc may be remembered for long.
type procTask struct {
	group     weak.Pointer[ThreadGroup]
	thread    weak.Pointer[Task] // meaningless for the process as a whole
	tgid, tid int
}

// gone stands for what the collector has taken.
var gone = &ThreadGroup{reaped: true, actions: signal.NewActions(), leader: new(Task)}

func init() { gone.leader.group = gone }

// process returns the process; gone if it is.
func (p procTask) process() *ThreadGroup {
	if g := p.group.Value(); g != nil {
		return g
	}
	return gone
}

// isThread reports whether a thread is meant rather than the process, which
// is to say whichever thread leads it.
func (p procTask) isThread() bool { return p.tid != p.tgid }

func (p procTask) task() *Task {
	if !p.isThread() {
		return p.process().Leader()
	}
	if t := p.thread.Value(); t != nil {
		return t
	}
	return gone.leader
}

func (p procTask) TGID() int { return p.tgid }
func (p procTask) TID() int  { return p.tid }

// aliveLocked reports whether the thread can be found. The caller holds treeMu.
func (p procTask) aliveLocked() bool {
	if !p.isThread() {
		return !p.process().reaped
	}
	t := p.thread.Value()
	return t != nil && allPIDs.task(p.tid) == t
}

func (p procTask) Threads() []int {
	treeMu.RLock()
	reaped := p.process().reaped
	treeMu.RUnlock()
	if reaped {
		return nil
	}
	tids := p.process().TIDs()
	slices.Sort(tids)
	return tids
}

func (p procTask) Comm() string                { return p.task().Comm() }
func (p procTask) SetComm(name string)         { p.task().SetComm(name) }
func (p procTask) Cred() *vfs.Cred             { return p.task().Cred() }
func (p procTask) Dumpable() bool              { return p.process().Dumpable() == 1 }
func (p procTask) AcquireMM() *mm.AddressSpace { return p.task().AcquireMM() }
func (p procTask) AcquireFDs() *vfs.FDTable    { return p.task().AcquireFDs() }
func (p procTask) Exe() vfs.Path               { return p.task().Exe() }
func (p procTask) KernelStack() []string       { return p.task().KernelStack() }
func (p procTask) Personality() uint32         { return p.task().Personality() }
func (p procTask) MemoryCost() int64           { return p.process().MemoryCost() }
func (p procTask) OOMScoreAdj() int            { return p.process().OOMScoreAdj() }
func (p procTask) SetOOMScoreAdj(v int)        { p.process().SetOOMScoreAdj(v) }

func (p procTask) Limits() (l [abi.RLIM_NLIMITS]abi.Rlimit) {
	for i := range l {
		l[i] = p.process().Rlimit(i)
	}
	return l
}

func (p procTask) Root() vfs.Path { return p.place((*vfs.FSContext).Root) }
func (p procTask) Cwd() vfs.Path  { return p.place((*vfs.FSContext).Cwd) }

func (p procTask) place(pick func(*vfs.FSContext) vfs.Path) vfs.Path {
	fs := p.task().AcquireFS()
	if fs == nil {
		return vfs.Path{}
	}
	defer fs.Put()
	return pick(fs)
}

func (p procTask) Layout() proc.Layout {
	t := p.task()
	l, ok := t.Layout()
	if !ok {
		return proc.Layout{}
	}
	out := proc.Layout{
		StartCode: l.CodeStart, EndCode: l.CodeEnd, StartData: l.DataStart, EndData: l.DataEnd,
		StartStack: l.StackStart,
		ArgStart:   l.ArgStart, ArgEnd: l.ArgEnd, EnvStart: l.EnvStart, EnvEnd: l.EnvEnd,
		Auxv: l.Auxv,
	}
	if as := t.AcquireMM(); as != nil {
		out.StartBrk, out.Brk = as.Heap()
		as.Put()
	}
	return out
}

func (p procTask) IO(whole bool) proc.IO {
	var io proc.IO
	add := func(t *Task) bool {
		c := &t.io
		io.ReadChars += uint64(c.readChars.Load())
		io.WriteChars += uint64(c.writeChars.Load())
		io.ReadCalls += uint64(c.readCalls.Load())
		io.WriteCalls += uint64(c.writeCalls.Load())
		io.ReadBytes += uint64(c.readBytes.Load())
		io.WriteBytes += uint64(c.writeBytes.Load())
		return true
	}
	if whole {
		p.process().Threads(add)
	} else {
		add(p.task())
	}
	return io
}

// PF_ flags that are shown: see field 9 of proc_pid_stat(5).
const (
	flagExiting    = 0x4
	flagForkNoExec = 0x40
	flagRandomize  = 0x400000
)

func (p procTask) Status(whole bool) (proc.Status, bool) {
	t, g := p.task(), p.process()
	policy, priority, _ := t.SchedPolicy()
	s := proc.Status{
		State:      t.State().Letter(),
		PGID:       g.PGID(),
		SID:        g.SID(),
		TTYGroup:   -1,
		Flags:      flagRandomize,
		Nice:       t.Nice(),
		Priority:   20 + t.Nice(),
		Policy:     policy,
		RTPriority: priority,
		QueueLimit: int(min(g.Limit(abi.RLIMIT_SIGPENDING), 1<<31-1)),
		NoNewPrivs: t.NoNewPrivs(),
		CPUs:       []uint64{t.Affinity()},
	}
	if priority > 0 {
		s.Priority = -1 - priority
	}
	if s.CPUs[0] == 0 {
		s.CPUs[0] = 1<<runtime.NumCPU() - 1
	}
	if term := g.CTTY(); term != nil {
		s.TTY, s.TTYGroup = term.Dev(), term.Foreground()
	}
	if fs := t.AcquireFS(); fs != nil {
		s.Umask = fs.Umask()
		fs.Put()
	}
	if u := t.user.Load(); u != nil {
		s.Queued = int(u.pending.Load())
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	if !p.aliveLocked() {
		return proc.Status{}, false
	}
	if g.parent != nil {
		s.PPID = g.parent.tgid
	}
	s.ExitSignal = g.exitSignal
	if p.isThread() {
		s.ExitSignal = -1
	}
	if !g.execed {
		s.Flags |= flagForkNoExec
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p.fillLocked(&s, t, whole)
	return s, true
}

// fillLocked fills in what g.mu guards.
func (p procTask) fillLocked(s *proc.Status, t *Task, whole bool) {
	g := p.process()
	s.Start = t.startTime
	s.Threads = g.threads.n
	s.Pending, s.SharedPending = t.sig.pending.Set(), g.shared.Set()
	s.Blocked = t.sig.blocked
	s.Ignored, s.Caught = g.actions.Sets()
	var u usage
	if whole {
		u = g.usageLocked()
		c := &g.childUsage
		s.ChildMinorFaults, s.ChildMajorFaults = uint64(c.minorFaults), uint64(c.majorFaults)
		s.ChildUser, s.ChildSystem = c.times.user, c.times.kernel
	} else {
		u = t.usage()
		u.times = split(u.cpu, u.user, u.kernel)
	}
	s.MinorFaults, s.MajorFaults = uint64(u.minorFaults), uint64(u.majorFaults)
	s.User, s.System = u.times.user, u.times.kernel
	s.Voluntary, s.Involuntary = uint64(t.cpu.switches.Load()), uint64(t.cpu.preempted.Load())
	if t.sig.exiting {
		s.Flags |= flagExiting
		s.ExitCode = g.exitStatus
		if p.isThread() {
			s.ExitCode = t.exitCode
		}
	}
}
