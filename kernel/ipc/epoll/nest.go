package epoll

import (
	"sync"

	"kevlar/kernel/abi"
)

// nesting is held while who watches whom among instances changes. Those who
// watch no instances never take it.
var nesting sync.Mutex

// maxNesting is how many steps a chain of instances may have in which each
// watches the next.
const maxNesting = 4

// chains counts, for an instance, the chains of instances above it in which
// each watches the next: chains[n] are those of n steps, and chains[0] is the
// instance itself. An event of a file wakes as many instances.
type chains [maxNesting + 1]int

// chainLimits keeps the work that one event makes bounded. Linux counts chains
// that nobody continues, and of one file: up to 500, 100, 50 and 10; those who
// keep to that keep to this.
var chainLimits = chains{1, 500 + 100 + 50 + 10, 100 + 50 + 10, 50 + 10, 10}

// above returns the chains that an instance gains by being watched, times
// times, from the end of each of c: ok is false if one is too long.
func (c *chains) above(times int) (longer chains, ok bool) {
	for i, n := range c[:maxNesting] {
		longer[i+1] = n * times
	}
	return longer, c[maxNesting] == 0
}

func (c *chains) add(d *chains, sign int) {
	for i := range c {
		c[i] += sign * d[i]
	}
}

// adopt notes that e watches child: ELOOP if that makes a circle or too long a
// chain, EINVAL if it makes too many chains. The caller holds nesting.
func (e *Epoll) adopt(child *Epoll) error {
	gains, err := e.gains(child)
	if err != nil {
		return err
	}
	for x, gain := range gains {
		for i := range gain {
			if x.chains[i]+gain[i] > chainLimits[i] {
				return abi.EINVAL
			}
		}
	}
	for x, gain := range gains {
		x.chains.add(gain, 1)
	}
	if e.children == nil {
		e.children = make(map[*Epoll]int)
	}
	e.children[child]++
	return nil
}

// abandon undoes adopt. The caller holds nesting.
func (e *Epoll) abandon(child *Epoll) {
	gains, _ := e.gains(child) // without fail: adopt has seen it
	for x, gain := range gains {
		x.chains.add(gain, -1)
	}
	if e.children[child]--; e.children[child] == 0 {
		delete(e.children, child)
	}
}

// gains returns what chains each instance has from being at, or below, child
// when e watches that once. It looks at each instance at most once for each
// step of a chain.
func (e *Epoll) gains(child *Epoll) (map[*Epoll]*chains, error) {
	gains := make(map[*Epoll]*chains)
	first, ok := e.upward().above(1)
	if !ok {
		return nil, abi.ELOOP
	}
	level := map[*Epoll]*chains{child: &first}
	for len(level) > 0 {
		next := make(map[*Epoll]*chains)
		for x, gain := range level {
			if x == e {
				return nil, abi.ELOOP
			}
			if gains[x] == nil {
				gains[x] = new(chains)
			}
			gains[x].add(gain, 1)
			for c, times := range x.children {
				longer, ok := gain.above(times)
				if !ok {
					return nil, abi.ELOOP
				}
				if next[c] == nil {
					next[c] = new(chains)
				}
				next[c].add(&longer, 1)
			}
		}
		level = next
	}
	return gains, nil
}

// upward returns the chains that end at e.
func (e *Epoll) upward() *chains {
	c := e.chains
	c[0] = 1
	return &c
}
