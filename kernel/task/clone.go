package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// CloneArgs is what clone(2) and clone3(2) are told.
type CloneArgs struct {
	Flags      uint64 // CLONE_*, without the exit signal
	ExitSignal int    // sent to the parent at the end; one that is no signal is not
	Stack      uint64 // the child's stack pointer, 0 for a copy of the parent's
	TLS        uint64 // the child's FS base, with CLONE_SETTLS
	ParentTID  uintptr
	ChildTID   uintptr
}

// cloneFlags are the flags that have their effect, or none: nobody is traced,
// and there are neither undo values of semaphores nor queues of block devices to
// share. A flag that is not known may be what keeps the child from something: it
// is refused, as are namespaces, CLONE_PIDFD and CLONE_INTO_CGROUP.
const cloneFlags = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_CLEAR_SIGHAND |
	abi.CLONE_PTRACE | abi.CLONE_UNTRACED | abi.CLONE_VFORK | abi.CLONE_PARENT | abi.CLONE_THREAD |
	abi.CLONE_SYSVSEM | abi.CLONE_IO | abi.CLONE_SETTLS | abi.CLONE_PARENT_SETTID |
	abi.CLONE_CHILD_SETTID | abi.CLONE_CHILD_CLEARTID

// check refuses combinations that make no sense or are not supported.
func (a *CloneArgs) check(t *Task) error {
	f := a.Flags
	switch {
	case f&^cloneFlags != 0,
		f&abi.CLONE_THREAD != 0 && f&abi.CLONE_SIGHAND == 0,
		f&abi.CLONE_SIGHAND != 0 && f&abi.CLONE_VM == 0,
		f&abi.CLONE_SIGHAND != 0 && f&abi.CLONE_CLEAR_SIGHAND != 0,
		f&abi.CLONE_PARENT != 0 && t.group.tgid == 1:
		return abi.EINVAL
	}
	return nil
}

// Clone makes a new thread, in this process or in a new one, as fork(2),
// vfork(2), clone(2) do, and returns its ID. What it shares, copies and starts
// afresh is in the package's documentation.
func (t *Task) Clone(a *CloneArgs) (int, error) {
	if err := a.check(t); err != nil {
		return 0, err
	}
	if err := t.mayClone(); err != nil {
		return 0, err
	}
	c, err := t.newChild(a)
	if err != nil {
		threadCount.Add(-1)
		return 0, err
	}
	var vfork *completion
	if a.Flags&abi.CLONE_VFORK != 0 {
		vfork = &completion{waiter: t.sleeper}
		c.vfork.Store(vfork)
	}
	if err := t.linkChild(c, a); err != nil {
		c.abandon()
		return 0, err
	}
	tid := c.TID()
	forkCount.Add(1)
	t.launch(c, a)
	for vfork != nil && !vfork.done.Load() && !t.Killed() {
		t.sleeper.SleepUninterruptible()
	}
	return tid, nil
}

// launch makes c, which has been linked, run, after its ID was written where
// the program wants it. A panic in that stops t, but not c, which is in the
// tables by now.
func (t *Task) launch(c *Task, a *CloneArgs) {
	defer func() { go c.main() }()
	if a.Flags&abi.CLONE_PARENT_SETTID != 0 {
		var b [4]byte
		putUint32(b[:], uint32(c.TID()))
		t.CopyOut(a.ParentTID, b[:]) // a bad address is the program's own affair
	}
}

// mayClone counts one thread more if the limits allow it: EAGAIN.
func (t *Task) mayClone() error {
	if threadCount.Add(1) > int64(ThreadsMax()) {
		threadCount.Add(-1)
		return abi.EAGAIN
	}
	if !t.mayAddThreads(1) && !t.mayExceedLimits() {
		threadCount.Add(-1)
		return abi.EAGAIN
	}
	return nil
}

// mayAddThreads reports whether RLIMIT_NPROC lets the thread's user have n more.
func (t *Task) mayAddThreads(n int) bool {
	return uint64(t.user.Load().threads()+n) <= t.group.Limit(abi.RLIMIT_NPROC)
}

