package task

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/kmem"
	"kevlar/kernel/task/limit"
	"kevlar/kernel/task/signal"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A ThreadGroup is a Linux process: the threads that share a process ID,
// signal handlers and resource limits. It outlives its threads as a zombie
// until its parent has waited for it.
type ThreadGroup struct {
	tgid    int           // never changes
	account *kmem.Account // charged for the process
	pids    *pidTable     // never changes: who the process sees, and where it is

	// Guarded by treeMu.
	parent       *ThreadGroup // who waits for it; nil for process 1
	parentThread *Task        // the thread of parent that gets credit for it
	children     groupList
	sibling      groupLink // in parent.children
	pgrp         *ProcessGroup
	pgrpLink     groupLink // in pgrp.members
	execed       bool      // has called execve since its birth: setpgid(2)
	zombie       bool      // every thread has ended
	reaped       bool      // nobody can find it any more
	exitSignal   int       // sent to the parent at the end; 0 for none
	tty          *tty.TTY  // controlling terminal, or nil
	// subreaper adopts orphaned descendants: prctl(2).
	subreaper bool

	// leader is the thread whose TID is the process ID. Threads is never
	// empty before the process is a zombie, and the leader stays in it to
	// the end. Both are guarded by treeMu and mu: a reader holds either, a
	// writer both.
	leader  *Task
	threads taskList

	// childWait is notified when a child changes state.
	childWait wait.Queue

	// mu guards signals: Linux's siglock. The signalState of every thread
	// is guarded by it too.
	mu      sync.Mutex
	shared  signal.Queue // signals for the process as a whole
	actions *signal.Actions
	current *Task // where the search for a thread to signal goes on
	stop    groupStop
	// live counts the threads that have not begun to exit.
	live int
	// exiting is set once the whole group ends, with exitStatus for wait.
	exiting    bool
	exitStatus int
	// dyingSince is when memory was first wanted of a group that was exiting
	// or killed for it; of ktime.Mono, 0 before.
	dyingSince int64
	dyingCost  int64 // what it gives back, in bytes, as far as it is known
	// execTask is the thread that waits in execve for the others to end.
	execTask *Task
	// unkillable is process 1: signals without a handler do nothing to it.
	unkillable bool
	timers     timerTable
	itimers    [3]itimer // ITIMER_REAL, VIRTUAL, PROF
	rlimits    limit.Limits
	dead       usage // sums over threads that have ended
	childUsage usage // sums over children that were waited for
	prevTimes  cpuTimes
	// cpuTimers is set while something depends on consumed CPU time.
	cpuTimers atomic.Bool

	// signalWait is notified when a signal becomes pending: signalfd(2).
	signalWait wait.Queue

	dumpable    atomic.Int32
	personality atomic.Uint32
	oomScoreAdj atomic.Int32
}

// TGID returns the process ID.
func (g *ThreadGroup) TGID() int { return g.tgid }

// Leader returns the thread whose ID is the process ID.
func (g *ThreadGroup) Leader() *Task {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leader
}

// Threads calls f for each thread until it returns false. f runs with the
// group's lock held: it must not block and must not signal.
func (g *ThreadGroup) Threads(f func(*Task) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := g.threads.head; t != nil; t = t.next {
		if !f(t) {
			return
		}
	}
}

// ThreadCount returns how many threads there are, ended leaders included.
func (g *ThreadGroup) ThreadCount() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.threads.n
}

// SingleThreaded reports whether no other thread than t is left.
func (t *Task) SingleThreaded() bool {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.threads.n == 1
}

// IsSubreaper reports whether the process adopts orphaned descendants.
func (g *ThreadGroup) IsSubreaper() bool {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return g.subreaper
}

// SetSubreaper makes the process adopt orphaned descendants, or no longer.
func (g *ThreadGroup) SetSubreaper(on bool) {
	treeMu.Lock()
	defer treeMu.Unlock()
	g.subreaper = on
}

// ParentPID returns the process ID of the parent, 0 if there is none.
func (g *ThreadGroup) ParentPID() int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	if g.parent == nil {
		return 0
	}
	return g.parent.tgid
}

// taskList is a doubly linked list of threads through Task.next and prev.
type taskList struct {
	head, tail *Task
	n          int
}

func (l *taskList) add(t *Task) {
	t.prev, t.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = t
	} else {
		l.head = t
	}
	l.tail = t
	l.n++
}

func (l *taskList) remove(t *Task) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		l.head = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		l.tail = t.prev
	}
	t.next, t.prev = nil, nil
	l.n--
}

// groupLink is a process's place in one groupList.
type groupLink struct {
	group      *ThreadGroup // that it is part of; nil when in no list
	next, prev *groupLink
}

// groupList is a doubly linked list of processes, guarded by treeMu.
type groupList struct{ head, tail *groupLink }

func (l *groupList) add(k *groupLink, g *ThreadGroup) {
	k.group, k.prev, k.next = g, l.tail, nil
	if l.tail != nil {
		l.tail.next = k
	} else {
		l.head = k
	}
	l.tail = k
}

func (l *groupList) remove(k *groupLink) {
	if k.group == nil {
		return
	}
	if k.prev != nil {
		k.prev.next = k.next
	} else {
		l.head = k.next
	}
	if k.next != nil {
		k.next.prev = k.prev
	} else {
		l.tail = k.prev
	}
	*k = groupLink{}
}

// A completion is an event that happens once: the end of a vfork.
type completion struct {
	done   atomic.Bool
	waiter *wait.Sleeper
}

func (c *completion) complete() {
	c.done.Store(true)
	c.waiter.Wake()
}

var _ vfs.Caller = (*Task)(nil)
