package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/wait"
)

// becomeZombieLocked makes a process whose threads have all ended wait for its
// parent, or vanish if nobody cares.
func (g *ThreadGroup) becomeZombieLocked() {
	hangUpIfOrphanedLocked(g, nil)
	g.zombie = true
	g.mu.Lock()
	g.shared.Flush(^abi.Sigset(0))
	g.execTask = nil
	g.mu.Unlock()
	if g.tgid == 1 {
		g.initExitedLocked()
	}
	if g.tellParentLocked() {
		g.reapLocked()
	}
}

// initExitedLocked ends everything: process 1 is gone.
func (g *ThreadGroup) initExitedLocked() {
	status := g.exitStatus
	g.pids.eachGroup(func(o *ThreadGroup) bool {
		if o != g {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.unkillable = false
			o.exitLocked(abi.SIGKILL)
		}
		return true
	})
	klog.Printf("kevlar: process 1 has ended with status %#x", status)
	if OnInitExit != nil {
		go OnInitExit(status)
	}
}

// tellParentLocked sends the parent the exit signal and wakes it if it waits.
// It reports whether the parent does not want to wait for g.
func (g *ThreadGroup) tellParentLocked() (autoreap bool) {
	p := g.parent
	if p == nil {
		return true
	}
	code := int32(abi.CLD_EXITED)
	status := int32(g.exitStatus >> 8)
	if sig := g.exitStatus & 0x7f; sig != 0 {
		code, status = abi.CLD_KILLED, int32(sig)
	}
	sig := g.exitSignal
	if abi.ValidSignal(sig) {
		func() {
			info := g.childSiginfo(code)
			info.Signo = int32(sig)
			info.SetStatus(status)
			p.mu.Lock()
			defer p.mu.Unlock()
			if sig == abi.SIGCHLD {
				a := p.actions.Get(sig)
				autoreap = a.Handler == abi.SIG_IGN || a.Flags&abi.SA_NOCLDWAIT != 0
				if a.Handler == abi.SIG_IGN {
					return
				}
			}
			p.sendLocked(nil, p.leader, info, true, false)
		}()
	}
	p.childWait.Notify(wait.All)
	return autoreap
}

// childSiginfo describes g to its parent; the status is left to the caller.
func (g *ThreadGroup) childSiginfo(code int32) *abi.Siginfo {
	info := &abi.Siginfo{Signo: abi.SIGCHLD, Code: code}
	info.SetPID(int32(g.tgid))
	info.SetUID(g.leader.Cred().UID)
	u := g.usage()
	info.SetUTime(ticksOf(u.times.user))
	info.SetSTime(ticksOf(u.times.kernel))
	return info
}

// reapLocked removes a zombie for good.
func (g *ThreadGroup) reapLocked() {
	if g.reaped {
		return
	}
	g.reaped = true
	if g.parent != nil {
		g.parent.children.remove(&g.sibling)
	}
	g.account.Uncharge(processCost)
	g.leader.unlinkLocked()
	joinLocked(g, nil)
	g.mu.Lock()
	h := g.actions
	g.mu.Unlock()
	h.Put()
}
