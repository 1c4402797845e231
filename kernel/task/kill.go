package task

import "kevlar/kernel/abi"

// mayLocked reports whether t may send info to the process of target: kill(2),
// permissions. The caller holds treeMu.
func (t *Task) mayLocked(target *Task, info *abi.Siginfo) error {
	if target.group == t.group {
		return nil
	}
	c, d := t.Cred(), target.Cred()
	if c.EUID == d.SUID || c.EUID == d.UID || c.UID == d.SUID || c.UID == d.UID || c.HasCap(abi.CAP_KILL) {
		return nil
	}
	if int(info.Signo) == abi.SIGCONT && target.group.pgrp.session == t.group.pgrp.session {
		return nil
	}
	return abi.EPERM
}

// sendChecked sends info to the process of target if t may. Signal 0 only
// checks. The caller holds treeMu.
func (t *Task) sendChecked(target *Task, info *abi.Siginfo) error {
	if err := t.mayLocked(target, info); err != nil || info.Signo == 0 {
		return err
	}
	return target.group.sendGroup(t, info, false)
}

// Kill sends sig as kill(2) does: to a process, a process group, or all that
// the caller may signal.
func (t *Task) Kill(pid, sig int) error {
	if sig < 0 || sig > abi.NSIG {
		return abi.EINVAL
	}
	info := t.userSiginfo(sig, abi.SI_USER)
	treeMu.RLock()
	defer treeMu.RUnlock()
	switch {
	case pid > 0:
		p := t.group.pids.task(pid)
		if p == nil {
			return abi.ESRCH
		}
		return t.sendChecked(p, info)
	case pid == 0:
		return t.killGroupLocked(t.group.pgrp, info)
	case pid == -1:
		return t.killAllLocked(info)
	}
	return t.killGroupLocked(t.group.pids.pgrp(-pid), info)
}

// killGroupLocked succeeds if one member could be signalled.
func (t *Task) killGroupLocked(p *ProcessGroup, info *abi.Siginfo) error {
	if p == nil {
		return abi.ESRCH
	}
	err := error(abi.ESRCH)
	ok := false
	for k := p.members.head; k != nil; k = k.next {
		err = t.sendChecked(k.group.leader, info)
		ok = ok || err == nil
	}
	if ok {
		return nil
	}
	return err
}

// killAllLocked signals everyone but process 1 and the caller's own process.
func (t *Task) killAllLocked(info *abi.Siginfo) error {
	found := false
	var result error
	t.group.pids.eachGroup(func(g *ThreadGroup) bool {
		if g.tgid > 1 && g != t.group {
			found = true
			if err := t.sendChecked(g.leader, info); err != abi.EPERM {
				result = err
			}
		}
		return true
	})
	if !found {
		return abi.ESRCH
	}
	return result
}

// Tgkill sends sig to the thread tid of process tgid, which is not checked if
// it is 0: tgkill(2), tkill(2).
func (t *Task) Tgkill(tgid, tid, sig int) error {
	if tid <= 0 || tgid < 0 || sig < 0 || sig > abi.NSIG {
		return abi.EINVAL
	}
	return t.sendThread(tgid, tid, t.userSiginfo(sig, abi.SI_TKILL))
}

func (t *Task) sendThread(tgid, tid int, info *abi.Siginfo) error {
	treeMu.RLock()
	defer treeMu.RUnlock()
	p := t.group.pids.task(tid)
	if p == nil || tgid != 0 && p.group.tgid != tgid {
		return abi.ESRCH
	}
	if err := t.mayLocked(p, info); err != nil || info.Signo == 0 {
		return err
	}
	g := p.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.sig.exiting {
		return nil
	}
	return g.sendLocked(t, p, info, false, false)
}

// SigQueue sends info, with sig in place of its number, to process pid:
// rt_sigqueueinfo(2). Nobody may pretend to be kill(2) or the kernel to
// another process.
func (t *Task) SigQueue(pid, sig int, info *abi.Siginfo) error {
	if (info.Code >= 0 || info.Code == abi.SI_TKILL) && pid != t.TGID() {
		return abi.EPERM
	}
	if sig < 0 || sig > abi.NSIG {
		return abi.EINVAL
	}
	info.Signo = int32(sig)
	treeMu.RLock()
	defer treeMu.RUnlock()
	p := t.group.pids.task(pid)
	if p == nil {
		return abi.ESRCH
	}
	return t.sendChecked(p, info)
}

// SigQueueThread is SigQueue for one thread: rt_tgsigqueueinfo(2).
func (t *Task) SigQueueThread(tgid, tid, sig int, info *abi.Siginfo) error {
	if tgid <= 0 || tid <= 0 || sig < 0 || sig > abi.NSIG {
		return abi.EINVAL
	}
	if (info.Code >= 0 || info.Code == abi.SI_TKILL) && tid != t.TID() {
		return abi.EPERM
	}
	info.Signo = int32(sig)
	return t.sendThread(tgid, tid, info)
}
