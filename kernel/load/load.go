// Package load keeps the load averages: how many threads ran or waited for a
// CPU or a disk, over the last 1, 5 and 15 minutes, as exponentially decaying
// means. proc(5), getloadavg(3).
package load

import (
	"sync"
	"time"
)

// Shift is the number of fraction bits of an average.
const Shift = 11

const (
	one      = 1 << Shift
	interval = 5 * time.Second
)

// decay holds what an interval leaves of each average: one times
// exp(-5 s / 1, 5, 15 min).
var decay = [3]uint64{1884, 2014, 2037}

var (
	mu       sync.Mutex
	averages [3]uint64 // fixed point; guarded by mu
)

// Averages returns the averages in fixed point.
func Averages() [3]uint64 {
	mu.Lock()
	defer mu.Unlock()
	return averages
}

// Start samples active, the number of threads that run or wait for a CPU or a
// disk, every five seconds from now on.
func Start(active func() int) {
	go func() {
		for range time.Tick(interval) {
			sample(active())
		}
	}()
}

// sample takes in the number of active threads of one interval.
func sample(active int) {
	mu.Lock()
	defer mu.Unlock()
	now := uint64(active) * one
	for i, d := range decay {
		v := averages[i]*d + now*(one-d)
		if now >= averages[i] {
			v += one - 1 // round up while rising, so that a constant load is reached
		}
		averages[i] = v / one
	}
}
