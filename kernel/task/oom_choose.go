package task

import (
	"cmp"
	"slices"

	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// A candidate is a process with what its end would give back, in bytes.
type candidate struct {
	group  *ThreadGroup
	space  *mm.AddressSpace // to be compared only
	stats  mm.Stats
	kernel int64 // kernel memory
	score  int64 // all of it, adjusted
	uid    uint32
	sid    int
	pgid   int
	dying  bool
}

// A dropped is what the last reference was dropped on while a process was looked
// at. It is released with no lock held, for that closes files, and takes no memory
// until then.
type dropped struct {
	spaces mm.Dropped
	tables vfs.DroppedTables
}

func (d *dropped) release() {
	defer d.tables.Release()
	d.spaces.Release()
}

// leave leaves d, which is that of oom, to the reaper. oom.mu is held.
func (d *dropped) leave() {
	if *d == (dropped{}) {
		return
	}
	select {
	case leftovers <- struct{}{}:
	default:
	}
}

// candidates are the processes that may be killed.
type candidates []candidate

// clear forgets the processes but keeps the memory of the list.
func (l *candidates) clear() {
	clear(*l)
	*l = (*l)[:0]
}

// find returns what to kill. Process 1 is spared.
func (l *candidates) find() candidates {
	l.clear()
	for g := NextGroup(1); g != nil; g = NextGroup(g.tgid) {
		if c := (candidate{group: g}); c.measure() {
			*l = append(*l, c)
		}
	}
	return l.withSharers(l.choose(int64(frame.Total() * frame.Size)))
}

// withSharers returns victims, a part of l, and those after them who share an
// address space with one, as vfork(2) makes it: it would stay.
func (l candidates) withSharers(victims candidates) candidates {
	if len(victims) == 0 {
		return nil
	}
	l = l[slices.IndexFunc(l, func(c candidate) bool { return c.group == victims[0].group }):]
	n := len(victims)
	for i := n; i < len(l); i++ {
		if slices.ContainsFunc(victims, func(v candidate) bool { return v.space == l[i].space }) {
			l[n], l[i] = l[i], l[n]
			n++
		}
	}
	return l[:n]
}

// choose returns what to kill of a machine with total bytes: the processes that
// are dying already, if they give back enough; or the one that costs most; or, where no one stands out
// and a swarm has a large part of memory, the largest of the swarm.
func (l candidates) choose(total int64) candidates {
	slices.SortFunc(l, func(a, b candidate) int {
		if a.dying != b.dying {
			return cmp.Compare(btoi(b.dying), btoi(a.dying))
		}
		if a.score != b.score {
			return cmp.Compare(b.score, a.score)
		}
		return cmp.Compare(b.group.tgid, a.group.tgid) // the younger, mostly
	})
	dying := slices.IndexFunc(l, func(c candidate) bool { return !c.dying })
	if dying < 0 {
		dying = len(l)
	}
	if l[:dying].cost() >= total/64 {
		return l[:dying]
	}
	if l = l[dying:]; len(l) == 0 {
		return nil
	}
	if l[0].score >= total/8 {
		return l[:1]
	}
	largest := l[0]
	swarm := l.narrow(func(c *candidate) int64 { return int64(c.uid) })
	swarm = swarm.narrow(func(c *candidate) int64 { return int64(c.sid) })
	swarm = swarm.narrow(func(c *candidate) int64 { return int64(c.pgid) })
	if swarm.cost() < total/4 {
		l[0] = largest
		return l[:1]
	}
	// As many as make some room: one of a swarm is replaced at once.
	n, freed := 0, int64(0)
	for ; n < len(swarm) && n < 32 && freed < total/32; n++ {
		freed += swarm[n].cost()
	}
	return swarm[:n]
}

// narrow moves those of l that have the same key and cost more than half of
// all together to the front, in the order that they have, and returns them; all
// of l if there are none such.
func (l candidates) narrow(key func(*candidate) int64) candidates {
	// The majority is found in one pass, and then counted.
	var major, lead int64
	for i := range l {
		c := &l[i]
		switch k := key(c); {
		case lead == 0:
			major, lead = k, c.cost()
		case k == major:
			lead += c.cost()
		case c.cost() <= lead:
			lead -= c.cost()
		default:
			major, lead = k, c.cost()-lead
		}
	}
	sum := int64(0)
	for i := range l {
		if key(&l[i]) == major {
			sum += l[i].cost()
		}
	}
	if 2*sum <= l.cost() {
		return l
	}
	n := 0
	for i := range l {
		if key(&l[i]) == major {
			l[n], l[i] = l[i], l[n]
			n++
		}
	}
	slices.SortStableFunc(l[:n], func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return l[:n]
}

// cost is what all of l cost together.
func (l candidates) cost() (sum int64) {
	for i := range l {
		sum += l[i].cost()
	}
	return sum
}

// cost is what the process's end would give back.
func (c *candidate) cost() int64 { return userMemory(&c.stats) + c.kernel }

// measure fills in what the process has; false if it has no memory any more, or
// may not be killed.
func (c *candidate) measure() bool {
	g := c.group
	adj := int64(g.OOMScoreAdj())
	if adj == oomAdjMin || g.hasEnded() {
		return false
	}
	c.space = g.acquireMM()
	if c.space != nil {
		c.stats = c.space.Stats()
		oom.dropped.spaces.Put(c.space)
	}
	c.kernel = g.kernelMemory(&oom.dropped)
	c.uid = g.Leader().Cred().UID
	c.sid, c.pgid = g.SID(), g.PGID()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return c.measureDyingLocked()
	}
	c.score = c.cost() + adj*int64(frame.Total()*frame.Size)/1000
	return c.space != nil
}

// measureDyingLocked is the rest of measure for a process that is ending: it
// gives back what it had, though it may have let go of it already. False if it
// takes too long. The group is locked.
func (c *candidate) measureDyingLocked() bool {
	g, now := c.group, ktime.Mono()
	if g.dyingSince == 0 {
		g.dyingSince, g.dyingCost = now, c.cost()
	}
	c.kernel += max(g.dyingCost-c.cost(), 0)
	c.dying = true
	return now-g.dyingSince < int64(oomPatience)
}

// acquireMM returns the address space of the process with a reference for the
// caller, or nil if it has none any more.
func (g *ThreadGroup) acquireMM() (as *mm.AddressSpace) {
	g.Threads(func(t *Task) bool {
		as = t.AcquireMM()
		return as == nil
	})
	return as
}

// userMemory returns what an address space would give back, in bytes: pages of
// files stay where they are.
func userMemory(s *mm.Stats) int64 {
	return (s.RSSAnon+s.RSSShmem)*frame.Size + s.PageTables + s.Kernel
}

// kernelMemory returns what the process holds of the kernel's memory: its
// threads, signals and timers, what system calls hold, programs that are being
// executed included, and its descriptors with its share of the files.
func (g *ThreadGroup) kernelMemory(last *dropped) (n int64) {
	var building *mm.AddressSpace // one thread at a time executes a program
	g.Threads(func(t *Task) bool {
		n += threadCost + t.held.Load() + int64(t.sig.pending.Len())*signalCost
		if building == nil {
			building = t.acquireBuilding()
		}
		return true
	})
	g.mu.Lock()
	n += processCost + int64(g.shared.Len())*signalCost + g.timers.cost
	g.mu.Unlock()
	if building != nil {
		stats := building.Stats()
		n += userMemory(&stats)
		last.spaces.Put(building)
	}
	if files := g.Leader().AcquireFDs(); files != nil {
		n += files.KernelMemory()
		last.tables.Unref(files)
	}
	return n
}

// MemoryCost returns what the end of the process would give back, in bytes.
func (g *ThreadGroup) MemoryCost() int64 {
	var last dropped
	defer last.release()
	c := candidate{group: g}
	if as := g.acquireMM(); as != nil {
		c.stats = as.Stats()
		last.spaces.Put(as)
	}
	c.kernel = g.kernelMemory(&last)
	return c.cost()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
