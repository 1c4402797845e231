package task

import "kevlar/kernel/abi"

// An I/O priority is a class, in the bits from ioClassShift on, and a level
// within it, 0 to 7: ioprio_set(2). A lower class or level comes first, but for
// class 0, which is none. Like other priorities it is kept and inherited only.
const (
	ioClassShift = 13
	ioClassNone  = 0
	ioClassRT    = 1
	ioClassBE    = 2
	ioClassIdle  = 3
	ioLevels     = 8
)

// The values of which for ioprio_get(2) are one more than those of
// getpriority(2).
const ioprioWhich = 1

// IOPriority returns the highest I/O priority among the threads that which and
// who mean: ioprio_get(2).
func (t *Task) IOPriority(which, who int) (int, error) {
	found, best := false, 0
	err := t.eachPrioTarget(which-ioprioWhich, who, func(p *Task) {
		v := int(p.sched.io.Load())
		if !found || ioRank(v) < ioRank(best) {
			found, best = true, v
		}
	})
	if err == nil && !found {
		err = abi.ESRCH
	}
	return best, err
}

// ioRank orders I/O priorities: none is like the middle of best effort.
func ioRank(v int) int {
	if v>>ioClassShift == ioClassNone {
		return ioClassBE<<ioClassShift | ioLevels/2
	}
	return v
}

// SetIOPriority sets the I/O priority of those that which and who mean:
// ioprio_set(2).
func (t *Task) SetIOPriority(which, who, priority int) error {
	c := t.Cred()
	level := priority & (1<<ioClassShift - 1)
	switch class := priority >> ioClassShift; {
	case class == ioClassNone && level != 0, class > ioClassIdle, class != ioClassIdle && level >= ioLevels:
		return abi.EINVAL
	case class == ioClassRT && !c.HasCap(abi.CAP_SYS_ADMIN) && !c.HasCap(abi.CAP_SYS_NICE):
		return abi.EPERM
	}
	result := error(abi.ESRCH)
	err := t.eachPrioTarget(which-ioprioWhich, who, func(p *Task) {
		d := p.Cred()
		if d.UID != c.EUID && d.UID != c.UID && !c.HasCap(abi.CAP_SYS_NICE) {
			result = abi.EPERM
			return
		}
		if result == abi.ESRCH {
			result = nil
		}
		p.sched.io.Store(int32(priority))
	})
	if err != nil {
		return err
	}
	return result
}
