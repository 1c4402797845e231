// Package limit is the resource limits of a process: getrlimit(2). It keeps
// them; what each means is for those who are limited.
package limit

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Limits are the limits of one process, by abi.RLIMIT_*. The zero value limits
// everything to nothing; SetDefault or CopyFrom comes first.
type Limits struct {
	mu  sync.Mutex // serialises changes; readers take no lock
	lim [abi.RLIM_NLIMITS]struct{ cur, max atomic.Uint64 }
}

// Soft returns the soft limit of resource.
func (l *Limits) Soft(resource int) uint64 { return l.lim[resource].cur.Load() }

// Get returns both limits of resource.
func (l *Limits) Get(resource int) abi.Rlimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.get(resource)
}

// Change sets the limits of resource, if v is not nil, and returns the former
// ones. The errors are EINVAL for a soft limit above the hard one, and EPERM for
// a hard limit that is raised without privilege, or for more descriptors than a
// table can have.
func (l *Limits) Change(resource int, v *abi.Rlimit, privileged bool) (old abi.Rlimit, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old = l.get(resource)
	switch {
	case v == nil:
		return old, nil
	case v.Cur > v.Max:
		return old, abi.EINVAL
	case resource == abi.RLIMIT_NOFILE && v.Max > vfs.MaxFDs, v.Max > old.Max && !privileged:
		return old, abi.EPERM
	}
	l.set(resource, *v)
	return old, nil
}

// SetSoft sets the soft limit of resource.
func (l *Limits) SetSoft(resource int, n uint64) { l.lim[resource].cur.Store(n) }

// Lower makes the soft limit of resource n at most.
func (l *Limits) Lower(resource int, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := &l.lim[resource].cur; c.Load() > n {
		c.Store(n)
	}
}

// CopyFrom sets all limits to those of o.
func (l *Limits) CopyFrom(o *Limits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range l.lim {
		l.set(i, o.get(i))
	}
}

// SetDefault sets what process 1 starts with. threads is how many a user may
// have, and signals may be queued for him.
func (l *Limits) SetDefault(threads uint64) {
	for i := range l.lim {
		l.set(i, abi.Rlimit{Cur: abi.RLIM_INFINITY, Max: abi.RLIM_INFINITY})
	}
	l.set(abi.RLIMIT_STACK, abi.Rlimit{Cur: 8 << 20, Max: abi.RLIM_INFINITY})
	l.set(abi.RLIMIT_CORE, abi.Rlimit{Cur: 0, Max: abi.RLIM_INFINITY})
	l.set(abi.RLIMIT_NPROC, abi.Rlimit{Cur: threads, Max: threads})
	l.set(abi.RLIMIT_NOFILE, abi.Rlimit{Cur: 1024, Max: 4096})
	l.set(abi.RLIMIT_MEMLOCK, abi.Rlimit{Cur: 8 << 20, Max: 8 << 20})
	l.set(abi.RLIMIT_SIGPENDING, abi.Rlimit{Cur: threads, Max: threads})
	l.set(abi.RLIMIT_MSGQUEUE, abi.Rlimit{Cur: 819200, Max: 819200})
	l.set(abi.RLIMIT_NICE, abi.Rlimit{})
	l.set(abi.RLIMIT_RTPRIO, abi.Rlimit{})
}

func (l *Limits) get(resource int) abi.Rlimit {
	r := &l.lim[resource]
	return abi.Rlimit{Cur: r.cur.Load(), Max: r.max.Load()}
}

func (l *Limits) set(resource int, v abi.Rlimit) {
	r := &l.lim[resource]
	r.cur.Store(v.Cur)
	r.max.Store(v.Max)
}
