package task

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
)

// rlimits are the resource limits of a process: getrlimit(2). Reading one
// takes no lock; mu serialises changes.
type rlimits struct {
	mu  sync.Mutex
	lim [abi.RLIM_NLIMITS]struct{ cur, max atomic.Uint64 }
}

func (r *rlimits) soft(resource int) uint64 { return r.lim[resource].cur.Load() }

func (r *rlimits) get(resource int) abi.Rlimit {
	l := &r.lim[resource]
	return abi.Rlimit{Cur: l.cur.Load(), Max: l.max.Load()}
}

func (r *rlimits) set(resource int, v abi.Rlimit) {
	l := &r.lim[resource]
	l.cur.Store(v.Cur)
	l.max.Store(v.Max)
}

// lower makes the soft limit n at most.
func (r *rlimits) lower(resource int, n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := &r.lim[resource]; l.cur.Load() > n {
		l.cur.Store(n)
	}
}

func (r *rlimits) copyFrom(o *rlimits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range r.lim {
		r.set(i, o.get(i))
	}
}

// nrOpen is the highest RLIMIT_NOFILE: /proc/sys/fs/nr_open.
const nrOpen = 1 << 20

// defaultUserThreads is RLIMIT_NPROC of process 1.
func defaultUserThreads() uint64 { return uint64(ThreadsMax() / 2) }

// setDefault sets what process 1 starts with.
func (r *rlimits) setDefault() {
	for i := range r.lim {
		r.set(i, abi.Rlimit{Cur: abi.RLIM_INFINITY, Max: abi.RLIM_INFINITY})
	}
	threads := defaultUserThreads()
	r.set(abi.RLIMIT_STACK, abi.Rlimit{Cur: 8 << 20, Max: abi.RLIM_INFINITY})
	r.set(abi.RLIMIT_CORE, abi.Rlimit{Cur: 0, Max: abi.RLIM_INFINITY})
	r.set(abi.RLIMIT_NPROC, abi.Rlimit{Cur: threads, Max: threads})
	r.set(abi.RLIMIT_NOFILE, abi.Rlimit{Cur: 1024, Max: 4096})
	r.set(abi.RLIMIT_MEMLOCK, abi.Rlimit{Cur: 8 << 20, Max: 8 << 20})
	r.set(abi.RLIMIT_SIGPENDING, abi.Rlimit{Cur: threads, Max: threads})
	r.set(abi.RLIMIT_MSGQUEUE, abi.Rlimit{Cur: 819200, Max: 819200})
	r.set(abi.RLIMIT_NICE, abi.Rlimit{})
	r.set(abi.RLIMIT_RTPRIO, abi.Rlimit{})
}

// Limit returns the soft limit of resource, an abi.RLIMIT_* constant.
func (g *ThreadGroup) Limit(resource int) uint64 { return g.rlimits.soft(resource) }

// Rlimit returns both limits of resource.
func (g *ThreadGroup) Rlimit(resource int) abi.Rlimit {
	g.rlimits.mu.Lock()
	defer g.rlimits.mu.Unlock()
	return g.rlimits.get(resource)
}

// Prlimit returns the limits of resource of process pid, 0 for the caller's,
// and sets new ones if set is not nil: prlimit(2).
func (t *Task) Prlimit(pid, resource int, set *abi.Rlimit) (abi.Rlimit, error) {
	if resource < 0 || resource >= abi.RLIM_NLIMITS {
		return abi.Rlimit{}, abi.EINVAL
	}
	if set != nil && set.Cur > set.Max {
		return abi.Rlimit{}, abi.EINVAL
	}
	g, err := t.limitsOf(pid)
	if err != nil {
		return abi.Rlimit{}, err
	}
	old, err := g.changeLimit(t, resource, set)
	if err != nil || set == nil {
		return old, err
	}
	switch resource {
	case abi.RLIMIT_CPU:
		g.armCPULimit()
	case abi.RLIMIT_NOFILE:
		g.limitFiles()
	}
	return old, nil
}

// limitsOf returns the process that t may see the limits of.
func (t *Task) limitsOf(pid int) (*ThreadGroup, error) {
	if pid == 0 || pid == t.TGID() {
		return t.group, nil
	}
	p := Find(pid)
	if p == nil {
		return nil, abi.ESRCH
	}
	c, d := t.Cred(), p.Cred()
	same := c.UID == d.EUID && c.UID == d.SUID && c.UID == d.UID && c.GID == d.EGID && c.GID == d.SGID && c.GID == d.GID
	if !same && !c.HasCap(abi.CAP_SYS_RESOURCE) {
		return nil, abi.EPERM
	}
	return p.group, nil
}

func (g *ThreadGroup) changeLimit(by *Task, resource int, set *abi.Rlimit) (abi.Rlimit, error) {
	g.rlimits.mu.Lock()
	defer g.rlimits.mu.Unlock()
	old := g.rlimits.get(resource)
	if set == nil {
		return old, nil
	}
	if resource == abi.RLIMIT_NOFILE && set.Max > nrOpen {
		return old, abi.EPERM
	}
	if set.Max > old.Max && !by.Cred().HasCap(abi.CAP_SYS_RESOURCE) {
		return old, abi.EPERM
	}
	g.rlimits.set(resource, *set)
	return old, nil
}

// limitFiles tells the descriptor tables of g's threads their limit.
func (g *ThreadGroup) limitFiles() {
	n := int(min(g.Limit(abi.RLIMIT_NOFILE), nrOpen))
	g.Threads(func(t *Task) bool {
		if files := t.AcquireFDs(); files != nil {
			files.SetLimit(n)
			defer files.Unref()
		}
		return true
	})
}