// mayExceedLimits reports whether the thread is exempt from the number of
// threads that a user may have.
func (t *Task) mayExceedLimits() bool {
	c := t.Cred()
	return c.UID == 0 || c.HasCap(abi.CAP_SYS_RESOURCE) || c.HasCap(abi.CAP_SYS_ADMIN)
}

// newChild makes a thread that nobody can find yet.
func (t *Task) newChild(a *CloneArgs) (*Task, error) {
	if a.Flags&abi.CLONE_SETTLS != 0 && a.TLS >= uint64(mm.UserTop) {
		return nil, abi.EPERM
	}
	as, err := t.cloneMM(a.Flags)
	if err != nil {
		return nil, err
	}
	files, err := t.cloneFiles(a.Flags)
	if err != nil {
		as.Put()
		return nil, err
	}
	var c *Task
	err = t.patiently(func() (err error) {
		c, err = newTask(t.Cred())
		return err
	})
	if err != nil {
		as.Put()
		files.Unref()
		return nil, err
	}
	c.setMM(as)
	c.files = files
	c.fs = t.cloneFS(a.Flags)
	c.uts = t.uts
	if c.prog = t.prog; c.prog != nil {
		c.prog.users.Add(1)
	}
	c.comm = t.comm
	c.Ctx.SetLabel(t.Comm())
	c.Ctx.CopyFrom(t.Ctx)
	c.Ctx.RAX = 0
	if a.Stack != 0 {
		c.Ctx.RSP = uint64(a.Stack)
	}
	if a.Flags&abi.CLONE_SETTLS != 0 {
		c.Ctx.FSBase = uint64(a.TLS)
	}
	if a.Flags&abi.CLONE_CHILD_SETTID != 0 {
		c.setTID = a.ChildTID
	}
	if a.Flags&abi.CLONE_CHILD_CLEARTID != 0 {
		c.clearTID = a.ChildTID
	}
	c.sig.blocked = t.sig.blocked
	if t.work.Load()&workMask != 0 {
		c.sig.blocked = t.sig.saved
	}
	if a.Flags&abi.CLONE_VM == 0 || a.Flags&abi.CLONE_VFORK != 0 {
		c.sig.alt = t.sig.alt
	}
	c.sched.inherit(&t.sched)
	c.noNewPrivs.Store(t.noNewPrivs.Load())
	c.timerSlack = t.timerSlack
	return c, nil
}

// newTask returns a thread that has nothing but credentials, or EAGAIN.
func newTask(cred *vfs.Cred) (*Task, error) {
	user := acquireUser(cred.UID)
	n := threadCost + groupsCost(len(cred.Groups))
	if user.memory.Charge(n) != nil {
		user.release()
		return nil, abi.EAGAIN
	}
	t := &Task{
		account:    user.memory,
		charged:    n,
		Ctx:        ring3.New(),
		sleeper:    wait.NewSleeper(),
		startTime:  ktime.Mono(),
		timerSlack: defaultTimerSlack,
	}
	t.sleeper.Observer = t
	t.cred.Store(cred)
	t.user.Store(user)
	t.sig.alt.Flags = abi.SS_DISABLE
	return t, nil
}

// patiently calls charge, which fails with EAGAIN if there is no memory, again
// while some is made free: a fork does not fail for what the next moment mends.
// The caller holds no lock.
func (t *Task) patiently(charge func() error) error {
	err := charge()
	for tries := 0; err == abi.EAGAIN && !t.Killed() && mm.MakeMemory(tries); tries++ {
		err = charge()
	}
	return err
}

// setMM replaces the address space.
func (t *Task) setMM(as *mm.AddressSpace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mm = as
	t.table = as.Table()
}

func (t *Task) cloneMM(flags uint64) (*mm.AddressSpace, error) {
	if flags&abi.CLONE_VM != 0 {
		t.mm.Get()
		return t.mm, nil
	}
	child, err := t.mm.Fork(t.Cred().Account)
	for tries := 0; err == abi.ENOMEM && !t.Killed() && mm.MakeMemory(tries); tries++ {
		child, err = t.mm.Fork(t.Cred().Account)
	}
	return child, err
}

