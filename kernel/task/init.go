package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task/signal"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
)

// InitArgs says what process 1 is.
type InitArgs struct {
	Path       string
	Argv, Envp []string
	Root       vfs.Path  // root and working directory
	Console    *vfs.File // its descriptors 0, 1 and 2, if not nil
	UTS        *uts.Namespace
}

// StartInit makes process 1 and lets it run. An error says why the program
// cannot be executed; then there is no process.
func StartInit(a InitArgs) error {
	t, err := newTask(vfs.RootCred)
	if err != nil {
		return err
	}
	cred := t.copyCred()
	cred.Account = t.account
	t.uts = a.UTS
	t.cred.Store(cred)
	t.files = vfs.NewFDTable()
	t.fs = vfs.NewFSContext(a.Root)
	threadCount.Add(1)
	g := &ThreadGroup{unkillable: true, pids: allPIDs, actions: signal.NewActions()}
	g.rlimits.SetDefault(uint64(ThreadsMax() / 2))
	g.dumpable.Store(1)
	g.account = t.account
	g.account.ChargeAnyway(processCost)
	t.group = g
	t.files.SetLimit(int(g.Limit(abi.RLIMIT_NOFILE)))
	if err := t.openConsole(a.Console); err != nil {
		t.abandon()
		return err
	}
	if err := linkInit(t); err != nil {
		t.abandon()
		return err
	}
	err = Exec(t, ExecArgs{
		Base: a.Root, Name: a.Path,
		Argv: Vector{Strings: a.Argv}, Envp: Vector{Strings: a.Envp},
	})
	if err != nil {
		unlinkInit(t)
		return err
	}
	go t.main()
	return nil
}

// openConsole makes f the standard descriptors.
func (t *Task) openConsole(f *vfs.File) error {
	if f == nil {
		return nil
	}
	for range 3 {
		f.Get()
		if _, err := t.files.Install(f, 0, false); err != nil {
			f.Put()
			return err
		}
	}
	return nil
}

// linkInit makes t findable as process 1.
func linkInit(t *Task) error {
	treeMu.Lock()
	defer treeMu.Unlock()
	g := t.group
	nr, e, err := g.pids.allocate()
	if err != nil {
		return err
	}
	if nr != 1 {
		e.task = nil
		g.pids.release(nr)
		return abi.EBUSY
	}
	e.task = t
	t.tid.Store(1)
	g.tgid, g.leader, g.live = nr, t, 1
	g.threads.add(t)
	// Like Linux's, process 1 has a process group and session 0, which are not
	// in the table, until it calls setsid(2).
	joinLocked(g, &ProcessGroup{session: &Session{pids: g.pids, groups: 1}})
	return nil
}

// unlinkInit undoes linkInit.
func unlinkInit(t *Task) {
	t.releaseMM()
	t.releaseFiles()
	t.Ctx.Release()
	treeMu.Lock()
	defer treeMu.Unlock()
	g := t.group
	g.mu.Lock()
	g.live = 0
	g.exiting = true
	g.mu.Unlock()
	g.reapLocked()
}
