package task

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/kmem"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
)

// When memory is short, what can be made again is dropped; if that does not
// help, the processes that cost most are killed. A page fault that finds no
// frame does so and waits (OutOfMemory). The killer, a goroutine, does so when a
// charge of kernel memory was refused for lack of frames, or when the heap has
// taken half of the reserve. A victim needs no memory to end: its faults fail
// (mm.AddressSpace.Doom), and its exit allocates nothing for programs.

// Range of oom_score_adj; at the lowest a process is never chosen.
const (
	oomAdjMin = -1000
	oomAdjMax = 1000
)

const (
	// oomWait is how long the one who needs memory waits for victims to give
	// theirs back before it looks again.
	oomWait = 50 * time.Millisecond
	// oomPatience is how long a process may take to end before others are
	// killed: many do at once, and slowly when memory is short.
	oomPatience = 10 * time.Second
)

// oom is the state of those who kill for memory; one does at a time.
var oom struct {
	mu   sync.Mutex
	list candidates // kept, so that killing needs no memory
	// collected is when the heap was last collected to give frames back.
	collected time.Time
	// returning is the memory of victims that has yet to be given back, which is
	// well after they have let go of it.
	returning []returning
	// dropped is what the last reference was dropped on by who looked at a
	// process; the reaper ends it.
	dropped dropped
}

// returning is the memory of a victim. It is asked whether it is gone, and is
// not referred to otherwise.
type returning struct {
	as    *mm.AddressSpace
	since int64 // ktime.Mono
}

// shortage wakes the killer, leftovers the reaper.
var shortage, leftovers = make(chan struct{}, 1), make(chan struct{}, 1)

// OutOfMemory makes memory free, by killing if need be. It returns when what it
// has done took effect or, for the caller may be a victim, after a short time.
// It is called with none of mm's locks held, nor of this package's; a fault in a
// copy comes with those of the file that copies.
func OutOfMemory() { makeMemory(0, frame.Short) }

// outOfMemory is called when a page fault of t cannot be served.
func (t *Task) outOfMemory() {
	if !t.Killed() {
		OutOfMemory()
	}
}

// MemoryShort wakes the killer: the kernel itself is short of memory. It may be
// called with any lock held.
func MemoryShort() {
	select {
	case shortage <- struct{}{}:
	default:
	}
}

// Killer makes memory free when the kernel itself is short of it. It runs from
// the boot on.
func Killer() {
	go reap()
	for range shortage {
		// Killing for less would not help the kernel: charges are refused.
		worth := int64(frame.Total()*frame.Size) / 64
		for range 20 {
			if !kmem.Short() || !makeMemory(worth, kmem.Short) {
				break
			}
		}
		time.Sleep(oomWait) // charges that go on failing are no reason to hurry
	}
}

// makeMemory gives back what can be made again, or else kills processes that
// cost at least worth bytes together, while memory is short. It reports whether
// it did something, or whether something was under way.
func makeMemory(worth int64, short func() bool) bool {
	var groups [32]*ThreadGroup // to wait for
	n, wait, did := relieveOrKill(worth, short, groups[:])
	if wait {
		await(func() bool { return stillReturning() || anyAlive(groups[:n]) })
	}
	return did
}

// reap ends what is dropped. It is not done by who has dropped it: that may be a
// fault in the middle of a copy, under the lock of the very pipe that is to be
// closed.
func reap() {
	for range leftovers {
		oom.mu.Lock()
		d := oom.dropped
		oom.dropped = dropped{}
		oom.mu.Unlock()
		func() {
			defer func() {
				if v := recover(); v != nil {
					reportPanic("the reaper", v)
				}
			}()
			d.release()
		}()
	}
}

// relieveOrKill is the part of makeMemory under oom.mu. What it killed, or some of
// that, are the first n of groups; wait says that their memory, or that of others,
// is still to come.
func relieveOrKill(worth int64, short func() bool, groups []*ThreadGroup) (n int, wait, did bool) {
	oom.mu.Lock()
	defer oom.mu.Unlock()
	defer oom.dropped.leave()
	if relieve() {
		return 0, false, true
	}
	if isReturning() {
		return 0, true, true
	}
	defer oom.list.clear()
	victims := oom.list.find()
	// Looking takes a while, in which a victim may have ended that was not
	// found any more.
	if !short() {
		return 0, false, true
	}
	if len(victims) == 0 || victims.cost() < worth {
		return 0, false, false
	}
	return victims.kill(groups), true, true
}

