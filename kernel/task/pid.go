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

// ids is the table of all threads, process groups and sessions; guarded by
// treeMu.
var ids struct {
	used [PIDMax / 64]uint64 // bitmap of numbers in m
	m    map[int]*id
	last int // the number handed out last
}

// allocID returns a free number, with its entry for the caller to fill in
// before treeMu is released. Numbers are handed out in turn. The caller holds
// treeMu for writing.
func allocID() (int, *id, error) {
	if ids.m == nil {
		ids.m = make(map[int]*id)
	}
	if len(ids.m) == 0 {
		ids.last = 0
	}
	nr := nextFree(ids.last + 1)
	if nr == 0 {
		nr = nextFree(pidReserved)
	}
	if nr == 0 {
		return 0, nil, abi.EAGAIN
	}
	e := &id{}
	ids.m[nr] = e
	ids.used[nr/64] |= 1 << (nr % 64)
	ids.last = nr
	return nr, e, nil
}

// nextFree returns the first free number from nr on, or 0.
func nextFree(nr int) int { return scanIDs(nr, true) }

// scanIDs returns the first number from nr on that is free or used, or 0.
func scanIDs(nr int, free bool) int {
	for nr < PIDMax {
		w := ids.used[nr/64]
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

// releaseID frees nr if nothing bears it any more. The caller holds treeMu for
// writing.
func releaseID(nr int) {
	if e := ids.m[nr]; e != nil && e.task == nil && e.pgrp == nil && e.session == nil {
		delete(ids.m, nr)
		ids.used[nr/64] &^= 1 << (nr % 64)
	}
}

// Find returns the thread with the ID, or nil.
func Find(tid int) *Task {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return findLocked(tid)
}

func findLocked(tid int) *Task {
	if e := ids.m[tid]; e != nil {
		return e.task
	}
	return nil
}

// FindGroup returns the process with the ID, zombies included, or nil.
func FindGroup(tgid int) *ThreadGroup {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return findGroupLocked(tgid)
}

func findGroupLocked(tgid int) *ThreadGroup {
	if t := findLocked(tgid); t != nil && t.group.tgid == tgid {
		return t.group
	}
	return nil
}

func findPgrpLocked(pgid int) *ProcessGroup {
	if e := ids.m[pgid]; e != nil {
		return e.pgrp
	}
	return nil
}

// NextGroup returns the process with the lowest ID above tgid, or nil: it is
// how /proc is listed.
func NextGroup(tgid int) *ThreadGroup {
	treeMu.RLock()
	defer treeMu.RUnlock()
	for nr := scanIDs(tgid+1, false); nr != 0; nr = scanIDs(nr+1, false) {
		if g := findGroupLocked(nr); g != nil {
			return g
		}
	}
	return nil
}

// eachGroupLocked calls f for every process in order of ID until it returns
// false. The caller holds treeMu.
func eachGroupLocked(f func(*ThreadGroup) bool) {
	for nr := scanIDs(1, false); nr != 0; nr = scanIDs(nr+1, false) {
		if g := findGroupLocked(nr); g != nil && !f(g) {
			return
		}
	}
}

// LastPID returns the ID that was handed out last.
func LastPID() int {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return ids.last
}
