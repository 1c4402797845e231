package proc

import (
	"os"
	"slices"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

func TestMain(m *testing.M) {
	frame.InitSoft(4096)
	os.Exit(m.Run())
}

// fakeSystem is a kernel with a few threads.
type fakeSystem struct {
	mu    sync.Mutex
	tasks map[int]*fakeTask
	names abi.Utsname
	rand  byte

	timesAsked int // calls of CPUTimes; guarded by mu
}

func newSystem() *fakeSystem {
	return &fakeSystem{
		tasks: map[int]*fakeTask{},
		names: abi.Utsname{
			Sysname: "Linux", Nodename: "box", Release: "6.1.0", Version: "#1 SMP", Machine: "x86_64", Domainname: "(none)",
		},
	}
}

func (s *fakeSystem) add(t *fakeTask) *fakeTask {
	t.system = s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[t.tid] = t
	return t
}

func (s *fakeSystem) remove(t *fakeTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tasks, t.tid)
}

func (s *fakeSystem) PIDs() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int
	for tid, t := range s.tasks {
		if tid == t.tgid {
			pids = append(pids, tid)
		}
	}
	slices.Sort(pids)
	return pids
}

func (s *fakeSystem) Task(tid int) Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[tid]; t != nil {
		return t
	}
	return nil
}

func (s *fakeSystem) CPUs() []CPU {
	return []CPU{
		{ID: 0, APICID: 0, KHz: 2596140, CPUID: epyc.cpuid},
		{ID: 1, APICID: 1, KHz: 2596140, CPUID: epyc.cpuid},
	}
}

func (s *fakeSystem) CPUTimes() []CPUTimes {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timesAsked++
	return []CPUTimes{
		{User: 1e9, System: 2e9, Idle: 10e9},
		{User: 3e9, Nice: 1e7, System: 4e9, Idle: 20e9 + 5e8, IRQ: 3e7},
	}
}

func (s *fakeSystem) Memory() Memory {
	return Memory{Total: 64 << 20, Free: 40 << 20, Available: 36 << 20, Cached: 3 << 20, Shmem: 1 << 20,
		Heap: 5 << 20, Caches: 2 << 20}
}

func (s *fakeSystem) Counters() Counters {
	return Counters{ContextSwitches: 1234, Forks: 77, Running: 2, Threads: 9, LastPID: 4711}
}

func (s *fakeSystem) Interrupts() []Interrupt {
	return []Interrupt{
		{Name: "4", Counts: []uint64{7, 8}, Chip: "IO-APIC", Action: "ttyS0"},
		{Name: "LOC", Counts: []uint64{100, 200}, Action: "Local timer interrupts"},
	}
}

func (s *fakeSystem) CommandLine() string { return "console=ttyS0 quiet" }

func (s *fakeSystem) Names() abi.Utsname {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names
}

func (s *fakeSystem) SetHostname(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names.Nodename = name
	return nil
}

func (s *fakeSystem) SetDomainname(string) error  { return abi.EPERM }
func (s *fakeSystem) CharDevices() []DeviceMajor  { return []DeviceMajor{{1, "mem"}, {136, "pts"}} }
func (s *fakeSystem) BlockDevices() []DeviceMajor { return nil }
func (s *fakeSystem) ContainedPanics() uint64     { return 3 }
func (s *fakeSystem) PIDMax() int                 { return 32768 }
func (s *fakeSystem) ThreadsMax() int             { return 1000 }

func (s *fakeSystem) Random(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b {
		s.rand += 37
		b[i] = s.rand
	}
}

// fakeTask is a thread, and a caller too.
type fakeTask struct {
	vfs.Caller
	system    *fakeSystem
	tid, tgid int
	cred      *vfs.Cred
	dumpable  bool
	status    Status
	layout    Layout
	as        *mm.AddressSpace
	fds       *vfs.FDTable
	fs        *vfs.FSContext
	exe       vfs.Path
	limits    [abi.RLIM_NLIMITS]abi.Rlimit
	stack     []string
	// stackAsked counts those who asked for the stack.
	stackAsked int
	// onAcquireMM, if not nil, is called before AcquireMM.
	onAcquireMM func()

	mu   sync.Mutex
	comm string
	adj  int
}

func newTask(tid, tgid int, cred *vfs.Cred) *fakeTask {
	t := &fakeTask{
		Caller: vfs.Kernel, tid: tid, tgid: tgid, cred: cred, dumpable: true, comm: "prog",
		status: Status{State: 'S', PPID: 1, PGID: tgid, SID: 1, TTYGroup: -1, Priority: 20, Threads: 1, Umask: 0o22, CPUs: []uint64{3}},
		fds:    vfs.NewFDTable(),
	}
	for i := range t.limits {
		t.limits[i] = abi.Rlimit{Cur: abi.RLIM_INFINITY, Max: abi.RLIM_INFINITY}
	}
	return t
}

func (t *fakeTask) Cred() *vfs.Cred        { return t.cred }
func (t *fakeTask) Sleeper() *wait.Sleeper { return wait.NewSleeper() }
func (t *fakeTask) TID() int               { return t.tid }
func (t *fakeTask) TGID() int              { return t.tgid }
func (t *fakeTask) FS() *vfs.FSContext     { return t.fs }