// await waits for a short time while something is so.
func await(is func() bool) {
	for end := time.Now().Add(oomWait); is() && time.Now().Before(end); {
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// isReturning reports whether the memory of a victim, which has had its time to
// end, will still be given back. oom.mu is held.
func isReturning() bool {
	late := ktime.Mono() - int64(oomPatience)
	oom.returning = slices.DeleteFunc(oom.returning, func(r returning) bool {
		return r.as.Gone() || r.since < late
	})
	return len(oom.returning) > 0
}

// stillReturning is isReturning for those who do not hold oom.mu.
func stillReturning() bool {
	oom.mu.Lock()
	defer oom.mu.Unlock()
	return isReturning()
}

// relieve gives frames back without hurting anyone. It reports whether it
// found any.
func relieve() bool {
	const (
		piece = 256 << 10       // bytes of what is cached
		slack = 1 << 20         // of the heap beyond its goal
		pause = time.Second / 4 // between collections
	)
	if kmem.Shrink(&kmem.Machine, piece) > 0 {
		return true
	}
	over := int64(frame.Heap()*frame.Size) - kmem.HeapGoal()
	if over < slack || time.Since(oom.collected) < pause {
		return false
	}
	before := frame.Heap()
	debug.FreeOSMemory()
	oom.collected = time.Now()
	return frame.Heap() < before
}

// kill kills the processes and fills groups with them, or as many as there is room
// for, and returns how many: those that die already, if there are any, are waited
// for first.
func (l candidates) kill(groups []*ThreadGroup) (n int) {
	for i := range l {
		c := &l[i]
		if i < len(groups) {
			groups[i] = c.group
		}
		if c.group.killForMemory(c.cost()) {
			klog.Print(klog.Error, c.String())
		}
	}
	return min(len(l), len(groups))
}

// killForMemory kills the process, which costs so much, and reports whether it
// was not dying yet.
// Its page faults fail from now on if they need memory that is not there. oom.mu
// is held.
func (g *ThreadGroup) killForMemory(cost int64) bool {
	var building *mm.AddressSpace
	g.Threads(func(t *Task) bool {
		building = t.acquireBuilding()
		return building == nil
	})
	for _, as := range [...]*mm.AddressSpace{g.acquireMM(), building} {
		if as != nil {
			as.Doom()
			oom.returning = append(oom.returning, returning{as, ktime.Mono()})
			oom.dropped.spaces.Put(as)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return false
	}
	g.dyingSince, g.dyingCost = ktime.Mono(), cost
	g.exitLocked(abi.SIGKILL)
	return true
}

// anyAlive reports whether one of the groups has not given everything back yet.
func anyAlive(groups []*ThreadGroup) bool {
	return slices.ContainsFunc(groups, func(g *ThreadGroup) bool { return !g.hasEnded() })
}

// hasEnded reports whether every thread has ended and given back what it had.
func (g *ThreadGroup) hasEnded() bool {
	treeMu.RLock()
	defer treeMu.RUnlock()
	return g.zombie || g.reaped
}

// String is the line for the log, as Linux writes it, with the kernel memory.
func (c *candidate) String() string {
	const kb = frame.Size / 1024
	return fmt.Sprintf("Out of memory: Killed process %d (%s) total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB, "+
		"shmem-rss:%dkB, UID:%d pgtables:%dkB oom_score_adj:%d kernel:%dkB",
		c.group.tgid, c.group.Leader().Comm(), c.stats.Size*kb, c.stats.RSSAnon*kb, c.stats.RSSFile*kb,
		c.stats.RSSShmem*kb, c.uid, c.stats.PageTables/1024, c.group.OOMScoreAdj(), c.kernel/1024)
}
