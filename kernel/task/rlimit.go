package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Limit returns the soft limit of resource, an abi.RLIMIT_* constant.
func (g *ThreadGroup) Limit(resource int) uint64 { return g.rlimits.Soft(resource) }

// Rlimit returns both limits of resource.
func (g *ThreadGroup) Rlimit(resource int) abi.Rlimit {
	return g.rlimits.Get(resource)
}

// Prlimit returns the limits of resource of process pid, 0 for the caller's,
// and sets new ones if set is not nil: prlimit(2).
func (t *Task) Prlimit(pid, resource int, set *abi.Rlimit) (abi.Rlimit, error) {
	if resource < 0 || resource >= abi.RLIM_NLIMITS {
		return abi.Rlimit{}, abi.EINVAL
	}
	if set != nil && set.Cur > set.Max {
		return abi.Rlimit{}, abi.EINVAL // whoever is asked about
	}
	g, err := t.limitsOf(pid)
	if err != nil {
		return abi.Rlimit{}, err
	}
	old, err := g.rlimits.Change(resource, set, t.Cred().HasCap(abi.CAP_SYS_RESOURCE))
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
	p := t.Find(pid)
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

// limitFiles tells the descriptor tables of g's threads their limit.
func (g *ThreadGroup) limitFiles() {
	n := int(min(g.Limit(abi.RLIMIT_NOFILE), vfs.MaxFDs))
	g.Threads(func(t *Task) bool {
		if files := t.AcquireFDs(); files != nil {
			files.SetLimit(n)
			defer files.Unref()
		}
		return true
	})
}
