package vfs

import (
	"runtime"
	"sync"
	"weak"

	"kevlar/kernel/kmem"
)

// dcache bounds the memory of names that nobody uses: when there are more than
// the limit, those not looked up for longest are forgotten (second chance).
//
// To forget a dentry its directory keeps only a weak pointer to it. If somebody
// holds it still, as working directory, open file or in the middle of a walk,
// the next lookup finds that same dentry; otherwise the collector takes it.
var dcache = dentryCache{limit: 8192}

// passing is the same for file systems with Super.NoCache, whose dentries save
// no work: they are remembered only so that a place keeps its dentry while it
// is in use. What they stand for, such as a process, should not be kept alive.
var passing = dentryCache{limit: 64}

// cache returns the cache that d belongs to.
func (d *Dentry) cache() *dentryCache {
	if d.super.NoCache {
		return &passing
	}
	return &dcache
}

type dentryCache struct {
	mu    sync.Mutex
	head  *Dentry // looked at next; guarded by mu, as all below
	tail  *Dentry
	n     int
	free  int // of n, names that are known to be free
	limit int
}

// shrinkBatch is how many dentries one addition looks at to make room.
const shrinkBatch = 32

// SetDentryLimit sets how many dentries may be cached.
func SetDentryLimit(n int) {
	dcache.mu.Lock()
	dcache.limit = n
	dcache.mu.Unlock()
	for dcache.shrink() {
	}
}

// DentryCount returns how many dentries are cached.
func DentryCount() int { return dcache.count() + passing.count() }

// FreeNames returns how many of those are names that are known to be free.
func FreeNames() int { return dcache.freeNames() + passing.freeNames() }

func (c *dentryCache) freeNames() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.free
}

func (c *dentryCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// dentryCost is what a dentry takes of the heap, in bytes, with its place among
// its directory's.
const dentryCost = 448

// Cached dentries are charged to the machine, for they serve all and go when they
// are in the way; what somebody holds is charged with what holds it.

func init() { kmem.RegisterShrinker("dentries", shrinkDentries) }

// shrinkDentries is a kmem.Shrinker. The locks that it takes are leaves.
func shrinkDentries(a *kmem.Account, bytes int64) (freed int64) {
	if a != &kmem.Machine {
		return 0
	}
	return int64(dcache.drop(int(bytes/dentryCost)+1)) * dentryCost
}

// add lists d as the last one to be looked at. If there is no memory for that, d
// is not kept beyond its present use.
func (c *dentryCache) add(d *Dentry) {
	if kmem.Machine.Charge(dentryCost) != nil {
		d.forget()
		return
	}
	c.mu.Lock()
	again := d.listed
	if !again {
		c.push(d)
	}
	over := c.n > c.limit
	c.mu.Unlock()
	if again {
		kmem.Machine.Uncharge(dentryCost)
	}
	if over {
		c.shrink()
	}
}

// remove takes d off the list.
func (c *dentryCache) remove(d *Dentry) {
	c.mu.Lock()
	listed := d.listed
	if listed {
		c.unlink(d)
	}
	c.mu.Unlock()
	if listed {
		kmem.Machine.Uncharge(dentryCost)
	}
}

func (c *dentryCache) push(d *Dentry) {
	d.listed, d.prev, d.next = true, c.tail, nil
	if c.tail != nil {
		c.tail.next = d
	} else {
		c.head = d
	}
	c.tail = d
	c.n++
	if d.inode == nil {
		c.free++
	}
}

func (c *dentryCache) unlink(d *Dentry) {
	if d.prev != nil {
		d.prev.next = d.next
	} else {
		c.head = d.next
	}
	if d.next != nil {
		d.next.prev = d.prev
	} else {
		c.tail = d.prev
	}
	d.listed, d.next, d.prev = false, nil, nil
	c.n--
	if d.inode == nil {
		c.free--
	}
}

// shrink looks at a batch of dentries and forgets those that are not in use.
// It reports whether it made progress and the limit is still exceeded.
func (c *dentryCache) shrink() bool {
	progress := false
	for range shrinkBatch {
		c.mu.Lock()
		over := c.n > c.limit
		c.mu.Unlock()
		if !over {
			return false
		}
		if forgot, looked := c.look(); forgot || looked {
			progress = true
		}
	}
	return progress
}

// drop forgets n dentries, or fewer if those were looked up of late or are in use
// that it meets, and returns how many.
func (c *dentryCache) drop(n int) (dropped int) {
	for looks := min(2*c.count(), 16*n+1024); looks > 0 && dropped < n; looks-- {
		if forgot, _ := c.look(); forgot {
			dropped++
		}
	}
	return dropped
}

// look forgets the first dentry on the list or, if it is in use or was looked up
// since the last time, moves it to the end. It reports whether it was forgotten,
// and whether it was spared only because it had been looked up.
func (c *dentryCache) look() (forgot, spared bool) {
	c.mu.Lock()
	d := c.head
	if d == nil {
		c.mu.Unlock()
		return false, false
	}
	c.unlink(d)
	if spared = d.used.Swap(false); spared {
		c.push(d)
	}
	c.mu.Unlock()
	if spared {
		return false, true
	}
	forgot = d.forget()
	c.mu.Lock()
	keep := !forgot && !d.listed
	if keep {
		c.push(d)
	}
	c.mu.Unlock()
	if !keep {
		kmem.Machine.Uncharge(dentryCost)
	}
	return forgot, false
}

// forget makes d's directory hold it weakly, if it holds it at all. It fails for a
// mount point, and while d moves to another place. A directory is no exception:
// while a dentry below it is known to anybody, that one keeps it alive.
func (d *Dentry) forget() bool {
	if d.gone.Load() {
		return true
	}
	if d.mounts.Load() > 0 {
		return false
	}
	p := d.place.Load()
	s := p.parent.sub
	s.mu.Lock()
	known, _ := s.known.Get(p.name)
	ok := known.dentry == d
	switch {
	case ok && d.inode == nil:
		s.known.Delete(p.name)
	case ok:
		s.known.Set(p.name, child{forgotten: weak.Make(d)})
	}
	weakly := known.dentry == nil && known.forgotten.Value() == d
	if ok && d.inode != nil {
		// One is enough, and for the present name: who holds d may have it
		// forgotten and found again for ever.
		d.mu.Lock()
		d.cleanup.Stop()
		d.cleanup = runtime.AddCleanup(d, collected, tombstone{s, p.name})
		d.mu.Unlock()
	}
	s.mu.Unlock()
	return ok || weakly || d.gone.Load() || d.replaced.Load()
}

// A tombstone is the name of a dentry that was forgotten.
type tombstone struct {
	s    *children
	name string
}

// collected runs after the collector has taken a forgotten dentry.
func collected(t tombstone) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if c, ok := t.s.known.Get(t.name); ok && c.dentry == nil && c.forgotten.Value() == nil {
		t.s.known.Delete(t.name)
	}
}
