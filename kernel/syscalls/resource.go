package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
)

func loadRlimit(t *task.Task, addr uintptr) (abi.Rlimit, error) {
	var r abi.Rlimit
	b := t.Scratch[:abi.SizeofRlimit]
	err := copyIn(t, b, addr)
	if err == nil {
		r.Unmarshal(b)
	}
	return r, err
}

func outRlimit(t *task.Task, addr uintptr, r abi.Rlimit) error {
	b := t.Scratch[:abi.SizeofRlimit]
	r.MarshalTo(b)
	return copyOut(t, addr, b)
}

func sysGetrlimit(t *task.Task, a *Args) (uintptr, error) {
	r, err := t.Prlimit(0, resource(a[0]), nil)
	if err != nil {
		return 0, err
	}
	return 0, outRlimit(t, a[1], r)
}

func sysSetrlimit(t *task.Task, a *Args) (uintptr, error) {
	r, err := loadRlimit(t, a[1])
	if err != nil {
		return 0, err
	}
	_, err = t.Prlimit(0, resource(a[0]), &r)
	return 0, err
}

func sysPrlimit64(t *task.Task, a *Args) (uintptr, error) {
	var set *abi.Rlimit
	if a[2] != 0 {
		r, err := loadRlimit(t, a[2])
		if err != nil {
			return 0, err
		}
		set = &r
	}
	old, err := t.Prlimit(int(int32(a[0])), resource(a[1]), set)
	if err != nil || a[3] == 0 {
		return 0, err
	}
	return 0, outRlimit(t, a[3], old)
}

// resource converts an argument to the number of a resource.
func resource(v uintptr) int { return int(uint32(v)) }

func sysGetrusage(t *task.Task, a *Args) (uintptr, error) {
	r, err := t.Rusage(int(int32(a[0])))
	if err != nil {
		return 0, err
	}
	return 0, outRusage(t, a[1], &r)
}

// sysTimes returns the ticks since boot.
func sysTimes(t *task.Task, a *Args) (uintptr, error) {
	if a[0] != 0 {
		tms := t.Times()
		b := t.Scratch[:abi.SizeofTms]
		tms.MarshalTo(b)
		if err := copyOut(t, a[0], b); err != nil {
			return 0, err
		}
	}
	return uintptr(ktime.Mono() / (1e9 / abi.USER_HZ)), nil
}

// sysGetpriority returns 20 minus the nice value, which is never an error.
func sysGetpriority(t *task.Task, a *Args) (uintptr, error) {
	nice, err := t.GetPriority(int(int32(a[0])), int(int32(a[1])))
	if err != nil {
		return 0, err
	}
	return uintptr(20 - nice), nil
}

func sysSetpriority(t *task.Task, a *Args) (uintptr, error) {
	return 0, t.SetPriority(int(int32(a[0])), int(int32(a[1])), int(int32(a[2])))
}

// sysGetRobustList needs the right to look into another thread.
func sysGetRobustList(t *task.Task, a *Args) (uintptr, error) {
	p := t
	if pid := int(int32(a[0])); pid != 0 {
		if p = t.Find(pid); p == nil {
			return 0, abi.ESRCH
		}
	}
	if p.Group() != t.Group() && !t.Cred().MayLookIntoAsReal(p.Cred(), p.Group().Dumpable() == 1) {
		return 0, abi.EPERM
	}
	b := t.Scratch[:8]
	binary.LittleEndian.PutUint64(b, robustListHead)
	if err := copyOut(t, a[2], b); err != nil {
		return 0, err
	}
	binary.LittleEndian.PutUint64(b, uint64(p.RobustList()))
	return 0, copyOut(t, a[1], b)
}
