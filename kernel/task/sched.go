package task

import (
	"sync/atomic"

	"kevlar/kernel/abi"
)

// schedParams are what sched(7) knows of a thread. The Go scheduler, which
// runs threads, treats them all alike: the values are kept and inherited, and
// say what was asked for.
type schedParams struct {
	nice     atomic.Int32 // -20 to 19
	policy   atomic.Int32 // SCHED_*
	priority atomic.Int32 // of real-time policies
	reset    atomic.Bool  // SCHED_RESET_ON_FORK
	affinity atomic.Uint64
	io       atomic.Int32 // class and level of I/O: ioprio_set(2)
}

// defaultTimerSlack is PR_GET_TIMERSLACK of process 1, in nanoseconds.
const defaultTimerSlack = 50_000

// Range of nice values.
const (
	minNice = -20
	maxNice = 19
)

func (s *schedParams) inherit(p *schedParams) {
	s.affinity.Store(p.affinity.Load())
	s.io.Store(p.io.Load())
	if p.reset.Load() {
		s.nice.Store(max(p.nice.Load(), 0))
		return
	}
	s.nice.Store(p.nice.Load())
	s.policy.Store(p.policy.Load())
	s.priority.Store(p.priority.Load())
}

// Nice returns the thread's nice value.
func (t *Task) Nice() int { return int(t.sched.nice.Load()) }

// eachPrioTarget calls f for the threads that which and who of getpriority(2)
// mean.
func (t *Task) eachPrioTarget(which, who int, f func(*Task)) error {
	treeMu.RLock()
	defer treeMu.RUnlock()
	switch which {
	case abi.PRIO_PROCESS:
		p := t
		if who != 0 {
			p = t.group.pids.task(who)
		}
		if p != nil {
			f(p)
		}
	case abi.PRIO_PGRP:
		p := t.group.pgrp
		if who != 0 {
			p = t.group.pids.pgrp(who)
		}
		if p != nil {
			for k := p.members.head; k != nil; k = k.next {
				k.group.Threads(func(p *Task) bool { f(p); return true })
			}
		}
	case abi.PRIO_USER:
		uid := uint32(who)
		if who == 0 {
			uid = t.Cred().UID
		}
		t.group.pids.eachGroup(func(g *ThreadGroup) bool {
			g.Threads(func(p *Task) bool {
				if p.Cred().UID == uid {
					f(p)
				}
				return true
			})
			return true
		})
	default:
		return abi.EINVAL
	}
	return nil
}

// GetPriority returns the lowest nice value among those that which and who
// mean: getpriority(2).
func (t *Task) GetPriority(which, who int) (int, error) {
	found, nice := false, maxNice
	err := t.eachPrioTarget(which, who, func(p *Task) {
		found = true
		nice = min(nice, p.Nice())
	})
	if err == nil && !found {
		err = abi.ESRCH
	}
	return nice, err
}

// SetPriority sets the nice value of those that which and who mean:
// setpriority(2).
func (t *Task) SetPriority(which, who, nice int) error {
	nice = min(max(nice, minNice), maxNice)
	result := error(abi.ESRCH)
	err := t.eachPrioTarget(which, who, func(p *Task) {
		switch e := t.maySetNice(p, nice); {
		case e != nil:
			result = e
		default:
			if result == abi.ESRCH {
				result = nil
			}
			p.sched.nice.Store(int32(nice))
		}
	})
	if err != nil {
		return err
	}
	return result
}

// maySetNice reports whether t may give p the nice value.
func (t *Task) maySetNice(p *Task, nice int) error {
	c, d := t.Cred(), p.Cred()
	if d.UID != c.EUID && d.EUID != c.EUID && !c.HasCap(abi.CAP_SYS_NICE) {
		return abi.EPERM
	}
	if nice < p.Nice() && !p.mayNice(nice) && !c.HasCap(abi.CAP_SYS_NICE) {
		return abi.EACCES
	}
	return nil
}

// mayNice reports whether RLIMIT_NICE allows the value.
func (t *Task) mayNice(nice int) bool {
	return uint64(maxNice+1-nice) <= t.group.Limit(abi.RLIMIT_NICE)
}

// SchedPolicy returns the policy, the priority and whether children go back to
// the default.
func (t *Task) SchedPolicy() (policy, priority int, reset bool) {
	return int(t.sched.policy.Load()), int(t.sched.priority.Load()), t.sched.reset.Load()
}

// SetSchedPolicy sets the policy and priority of p on behalf of t:
// sched_setscheduler(2).
func (t *Task) SetSchedPolicy(p *Task, policy, priority int, reset bool) error {
	realtime := false
	switch policy {
	case abi.SCHED_NORMAL, abi.SCHED_BATCH, abi.SCHED_IDLE:
	case abi.SCHED_FIFO, abi.SCHED_RR:
		realtime = true
	default:
		return abi.EINVAL
	}
	if realtime != (priority > 0) || priority < 0 || priority > 99 {
		return abi.EINVAL
	}
	c, d := t.Cred(), p.Cred()
	if !c.HasCap(abi.CAP_SYS_NICE) {
		if c.EUID != d.UID && c.EUID != d.EUID {
			return abi.EPERM
		}
		if realtime && uint64(priority) > p.group.Limit(abi.RLIMIT_RTPRIO) && priority > int(p.sched.priority.Load()) {
			return abi.EPERM
		}
		if p.sched.reset.Load() && !reset {
			return abi.EPERM
		}
	}
	p.sched.policy.Store(int32(policy))
	p.sched.priority.Store(int32(priority))
	p.sched.reset.Store(reset)
	return nil
}

// Affinity returns the CPUs that the thread may run on, bit i for CPU i; 0
// stands for all.
func (t *Task) Affinity() uint64 { return t.sched.affinity.Load() }

// SetAffinity restricts p to the CPUs in mask on behalf of t. Threads still
// move freely between CPUs: the mask is only remembered.
func (t *Task) SetAffinity(p *Task, mask uint64) error {
	c, d := t.Cred(), p.Cred()
	if c.EUID != d.UID && c.EUID != d.EUID && !c.HasCap(abi.CAP_SYS_NICE) {
		return abi.EPERM
	}
	p.sched.affinity.Store(mask)
	return nil
}
