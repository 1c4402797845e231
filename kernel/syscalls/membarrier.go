package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// MemoryBarrier makes every CPU execute a memory barrier. The kernel sets it
// at boot; without it membarrier(2) is missing.
var MemoryBarrier func()

// Commands of membarrier(2).
const (
	membarrierQuery  = 0
	membarrierGlobal = 1
)

func sysMembarrier(t *task.Task, a *Args) (uintptr, error) {
	if MemoryBarrier == nil {
		return 0, abi.ENOSYS
	}
	switch int32(a[0]) {
	case membarrierQuery:
		return membarrierGlobal, nil
	case membarrierGlobal:
		if uint32(a[1]) != 0 {
			return 0, abi.EINVAL
		}
		MemoryBarrier()
		return 0, nil
	}
	return 0, abi.EINVAL
}
