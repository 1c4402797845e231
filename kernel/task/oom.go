package task

import (
	"fmt"
	"runtime"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
)

// Range of oom_score_adj; at the lowest a process is never chosen.
const (
	oomAdjMin = -1000
	oomAdjMax = 1000
)

// oomWait is how long the one who needs memory waits for a victim to give its
// own back before it looks again.
const oomWait = 50 * time.Millisecond

// OutOfMemory makes memory free by killing the process that has most of it. It
// returns when the victim has ended or, for the caller may be the victim,
// after a short time; a victim that is still there is then found again. It is
// called with no lock held.
func OutOfMemory() {
	v := oomVictim()
	if v.group == nil {
		return
	}
	if v.group.killForMemory() {
		klog.Print(klog.Error, v.String())
	}
	for end := time.Now().Add(oomWait); !v.group.hasEnded() && time.Now().Before(end); {
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// outOfMemory is called when a page fault of t cannot be served.
func (t *Task) outOfMemory() {
	if !t.Killed() {
		OutOfMemory()
	}
}

// A victim is a process with what speaks for killing it.
type victim struct {
	group *ThreadGroup
	comm  string
	stats mm.Stats
	score int64 // pages, adjusted
}

// String is the line for the log, as Linux writes it.
func (v *victim) String() string {
	const kb = frame.Size / 1024
	return fmt.Sprintf("Out of memory: Killed process %d (%s) total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB, "+
		"shmem-rss:%dkB, UID:%d pgtables:%dkB oom_score_adj:%d",
		v.group.tgid, v.comm, v.stats.Size*kb, v.stats.RSSAnon*kb, v.stats.RSSFile*kb,
		v.stats.RSSShmem*kb, v.group.Leader().Cred().UID, v.stats.PageTables/1024, v.group.OOMScoreAdj())
}

// oomVictim chooses the process to kill: one that is dying already, or the
// largest. Process 1 is spared.
func oomVictim() (best victim) {
	for g := NextGroup(1); g != nil; g = NextGroup(g.tgid) {
		adj := int64(g.OOMScoreAdj())
		if adj == oomAdjMin {
			continue
		}
		v := victim{group: g}
		if !v.measure() {
			continue
		}
		if g.isExiting() {
			return v
		}
		v.score += adj * int64(frame.Total()) / 1000
		if best.group == nil || v.score > best.score {
			best = v
		}
	}
	return best
}

// measure fills in what the process has; false if it has no memory any more.
func (v *victim) measure() bool {
	var as *mm.AddressSpace
	v.group.Threads(func(t *Task) bool {
		as, v.comm = t.AcquireMM(), t.Comm()
		return as == nil
	})
	if as == nil {
		return false
	}
	defer as.Put()
	v.stats = as.Stats()
	v.score = v.stats.RSS + v.stats.PageTables/frame.Size
	return true
}

// killForMemory kills the process, and reports whether it was not dying yet.
func (g *ThreadGroup) killForMemory() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return false
	}
	g.exitLocked(abi.SIGKILL)
	return true
}

func (g *ThreadGroup) isExiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exiting
}

// hasEnded reports whether no thread of g has an address space any more.
func (g *ThreadGroup) hasEnded() bool {
	left := false
	g.Threads(func(t *Task) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		left = left || t.mm != nil
		return !left
	})
	return !left
}