func (t *fakeTask) Threads() []int {
	t.system.mu.Lock()
	defer t.system.mu.Unlock()
	var tids []int
	for _, o := range t.system.tasks {
		if o.tgid == t.tgid {
			tids = append(tids, o.tid)
		}
	}
	slices.Sort(tids)
	return tids
}

func (t *fakeTask) Comm() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.comm
}

func (t *fakeTask) SetComm(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.comm = name
}

func (t *fakeTask) Dumpable() bool { return t.dumpable }

func (t *fakeTask) Status(whole bool) (Status, bool) {
	s := t.status
	if whole {
		s.User *= 2
	}
	return s, t.system.Task(t.tid) != nil
}

func (t *fakeTask) AcquireMM() *mm.AddressSpace {
	if t.onAcquireMM != nil {
		t.onAcquireMM()
	}
	if t.as != nil {
		t.as.Get()
	}
	return t.as
}

func (t *fakeTask) AcquireFDs() *vfs.FDTable {
	if t.fds != nil {
		t.fds.Ref()
	}
	return t.fds
}

func (t *fakeTask) Layout() Layout { return t.layout }

func (t *fakeTask) Root() vfs.Path {
	if t.fs == nil {
		return vfs.Path{}
	}
	return t.fs.Root()
}

func (t *fakeTask) Cwd() vfs.Path {
	if t.fs == nil {
		return vfs.Path{}
	}
	return t.fs.Cwd()
}

func (t *fakeTask) Exe() vfs.Path                            { return t.exe }
func (t *fakeTask) Limits() [abi.RLIM_NLIMITS]abi.Rlimit     { return t.limits }
func (t *fakeTask) IO(bool) IO                               { return IO{ReadChars: 10, WriteCalls: 2} }
func (t *fakeTask) KernelStack() []string                    { t.stackAsked++; return t.stack }
func (t *fakeTask) Personality() uint32                      { return 0x40000 }
func (t *fakeTask) MemoryCost() int64                        { return 0 }
func (t *fakeTask) OOMScoreAdj() int                         { t.mu.Lock(); defer t.mu.Unlock(); return t.adj }
func (t *fakeTask) SetOOMScoreAdj(v int)                     { t.mu.Lock(); defer t.mu.Unlock(); t.adj = v }
func (t *fakeTask) CopyIn(b []byte, a uintptr) (int, error)  { return t.as.CopyIn(b, a) }
func (t *fakeTask) CopyOut(a uintptr, b []byte) (int, error) { return t.as.CopyOut(a, b) }

// user returns the credentials of an ordinary user.
func user(uid uint32) *vfs.Cred {
	return &vfs.Cred{UID: uid, GID: uid, EUID: uid, EGID: uid, SUID: uid, SGID: uid, FSUID: uid, FSGID: uid}
}

// world is a mounted file system with the threads of process 1 (root's) and 7
// (user 1000's, with a second thread 8).
type world struct {
	*fakeSystem
	fs          *FS
	ctx         *vfs.FSContext
	init, shell *fakeTask
	thread      *fakeTask
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := newSystem()
	w := &world{
		fakeSystem: s,
		init:       s.add(newTask(1, 1, vfs.RootCred)),
		shell:      s.add(newTask(7, 7, user(1000))),
		thread:     s.add(newTask(8, 7, user(1000))),
	}
	w.thread.fds = w.shell.fds
	w.fs = New(s)
	root, err := vfs.NewRootMount(w.fs.Super(), 0)
	if err != nil {
		t.Fatal(err)
	}
	w.ctx = vfs.NewFSContext(root)
	for _, task := range s.tasks {
		task.fs = w.ctx
	}
	return w
}

// open opens a file of /proc as c.
func (w *world) open(c vfs.Caller, name string, flags int) (*vfs.File, error) {
	return vfs.OpenAt(c, w.ctx, w.ctx.Root(), name, flags, 0)
}

// read returns the text of a file as c reads it.
func (w *world) read(c vfs.Caller, name string) (string, error) {
	f, err := w.open(c, name, abi.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Put()
	var text []byte
	for {
		b := make([]byte, 1<<16)
		dst := vfs.Bytes(b)
		n, err := f.Read(c, &dst)
		if err != nil || n == 0 {
			return string(text), err
		}
		text = append(text, b[:n]...)
	}
}

// mustRead reads a file as process 1.
func (w *world) mustRead(t *testing.T, name string) string {
	t.Helper()
	s, err := w.read(w.init, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func (w *world) write(c vfs.Caller, name, text string) error {
	f, err := w.open(c, name, abi.O_WRONLY|abi.O_TRUNC)
	if err != nil {
		return err
	}
	defer f.Put()
	src := vfs.Bytes(text)
	_, err = f.Write(c, &src)
	return err
}

func (w *world) list(c vfs.Caller, name string) ([]string, error) {
	f, err := w.open(c, name, abi.O_RDONLY|abi.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Put()
	var names []string
	err = f.ReadDir(c, func(e vfs.DirEntry) bool {
		names = append(names, e.Name)
		return true
	})
	return names, err
}
