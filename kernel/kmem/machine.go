package kmem

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"kevlar/kernel/machine/frame"
)

// heapFloor is what the heap may come to, in bytes, with nothing charged: it
// has touched about 2 MiB after the boot, and grows by its garbage.
var heapFloor int64 = heapFloorLeast

const heapFloorLeast = 6 << 20

// live is set once the account governs the machine: not under test.
var live atomic.Bool

// collectorLeast is the least limit that the collector gets, in bytes. The
// collector counts what the heap has mapped, some of it never touched.
var collectorLeast int64

// SetUp makes the account govern a machine whose frame pool has so many bytes:
// it sets the limits, the frames that programs cannot have, and the limit of
// the collector. It is called once, at boot.
func SetUp(total int64) {
	const reserveLeast, collectorsLeast = 4 << 20, 12 << 20
	frame.SetReserve(uint64(max(total/32, reserveLeast)) / frame.Size)
	// Half as much again and the reserve are then no more than two thirds of
	// memory: programs have the rest even then.
	setLimits(total*3/8, total*3/16)
	collectorLeast = max(total/8, collectorsLeast)
	percent := collectorPercent(total)
	debug.SetGCPercent(percent)
	heapFloor = heapFloorLeast + heapLeast(percent) - heapLeast(percentLeast)
	live.Store(true)
	promise()
	limitCollector()
	watchCollector()
}

// The collector lets garbage come to so many hundredths of what is in use
// before it runs: more of it where memory is plenty. While little is in use it may
// be 1/50 of memory.
const (
	percentLeast, percentMost = 50, 200
	garbageShare              = 50
)

func collectorPercent(total int64) int {
	for percent := percentLeast; percent < percentMost; percent *= 2 {
		if heapLeast(2*percent) > total/garbageShare {
			return percent
		}
	}
	return percentMost
}

// heapLeast is the size, in bytes, below which the runtime does not collect.
func heapLeast(percent int) int64 { return 4 << 20 * int64(percent) / 100 }

// setLimits sets the limit of the machine and that of each user but root.
func setLimits(machine, user int64) {
	Machine.SetLimit(machine)
	users.mu.Lock()
	defer users.mu.Unlock()
	users.limit = user
	for _, a := range users.byUID {
		if a.uid != 0 {
			a.SetLimit(user)
		}
	}
}

// OnShortage is called when a charge is refused for lack of page frames, with
// locks of the charge's caller held: it tells whoever kills for memory, and
// does not wait. It is set before the first program runs.
var OnShortage func()

func tellShortage() {
	if OnShortage != nil {
		OnShortage()
	}
}

// HeapGoal returns how many bytes the heap may come to with what is charged.
func HeapGoal() int64 { return goal(Machine.used.Load()) }

func goal(used int64) int64 { return heapFloor + max(used, 0)*3/2 }

// The frame pool is told of every so many bytes that are charged, and the
// collector of every so many.
const (
	promiseShift   = 16
	collectorShift = 20
)

// follow makes the frame pool and the collector follow a change of what the
// machine's account has. It reports whether there are frames for it.
func follow(from, to int64) bool {
	if from>>promiseShift == to>>promiseShift || !live.Load() {
		return true
	}
	promise()
	if from>>collectorShift != to>>collectorShift {
		limitCollector()
	}
	return to < from || !Short()
}

// promise makes the frame pool keep what the heap may come to. Of callers at
// the same time, the last to look does it last.
func promise() {
	for {
		used := Machine.used.Load()
		frame.SetHeapGoal(uint64(goal(used)) / frame.Size)
		if Machine.used.Load()>>promiseShift == used>>promiseShift {
			return
		}
	}
}

// limitCollector gives the collector the limit that the frame pool promises,
// or the least if that is more.
func limitCollector() {
	for {
		used := Machine.used.Load()
		debug.SetMemoryLimit(max(goal(used), collectorLeast))
		if Machine.used.Load()>>collectorShift == used>>collectorShift {
			return
		}
	}
}

// Short reports whether fewer frames are free than charges leave.
func Short() bool { return live.Load() && frame.Spare() < 0 }

// watchCollector looks after every collection whether the heap has grown into
// the reserve, which it does only if something was not charged.
func watchCollector() {
	type mark struct{ self *mark }
	runtime.AddCleanup(&mark{}, func(struct{}) {
		if Short() {
			tellShortage()
		}
		watchCollector()
	}, struct{}{})
}
