package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/futex"
)

// releaseFutexes does what others wait for when a thread leaves its address
// space: robust futexes that it holds are given up, and the word for its ID is
// cleared, if anybody is left to see it.
func (t *Task) releaseFutexes() {
	as := t.mm
	if as == nil {
		return
	}
	if head := t.robustList.Load(); head != 0 {
		futex.ExitRobust(as, head, uint32(t.TID()))
	}
	if t.clearTID != 0 && as.Refs() > 1 {
		if as.WriteUint32(t.clearTID, 0) == nil {
			futex.Wake(as, t.clearTID, true, 1, abi.FUTEX_BITSET_MATCH_ANY)
		}
	}
}
