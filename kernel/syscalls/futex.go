package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/futex"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
	"kevlar/kernel/wait"
)

func sysFutex(t *task.Task, a *Args) (uintptr, error) {
	op := uint32(a[1])
	shared := op&abi.FUTEX_PRIVATE_FLAG == 0
	realtime := op&abi.FUTEX_CLOCK_REALTIME != 0
	cmd := op &^ (abi.FUTEX_PRIVATE_FLAG | abi.FUTEX_CLOCK_REALTIME)
	if realtime && cmd != abi.FUTEX_WAIT && cmd != abi.FUTEX_WAIT_BITSET {
		return 0, abi.ENOSYS
	}
	as, addr, val, addr2 := t.MM(), a[0], uint32(a[2]), a[4]
	// Counts are ints; a negative one wakes as many as there are.
	count, count2 := int(int32(val)), int(int32(a[3]))
	switch cmd {
	case abi.FUTEX_WAIT:
		deadline, err := futexDeadline(t, a[3], false, realtime)
		if err != nil {
			return 0, err
		}
		return futexWait(t, addr, shared, val, abi.FUTEX_BITSET_MATCH_ANY, deadline)
	case abi.FUTEX_WAIT_BITSET:
		deadline, err := futexDeadline(t, a[3], true, realtime)
		if err != nil {
			return 0, err
		}
		return futexWait(t, addr, shared, val, uint32(a[5]), deadline)
	case abi.FUTEX_WAKE:
		return woken(futex.Wake(as, addr, shared, count, abi.FUTEX_BITSET_MATCH_ANY))
	case abi.FUTEX_WAKE_BITSET:
		return woken(futex.Wake(as, addr, shared, count, uint32(a[5])))
	case abi.FUTEX_REQUEUE, abi.FUTEX_CMP_REQUEUE:
		if count < 0 || count2 < 0 {
			return 0, abi.EINVAL
		}
		return woken(futex.Requeue(as, addr, addr2, shared, count, count2, cmd == abi.FUTEX_CMP_REQUEUE, uint32(a[5])))
	case abi.FUTEX_WAKE_OP:
		return woken(futex.WakeOp(as, addr, addr2, shared, count, count2, uint32(a[5])))
	}
	return 0, abi.ENOSYS
}

func woken(n int, err error) (uintptr, error) { return uintptr(n), err }

// futexDeadline turns the timeout at addr into a monotonic deadline.
func futexDeadline(t *task.Task, addr uintptr, absolute, realtime bool) (int64, error) {
	if addr == 0 || !absolute {
		return loadTimeout(t, addr)
	}
	ts, err := loadTimespec(t, addr)
	if err != nil {
		return 0, err
	}
	if !ts.Valid() {
		return 0, abi.EINVAL
	}
	deadline := ts.Ns()
	if realtime && deadline != wait.Forever {
		deadline = ktime.RealToMono(deadline)
	}
	return deadline, nil
}

// futexWait waits until deadline; when restarted, until the same one.
func futexWait(t *task.Task, addr uintptr, shared bool, val, bitset uint32, deadline int64) (uintptr, error) {
	err := futex.Wait(t.MM(), t.Sleeper(), addr, shared, val, bitset, deadline)
	if err == abi.ERESTARTSYS && deadline != wait.Forever {
		t.SetRestart(func(t *task.Task) (uintptr, error) {
			return futexWait(t, addr, shared, val, bitset, deadline)
		})
		err = abi.ERESTART_RESTARTBLOCK
	}
	return 0, err
}
