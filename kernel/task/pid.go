package task

import (
	"math/bits"
	"sync"

	"kevlar/kernel/abi"
)

const (
	// PIDMax is one more than the highest ID: /proc/sys/kernel/pid_max.
	PIDMax = 32768
	// pidReserved is where the search begins again after a wrap, so that
	// low IDs stay with what started at boot.
	pidReserved = 300
)

// treeMu guards who there is and who belongs to whom: the table of IDs,
// parents and children, process groups and sessions, and the threads of each
// group. It is taken before any group's mu.
var treeMu sync.RWMutex

// An id is a number with what bears it. One number may at once be that of a
// thread, a process group and a session, and is free when it is none of them.
type id struct {
	task    *Task
	pgrp    *ProcessGroup
	session *Session
}

// A pidTable is the numbers of the threads, process groups and sessions that
// can see each other; guarded by treeMu.
type pidTable struct {
	used [PIDMax / 64]uint64 // bitmap of numbers in m
	m    map[int]*id
	last int // the number handed out last
}

// allPIDs is the table of process 1, in which everybody is. Who acts on behalf
// of a thread goes by the thread's own: ThreadGroup.pids.
var allPIDs = &pidTable{m: make(map[int]*id)}

// allocate returns a free number, with its entry for the caller to fill in
// before treeMu is released. Numbers are handed out in turn. The caller holds
// treeMu for writing.
func (p *pidTable) allocate() (int, *id, error) {
	if len(p.m) == 0 {
		p.last = 0
	}
	nr := p.scan(p.last+1, true)
	if nr == 0 {
		nr = p.scan(pidReserved, true)
	}
	if nr == 0 {
		return 0, nil, abi.EAGAIN
	}
	e := &id{}
	p.m[nr] = e
	p.used[nr/64] |= 1 << (nr % 64)
	p.last = nr
	return nr, e, nil
}

// scan returns the first number from nr on that is free or used, or 0.
func (p *pidTable) scan(nr int, free bool) int {
	for nr < PIDMax {
		w := p.used[nr/64]
		if free {
			w = ^w
		}
		if w &= ^uint64(0) << (nr % 64); w != 0 {
			return nr&^63 + bits.TrailingZeros64(w)
		}
		nr = nr&^63 + 64
	}
	return 0
}

// release frees nr if nothing bears it any more. The caller holds treeMu for
// writing.
func (p *pidTable) release(nr int) {
	if e := p.m[nr]; e != nil && e.task == nil && e.pgrp == nil && e.session == nil {
		delete(p.m, nr)
		p.used[nr/64] &^= 1 << (nr % 64)
	}
}

func (p *pidTable) task(tid int) *Task {
	if e := p.m[tid]; e != nil {
		return e.task
	}
	return nil
}

func (p *pidTable) group(tgid int) *ThreadGroup {
	if t := p.task(tgid); t != nil && t.group.tgid == tgid {
		return t.group
	}
	return nil
}

func (p *pidTable) pgrp(pgid int) *ProcessGroup {
	if e := p.m[pgid]; e != nil {
		return e.pgrp
	}
	return nil
}

// after returns the process with the lowest ID above tgid, or nil.
func (p *pidTable) after(tgid int) *ThreadGroup {
	for nr := p.scan(tgid+1, false); nr != 0; nr = p.scan(nr+1, false) {
		if g := p.group(nr); g != nil {
			return g
		}
	}
	return nil
}

// eachGroup calls f for every process in order of ID until it returns false.
// The caller holds treeMu.
func (p *pidTable) eachGroup(f func(*ThreadGroup) bool) {
	for g := p.after(0); g != nil && f(g); g = p.after(g.tgid) {
	}
}

// Find returns the thread that t knows by the ID, or nil.
func (t *Task) Find(tid int) *Task {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return t.group.pids.task(tid)
}

// Find returns the thread with the ID, or nil.
func Find(tid int) *Task {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return allPIDs.task(tid)
}

// FindGroup returns the process with the ID, zombies included, or nil.
func FindGroup(tgid int) *ThreadGroup {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return allPIDs.group(tgid)
}

// NextGroup returns the process with the lowest ID above tgid, or nil: it is
// how all are looked at with no lock held between one and the next.
func NextGroup(tgid int) *ThreadGroup {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return allPIDs.after(tgid)
}

// LastPID returns the ID that was handed out last.
func LastPID() int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return allPIDs.last
}
