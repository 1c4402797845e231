package vfs

import (
	"slices"
	"sync"
)

// deadlocks knows which owner of record locks waits for which.
var deadlocks waitGraph

// A waitGraph is those who wait for record locks.
type waitGraph struct {
	mu    sync.Mutex
	edges map[lockOwner][]*waitEdge // by who waits; guarded by mu
}

// A waitEdge says that one owner waits for another's lock on an inode. It is
// good until a lock on the inode becomes weaker: then who waits looks again.
type waitEdge struct {
	waiter, holder lockOwner
	on             *lockState
	releases       uint64 // of on when it was noted
	noted          bool   // it is in the graph
}

// maxWaitSteps is how many edges are looked at for a deadlock. A longer chain
// of owners counts as none; Linux gives up after 10.
const maxWaitSteps = 64

// wait notes that e.waiter waits for holder, unless holder waits, perhaps by
// way of others, for e.waiter. The caller holds e.on.mu.
func (g *waitGraph) wait(e *waitEdge, holder lockOwner) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeLocked(e)
	if steps := maxWaitSteps; g.reaches(holder, e.waiter, &steps) {
		return false
	}
	e.holder, e.releases, e.noted = holder, e.on.releases.Load(), true
	if g.edges == nil {
		g.edges = make(map[lockOwner][]*waitEdge)
	}
	g.edges[e.waiter] = append(g.edges[e.waiter], e)
	return true
}

// reaches reports whether from waits for to. The caller holds g.mu.
func (g *waitGraph) reaches(from, to lockOwner, steps *int) bool {
	if from == to {
		return true
	}
	for _, e := range g.edges[from] {
		if *steps--; *steps < 0 {
			return false
		}
		if e.releases == e.on.releases.Load() && g.reaches(e.holder, to, steps) {
			return true
		}
	}
	return false
}

// remove notes that nobody waits because of e any more.
func (g *waitGraph) remove(e *waitEdge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeLocked(e)
}

func (g *waitGraph) removeLocked(e *waitEdge) {
	if !e.noted {
		return
	}
	e.noted = false
	list := g.edges[e.waiter]
	i := slices.Index(list, e)
	if list = slices.Delete(list, i, i+1); len(list) > 0 {
		g.edges[e.waiter] = list
	} else {
		delete(g.edges, e.waiter)
	}
}
