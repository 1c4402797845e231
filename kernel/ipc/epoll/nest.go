package epoll

import "sync"

// nesting is held while who watches whom among instances changes or is looked
// at.
var nesting sync.Mutex

// maxNesting is how many steps a chain of instances may have in which each
// watches the next.
const maxNesting = 4

func (e *Epoll) parent(p *Epoll) {
	if e.parents == nil {
		e.parents = make(map[*Epoll]int)
	}
	e.parents[p]++
}

func (e *Epoll) unparent(p *Epoll) {
	if e.parents[p]--; e.parents[p] == 0 {
		delete(e.parents, p)
	}
}

// mayWatch reports whether e may watch child: that makes neither a circle nor
// too long a chain. The caller holds nesting.
func (e *Epoll) mayWatch(child *Epoll) bool {
	above := e.heightAbove(child, 0)
	return above >= 0 && above+1+child.heightBelow(0) <= maxNesting
}

// heightAbove returns the length of the longest chain that leads to e, or -1
// if one begins at, or leads through, child.
func (e *Epoll) heightAbove(child *Epoll, depth int) int {
	if e == child || depth > maxNesting {
		return -1
	}
	height := 0
	for p := range e.parents {
		h := p.heightAbove(child, depth+1)
		if h < 0 {
			return -1
		}
		height = max(height, h+1)
	}
	return height
}

// heightBelow returns the length of the longest chain that begins at e.
func (e *Epoll) heightBelow(depth int) int {
	height := 0
	for _, c := range e.children() {
		if depth <= maxNesting {
			height = max(height, c.heightBelow(depth+1)+1)
		}
	}
	return height
}

func (e *Epoll) children() []*Epoll {
	e.mu.Lock()
	defer e.mu.Unlock()
	var cs []*Epoll
	for _, it := range e.items {
		if it.child != nil {
			cs = append(cs, it.child)
		}
	}
	return cs
}
