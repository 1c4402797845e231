package syscalls

import (
	"encoding/binary"
	"runtime"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

func sysSchedYield(*task.Task, *Args) (uintptr, error) {
	runtime.Gosched()
	return 0, nil
}

// thread returns the thread with the ID in an argument, 0 for the caller.
func thread(t *task.Task, v uintptr) (*task.Task, error) {
	pid := int(int32(v))
	switch {
	case pid < 0:
		return nil, abi.EINVAL
	case pid == 0:
		return t, nil
	}
	if p := t.Find(pid); p != nil {
		return p, nil
	}
	return nil, abi.ESRCH
}

func sysSchedSetscheduler(t *task.Task, a *Args) (uintptr, error) {
	policy := int(int32(a[1]))
	if policy < 0 {
		return 0, abi.EINVAL
	}
	return setScheduler(t, a[0], policy, a[2])
}

// setScheduler sets a policy, with SCHED_RESET_ON_FORK in it or not, and the
// priority at addr.
func setScheduler(t *task.Task, pid uintptr, policy int, addr uintptr) (uintptr, error) {
	if addr == 0 || int32(pid) < 0 {
		return 0, abi.EINVAL
	}
	priority, err := t.MM().ReadUint32(addr)
	if err != nil {
		return 0, err
	}
	p, err := thread(t, pid)
	if err != nil {
		return 0, err
	}
	reset := policy&abi.SCHED_RESET_ON_FORK != 0
	return 0, t.SetSchedPolicy(p, policy&^abi.SCHED_RESET_ON_FORK, int(int32(priority)), reset)
}

// sysSchedSetparam keeps the policy.
func sysSchedSetparam(t *task.Task, a *Args) (uintptr, error) {
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	policy, _, reset := p.SchedPolicy()
	if reset {
		policy |= abi.SCHED_RESET_ON_FORK
	}
	return setScheduler(t, a[0], policy, a[1])
}

func sysSchedGetscheduler(t *task.Task, a *Args) (uintptr, error) {
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	policy, _, reset := p.SchedPolicy()
	if reset {
		policy |= abi.SCHED_RESET_ON_FORK
	}
	return uintptr(policy), nil
}

func sysSchedGetparam(t *task.Task, a *Args) (uintptr, error) {
	if a[1] == 0 {
		return 0, abi.EINVAL
	}
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	_, priority, _ := p.SchedPolicy()
	return 0, outInt(t, a[1], int32(priority))
}

// priorityRange returns the static priorities of a policy: sched(7).
func priorityRange(policy int32) (low, high uintptr, err error) {
	switch policy {
	case abi.SCHED_FIFO, abi.SCHED_RR:
		return 1, 99, nil
	case abi.SCHED_NORMAL, abi.SCHED_BATCH, abi.SCHED_IDLE, abi.SCHED_DEADLINE:
		return 0, 0, nil
	}
	return 0, 0, abi.EINVAL
}

func sysSchedGetPriorityMax(_ *task.Task, a *Args) (uintptr, error) {
	_, high, err := priorityRange(int32(a[0]))
	return high, err
}

func sysSchedGetPriorityMin(_ *task.Task, a *Args) (uintptr, error) {
	low, _, err := priorityRange(int32(a[0]))
	return low, err
}

// timeSlice is how long a thread runs while others wait, in nanoseconds: the
// time after which the Go scheduler preempts a goroutine.
const timeSlice = 10e6

func sysSchedRrGetInterval(t *task.Task, a *Args) (uintptr, error) {
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	slice := int64(timeSlice)
	if policy, _, _ := p.SchedPolicy(); policy == abi.SCHED_FIFO {
		slice = 0
	}
	return 0, outTimespec(t, a[1], slice)
}

// anyThread is thread where a negative ID is one that nobody has.
func anyThread(t *task.Task, v uintptr) (*task.Task, error) {
	if int32(v) < 0 {
		return nil, abi.ESRCH
	}
	return thread(t, v)
}

// allCPUs returns the mask of every CPU.
func allCPUs() uint64 {
	n := CPUs()
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// sysSchedGetaffinity returns the size of what it has written.
func sysSchedGetaffinity(t *task.Task, a *Args) (uintptr, error) {
	const size = 8
	if uint32(a[1]) < size || a[1]%8 != 0 {
		return 0, abi.EINVAL
	}
	p, err := anyThread(t, a[0])
	if err != nil {
		return 0, err
	}
	mask := allCPUs()
	if m := p.Affinity() & mask; m != 0 {
		mask = m
	}
	b := t.Scratch[:size]
	binary.LittleEndian.PutUint64(b, mask)
	return size, copyOut(t, a[2], b)
}

func sysSchedSetaffinity(t *task.Task, a *Args) (uintptr, error) {
	b := t.Scratch[:8]
	clear(b)
	if err := copyIn(t, b[:min(uint32(a[1]), 8)], a[2]); err != nil {
		return 0, err
	}
	p, err := anyThread(t, a[0])
	if err != nil {
		return 0, err
	}
	mask := binary.LittleEndian.Uint64(b) & allCPUs()
	if mask == 0 {
		return 0, abi.EINVAL
	}
	return 0, t.SetAffinity(p, mask)
}

// The first version of struct sched_attr: sched_setattr(2).
const (
	schedAttrSize    = 48
	schedAttrSize1   = 56 // with utilisation hints
	schedFlagsKnown  = abi.SCHED_FLAG_RESET_ON_FORK
	offSchedPolicy   = 4
	offSchedFlags    = 8
	offSchedNice     = 16
	offSchedPriority = 20
)

func sysSchedSetattr(t *task.Task, a *Args) (uintptr, error) {
	if a[1] == 0 || int32(a[0]) < 0 || a[2] != 0 {
		return 0, abi.EINVAL
	}
	size, err := t.MM().ReadUint32(a[1])
	if err != nil {
		return 0, err
	}
	if size == 0 {
		size = schedAttrSize
	}
	err = abi.E2BIG
	b := t.Scratch[:schedAttrSize1]
	if size >= schedAttrSize {
		err = copyInStruct(t, b, a[1], uintptr(size))
	}
	if err == abi.E2BIG {
		outInt(t, a[1], schedAttrSize1) // tells the caller what would fit
	}
	if err != nil {
		return 0, err
	}
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	policy, flags := int(le.Uint32(b[offSchedPolicy:])), le.Uint64(b[offSchedFlags:])
	if flags&^schedFlagsKnown != 0 {
		return 0, abi.EINVAL
	}
	priority := int(le.Uint32(b[offSchedPriority:]))
	if err := t.SetSchedPolicy(p, policy, priority, flags&abi.SCHED_FLAG_RESET_ON_FORK != 0); err != nil {
		return 0, err
	}
	if policy == abi.SCHED_NORMAL || policy == abi.SCHED_BATCH {
		return 0, t.SetPriority(abi.PRIO_PROCESS, p.TID(), int(int32(le.Uint32(b[offSchedNice:]))))
	}
	return 0, nil
}

func sysSchedGetattr(t *task.Task, a *Args) (uintptr, error) {
	size := uint32(a[2])
	if a[1] == 0 || int32(a[0]) < 0 || a[3] != 0 || size < schedAttrSize || size > 4096 {
		return 0, abi.EINVAL
	}
	p, err := thread(t, a[0])
	if err != nil {
		return 0, err
	}
	policy, priority, reset := p.SchedPolicy()
	b := t.Scratch[:min(size, schedAttrSize1)]
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b, uint32(len(b)))
	le.PutUint32(b[offSchedPolicy:], uint32(policy))
	if reset {
		le.PutUint64(b[offSchedFlags:], abi.SCHED_FLAG_RESET_ON_FORK)
	}
	le.PutUint32(b[offSchedNice:], uint32(p.Nice()))
	le.PutUint32(b[offSchedPriority:], uint32(priority))
	return 0, copyOut(t, a[1], b)
}

func sysIoprioGet(t *task.Task, a *Args) (uintptr, error) {
	v, err := t.IOPriority(int(int32(a[0])), int(int32(a[1])))
	return uintptr(v), err
}

func sysIoprioSet(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetIOPriority(int(int32(a[0])), int(int32(a[1])), int(uint32(a[2])))
}
