package main

import (
	"math/bits"

	"kevlar/kernel/fs/proc"
	"kevlar/kernel/fs/sys"
)

// showCPUs returns the processors, by their places, as /sys shows them.
func showCPUs(places []proc.Place) []sys.CPU {
	list := make([]sys.CPU, len(places))
	for i, p := range places {
		threads, pkg := make(cpuSet, len(places)/64+1), make(cpuSet, len(places)/64+1)
		for j, q := range places {
			if q.PackageID == p.PackageID {
				pkg.add(j)
				if q.CoreID == p.CoreID {
					threads.add(j)
				}
			}
		}
		list[i] = sys.CPU{
			PackageID: int(p.PackageID), CoreID: int(p.CoreID),
			Threads: proc.ListString(threads), Package: proc.ListString(pkg),
		}
	}
	return list
}

// A cpuSet has a bit for each processor.
type cpuSet []uint64

func (s cpuSet) add(cpu int) { s[cpu/64] |= 1 << (cpu % 64) }

// shareTimes divides the time that each CPU was not idle, of the nanoseconds up,
// into user and system time as that of all CPUs is: user is the user time of all.
func shareTimes(up int64, idle []int64, user int64) []proc.CPUTimes {
	list := make([]proc.CPUTimes, len(idle))
	var busy int64
	for i := range list {
		list[i].Idle = min(idle[i], up)
		busy += up - list[i].Idle
	}
	user = min(user, busy)
	for i := range list {
		mine := up - list[i].Idle
		hi, lo := bits.Mul64(uint64(mine), uint64(user))
		share, _ := bits.Div64(hi, lo, uint64(max(busy, 1)))
		list[i].User = int64(share)
		list[i].System = mine - list[i].User
	}
	return list
}
