package ipi

import (
	"sync/atomic"

	"kevlar/kernel/machine/cpu"
)

// All is the set of all CPUs.
const All = ^uint64(0)

// targets returns those of cpus, the calling one not among them, that must do
// op: they run threads, and if op is about a user's table they may have it
// loaded.
//
//go:nosplit
func targets(cpus uint64, op Op, root uint64) uint64 {
	cpus &= online()
	if op == FlushUser || op == Evict {
		cpus = having(cpus, root)
	}
	return cpus
}

// online returns the set of CPUs that run threads.
//
//go:nosplit
func online() uint64 {
	var set uint64
	for i := 0; i < cpu.Count(); i++ {
		if atomic.LoadUint32(&cpu.Get(i).Online) != 0 {
			set |= 1 << (uint(i) & 63)
		}
	}
	return set
}

// having returns those of cpus that may have root loaded. A CPU that loads it
// later walks the tables as they are by then: the caller has changed them with
// locked instructions before.
//
//go:nosplit
func having(cpus, root uint64) uint64 {
	for i := 0; i < cpu.Count(); i++ {
		if cpus>>(uint(i)&63)&1 == 0 {
			continue
		}
		if r := atomic.LoadUint64(&cpu.Get(i).Root); r != root && r != cpu.RootChanging {
			cpus &^= 1 << (uint(i) & 63)
		}
	}
	return cpus
}

const pageSize = 4096

// An extent is how much of its translations a CPU forgets.
type extent int

const (
	fewPages  extent = iota // one after another
	allUser                 // those that are not global
	allKernel               // all
)

// extentOf returns the cheapest that covers [start, end).
//
//go:nosplit
func extentOf(start, end uintptr) extent {
	const few = 32
	switch {
	case end-start <= few*pageSize:
		return fewPages
	case int64(start) >= 0:
		return allUser
	}
	return allKernel
}
