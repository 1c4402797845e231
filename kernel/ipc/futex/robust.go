package futex

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
)

// ExitRobust is called when thread tid ends: it walks the list of robust
// futexes at head, marks those that the thread still holds, and wakes a waiter
// of each: get_robust_list(2). The list is the user's: any error ends the
// walk.
func ExitRobust(as *mm.AddressSpace, head uintptr, tid uint32) {
	next, err := as.ReadUint64(head)
	if err != nil {
		return
	}
	offset, err := as.ReadUint64(head + 8)
	if err != nil {
		return
	}
	// pending is an entry that the thread was about to take or to release.
	pending, err := as.ReadUint64(head + 16)
	if err != nil {
		return
	}
	for range abi.ROBUST_LIST_LIMIT {
		entry := uintptr(next &^ 1)
		if entry == head {
			break
		}
		after, err := as.ReadUint64(entry)
		if entry != uintptr(pending&^1) && !die(as, entry+uintptr(offset), tid, next&1 != 0, false) {
			return
		}
		if err != nil {
			return
		}
		next = after
	}
	if pending&^1 != 0 {
		die(as, uintptr(pending&^1)+uintptr(offset), tid, pending&1 != 0, true)
	}
}

// die marks the futex at addr if tid holds it, and reports whether the walk
// may go on. Bit 0 of an entry says that it is a priority-inheritance futex,
// which is not woken here.
func die(as *mm.AddressSpace, addr uintptr, tid uint32, pi, pending bool) bool {
	if addr%4 != 0 {
		return false
	}
	v, err := as.ReadUint32(addr)
	for err == nil {
		if v&abi.FUTEX_TID_MASK != tid {
			if pending && !pi && v == 0 {
				Wake(as, addr, true, 1, abi.FUTEX_BITSET_MATCH_ANY)
			}
			return true
		}
		var cur uint32
		cur, err = as.CompareAndSwap32(addr, v, v&abi.FUTEX_WAITERS|abi.FUTEX_OWNER_DIED)
		if err == nil && cur == v {
			if !pi && v&abi.FUTEX_WAITERS != 0 {
				Wake(as, addr, true, 1, abi.FUTEX_BITSET_MATCH_ANY)
			}
			return true
		}
		v = cur
	}
	return false
}
