package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// WaitArgs says which children a wait is for, and what is to have happened.
type WaitArgs struct {
	// IDType is P_ALL, P_PID or P_PGID; ID is the number, of which 0 stands
	// for the caller's process group.
	IDType, ID int
	// Options are WEXITED, WSTOPPED, WCONTINUED, WNOHANG, WNOWAIT, WNOTHREAD,
	// WALL and WCLONE.
	Options int
}

// A WaitResult tells what has happened to a child.
type WaitResult struct {
	PID    int // 0 if WNOHANG found nothing
	UID    uint32
	Code   int32 // CLD_EXITED and so on
	Status int32 // si_status: exit status or signal
	// WaitStatus is the same as wait4(2) has it.
	WaitStatus int
	Rusage     abi.Rusage // of the child and its descendants
}

// Wait waits for a child of the thread's process: waitid(2), wait4(2). It
// returns ECHILD if there is none to wait for.
func (t *Task) Wait(args WaitArgs) (WaitResult, error) {
	g := t.group
	a := t.awaited(args)
	r, ok, err := t.tryWait(&a)
	if ok || err != nil || a.Options&abi.WNOHANG != 0 {
		return r, err
	}
	w := wait.Waiter{Sleeper: t.sleeper}
	g.childWait.Register(&w, wait.All)
	defer g.childWait.Unregister(&w)
	for {
		if r, ok, err = t.tryWait(&a); ok || err != nil {
			return r, err
		}
		if interrupted := t.Block(wait.Forever); interrupted != nil {
			// The signal may well be the SIGCHLD of the child waited for.
			if r, ok, err = t.tryWait(&a); ok || err != nil {
				return r, err
			}
			return r, interrupted
		}
	}
}

// An awaited is what a wait is for. Numbers are looked up once, at its
// beginning: later others may bear them.
type awaited struct {
	WaitArgs
	child *ThreadGroup
	pgrp  *ProcessGroup
}

func (t *Task) awaited(args WaitArgs) awaited {
	a := awaited{WaitArgs: args}
	treeMu.RLock()
	defer treeMu.RUnlock()
	switch args.IDType {
	case abi.P_PID:
		a.child = t.group.pids.group(args.ID)
	case abi.P_PGID:
		if a.pgrp = t.group.pgrp; args.ID != 0 {
			a.pgrp = t.group.pids.pgrp(args.ID)
		}
	}
	return a
}

// tryWait looks once at every child.
func (t *Task) tryWait(a *awaited) (r WaitResult, ok bool, err error) {
	treeMu.Lock()
	defer treeMu.Unlock()
	any := false
	for k := t.group.children.head; k != nil; k = k.next {
		c := k.group
		if !t.eligibleLocked(c, a) {
			continue
		}
		any = true
		if c.takeEventLocked(a.Options, &r) {
			return r, true, nil
		}
	}
	if !any {
		return r, false, abi.ECHILD
	}
	return r, false, nil
}

// eligibleLocked reports whether a is about child c.
func (t *Task) eligibleLocked(c *ThreadGroup, a *awaited) bool {
	switch a.IDType {
	case abi.P_PID:
		if c != a.child {
			return false
		}
	case abi.P_PGID:
		if c.pgrp == nil || c.pgrp != a.pgrp {
			return false
		}
	}
	if a.Options&abi.WNOTHREAD != 0 && c.parentThread != t {
		return false
	}
	clone := c.exitSignal != abi.SIGCHLD
	return a.Options&abi.WALL != 0 || clone == (a.Options&abi.WCLONE != 0)
}

// takeEventLocked reports whether something has happened to c that options
// ask for, and describes it in r. Unless WNOWAIT is set it is taken: a zombie
// is gone afterwards.
func (c *ThreadGroup) takeEventLocked(options int, r *WaitResult) bool {
	u := c.totalUsage()
	switch {
	case options&abi.WEXITED != 0 && c.zombie:
		c.describeExitLocked(r)
		if options&abi.WNOWAIT == 0 {
			c.collectLocked(&u)
		}
	case c.takeStop(options, r):
	default:
		return false
	}
	r.PID = c.tgid
	r.UID = c.leader.Cred().UID
	r.Rusage = u.rusage()
	return true
}

func (c *ThreadGroup) describeExitLocked(r *WaitResult) {
	r.WaitStatus = c.exitStatus
	r.Code, r.Status = abi.CLD_EXITED, int32(c.exitStatus>>8)
	if sig := c.exitStatus & 0x7f; sig != 0 {
		r.Code, r.Status = abi.CLD_KILLED, int32(sig)
	}
}

// totalUsage returns what c and those of its children that it has waited for
// have consumed.
func (c *ThreadGroup) totalUsage() usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.usageLocked()
	u.add(&c.childUsage)
	return u
}

// collectLocked adds what a zombie has consumed to its parent's sum and
// removes the zombie.
func (c *ThreadGroup) collectLocked(u *usage) {
	p := c.parent
	p.mu.Lock()
	p.childUsage.add(u)
	p.mu.Unlock()
	c.reapLocked()
}

// takeStop does takeEventLocked for stops.
func (c *ThreadGroup) takeStop(options int, r *WaitResult) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case options&abi.WSTOPPED != 0 && c.stop.stopped && c.stop.report != 0:
		r.Code, r.Status = abi.CLD_STOPPED, int32(c.stop.report)
		r.WaitStatus = c.stop.report<<8 | 0x7f
		if options&abi.WNOWAIT == 0 {
			c.stop.report = 0
		}
	case options&abi.WCONTINUED != 0 && c.stop.continued:
		r.Code, r.Status = abi.CLD_CONTINUED, abi.SIGCONT
		r.WaitStatus = 0xffff
		if options&abi.WNOWAIT == 0 {
			c.stop.continued = false
		}
	default:
		return false
	}
	return true
}