func (t *Task) cloneFiles(flags uint64) (*vfs.FDTable, error) {
	if flags&abi.CLONE_FILES != 0 {
		t.files.Ref()
		return t.files, nil
	}
	return t.files.Fork(t.Cred().Account)
}

func (t *Task) cloneFS(flags uint64) *vfs.FSContext {
	if flags&abi.CLONE_FS != 0 {
		t.fs.Share()
		return t.fs
	}
	return t.fs.Copy()
}

// abandon gives back what newChild has made.
func (t *Task) abandon() {
	if t.mm != nil {
		t.mm.Put()
		t.mm, t.table = nil, nil
	}
	t.releaseFiles()
	t.Ctx.Release()
	if g := t.group; g != nil && g.leader == nil {
		g.account.Uncharge(processCost)
		g.actions.Put()
	}
	t.forget()
}

// forget takes t off its user's account and the number of threads: it is the
// last that is heard of it.
func (t *Task) forget() {
	t.uncharge(t.charged)
	t.user.Load().release()
	threadCount.Add(-1)
}

// linkChild gives c its ID and its place among threads and processes. A
// signal that is pending for the process fails it with ERESTARTNOINTR, so that
// a new process either is there when its group is signalled, or has not begun.
func (t *Task) linkChild(c *Task, a *CloneArgs) error {
	g := t.group
	if a.Flags&abi.CLONE_THREAD == 0 {
		var err error
		if g, err = t.newGroup(a); err != nil {
			return err
		}
		if a.Flags&abi.CLONE_VM == 0 {
			c.mm.SetLimits(g.rlimits.Soft)
		}
	}
	c.group = g
	treeMu.Lock()
	defer treeMu.Unlock()
	t.group.mu.Lock()
	interrupted := t.Killed() || t.sig.pending.Set()&^t.sig.blocked != 0 || t.group.shared.Set()&^t.sig.blocked != 0
	t.group.mu.Unlock()
	if interrupted {
		return abi.ERESTARTNOINTR
	}
	nr, e, err := t.group.pids.allocate()
	if err != nil {
		return err
	}
	e.task = c
	c.tid.Store(int32(nr))
	if g == t.group {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.threads.add(c)
		g.live++
		if g.exiting || g.execTask != nil {
			c.killThreadLocked()
		}
		return nil
	}
	g.tgid = nr
	g.leader, g.live = c, 1
	g.threads.add(c)
	if a.Flags&abi.CLONE_PARENT != 0 {
		g.parent, g.parentThread = t.group.parent, t.group.parentThread
		g.exitSignal = t.group.exitSignal
	} else {
		g.parent, g.parentThread = t.group, t
		g.exitSignal = a.ExitSignal
	}
	if g.parent != nil {
		g.parent.children.add(&g.sibling, g)
	}
	g.tty = t.group.tty
	joinLocked(g, t.group.pgrp)
	return nil
}

// newGroup returns the process that a fork of t's makes, or EAGAIN.
func (t *Task) newGroup(a *CloneArgs) (*ThreadGroup, error) {
	p := t.group
	g := &ThreadGroup{}
	g.pids = p.pids
	if err := t.patiently(func() error { return g.chargeProcess(t.user.Load().memory) }); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.Flags&abi.CLONE_SIGHAND != 0 {
		g.actions = p.actions.Share()
	} else {
		g.actions = p.actions.Copy(a.Flags&abi.CLONE_CLEAR_SIGHAND != 0)
	}
	g.rlimits.CopyFrom(&p.rlimits)
	g.dumpable.Store(p.dumpable.Load())
	g.personality.Store(p.personality.Load())
	g.oomScoreAdj.Store(p.oomScoreAdj.Load())
	g.updateCPUTimersLocked() // nobody else knows g: its mu need not be held
	return g, nil
}
