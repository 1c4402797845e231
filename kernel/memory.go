//go:build baremetal

package main

import (
	"runtime/debug"
	"time"

	"kevlar/kernel/ipc/epoll"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/random"
	"kevlar/kernel/vfs"
)

// setLimits makes the account of kernel memory, and the limits of what there
// may be, fit the machine.
func setLimits() {
	kmem.SetUp(int64(frame.Total() * frame.Size))
	vfs.SetMemory(frame.Total())
	epoll.SetMemory(frame.Total() * frame.Size)
}

// trimHeap gives the pages that Go's heap has freed to user programs, a while
// after there was something to free: a collection has been, or the heap has grown
// by garbage that waits for one. The runtime itself keeps what a burst of
// processes made it grow to. It does so twice: pools give up what they keep in
// the second collection only.
func trimHeap() {
	const (
		interval = 3 * time.Second
		growth   = 256 << 10 / frame.Size
	)
	var before, now debug.GCStats
	least := frame.Heap() // since the last round
	for rounds := 0; ; {
		time.Sleep(interval)
		if debug.ReadGCStats(&now); now.NumGC != before.NumGC || frame.Heap() > least+growth {
			rounds = 2
		}
		if rounds > 0 {
			debug.FreeOSMemory()
			debug.ReadGCStats(&before)
			rounds--
			least = frame.Heap()
		}
	}
}

// memoryMiB is the memory that the kernel manages.
func memoryMiB() uint64 { return frame.Total() * frame.Size >> 20 }

// seedRandom keys the random number generator from the processor.
func seedRandom() {
	var seed [64]byte
	for i := range seed {
		seed[i] = byte(clock.Entropy())
	}
	random.Add(seed[:])
}
