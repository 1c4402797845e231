package futex

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
)

// Requeue wakes up to wakes threads that wait for the word at addr, makes up
// to moves others wait for the word at addr2 instead, and returns how many
// both were: FUTEX_REQUEUE. With check, FUTEX_CMP_REQUEUE, it fails with
// EAGAIN unless the word at addr is val.
func Requeue(as *mm.AddressSpace, addr, addr2 uintptr, shared bool, wakes, moves int, check bool, val uint32) (int, error) {
	if wakes < 0 || moves < 0 {
		return 0, abi.EINVAL
	}
	from, err := as.FutexKey(addr, shared)
	if err != nil {
		return 0, err
	}
	to, err := as.FutexKey(addr2, shared)
	if err != nil {
		return 0, err
	}
	for {
		n, ok, err := requeue(as, addr, &from, &to, wakes, moves, check, val)
		if ok || err != nil {
			return n, err
		}
		if err := as.Resolve(addr, false); err != nil {
			return 0, err
		}
	}
}

// requeue is Requeue for words whose keys are known. It returns false if the
// word at addr cannot be read without a fault.
func requeue(as *mm.AddressSpace, addr uintptr, from, to *mm.Key, wakes, moves int, check bool, val uint32) (n int, ok bool, err error) {
	i, j := index(from), index(to)
	lockPair(i, j)
	defer unlockPair(i, j)
	if check {
		now, ok := as.PeekUint32(addr)
		if !ok {
			return 0, false, nil
		}
		if now != val {
			return 0, false, abi.EAGAIN
		}
	}
	b := &buckets[i]
	n = b.wake(from, wakes, abi.FUTEX_BITSET_MATCH_ANY)
	if *from == *to {
		return n + b.count(from, moves), true, nil
	}
	return n + b.move(from, &buckets[j], to, moves), true, nil
}

// move makes up to n waiters for from wait for to in bucket c.
func (b *bucket) move(from *mm.Key, c *bucket, to *mm.Key, n int) int {
	moved := 0
	for w := b.head; w != nil && moved < n; {
		next := w.next
		if w.key == *from {
			b.unlink(w)
			w.key = *to
			c.add(w)
			moved++
		}
		w = next
	}
	return moved
}

// count returns how many wait for key, but no more than n.
func (b *bucket) count(key *mm.Key, n int) int {
	found := 0
	for w := b.head; w != nil && found < n; w = w.next {
		if w.key == *key {
			found++
		}
	}
	return found
}

// WakeOp changes the word at addr2 as op says, wakes up to n threads that wait
// for the word at addr, and up to n2 that wait for the word at addr2 if its
// old value compares as op says: FUTEX_WAKE_OP. It returns how many it has
// woken.
func WakeOp(as *mm.AddressSpace, addr, addr2 uintptr, shared bool, n, n2 int, op uint32) (int, error) {
	key, err := as.FutexKey(addr, shared)
	if err != nil {
		return 0, err
	}
	key2, err := as.FutexKey(addr2, shared)
	if err != nil {
		return 0, err
	}
	for {
		woken, ok, err := wakeOp(as, addr2, &key, &key2, n, n2, op)
		if ok || err != nil {
			return woken, err
		}
		if err := as.Resolve(addr2, true); err != nil {
			return 0, err
		}
	}
}

// wakeOp is WakeOp for words whose keys are known. It returns false if the word
// at addr2 cannot be changed without a fault.
func wakeOp(as *mm.AddressSpace, addr2 uintptr, key, key2 *mm.Key, n, n2 int, op uint32) (woken int, ok bool, err error) {
	i, j := index(key), index(key2)
	lockPair(i, j)
	defer unlockPair(i, j)
	old, ok, err := modify(as, addr2, op)
	if !ok || err != nil {
		return 0, false, err
	}
	also, err := compare(old, op)
	if err != nil {
		return 0, false, err
	}
	woken = buckets[i].wake(key, max(n, 1), abi.FUTEX_BITSET_MATCH_ANY)
	if also {
		woken += buckets[j].wake(key2, max(n2, 1), abi.FUTEX_BITSET_MATCH_ANY)
	}
	return woken, true, nil
}

// operand returns the 12 bits of op from bit shift on, sign-extended.
func operand(op uint32, shift uint) int32 { return int32(op<<(20-shift)) >> 20 }

// modify applies op to the word at addr in one step and returns what it was. It
// returns false if that cannot be done without a fault.
func modify(as *mm.AddressSpace, addr uintptr, op uint32) (old uint32, ok bool, err error) {
	arg := uint32(operand(op, 12))
	kind := op >> 28
	if kind&abi.FUTEX_OP_ARG_SHIFT != 0 {
		kind &^= abi.FUTEX_OP_ARG_SHIFT
		arg = 1 << (arg & 31)
	}
	if kind > abi.FUTEX_OP_XOR {
		return 0, false, abi.ENOSYS
	}
	old, ok = as.PeekUint32(addr)
	for ok {
		next := old
		switch kind {
		case abi.FUTEX_OP_SET:
			next = arg
		case abi.FUTEX_OP_ADD:
			next += arg
		case abi.FUTEX_OP_OR:
			next |= arg
		case abi.FUTEX_OP_ANDN:
			next &^= arg
		case abi.FUTEX_OP_XOR:
			next ^= arg
		}
		var cur uint32
		if cur, ok = as.TryCompareAndSwap32(addr, old, next); ok && cur == old {
			return old, true, nil
		}
		old = cur
	}
	return 0, false, nil
}

// compare reports whether the old value meets the condition of op.
func compare(old, op uint32) (bool, error) {
	v, arg := int32(old), operand(op, 0)
	switch op >> 24 & 0xf {
	case abi.FUTEX_OP_CMP_EQ:
		return v == arg, nil
	case abi.FUTEX_OP_CMP_NE:
		return v != arg, nil
	case abi.FUTEX_OP_CMP_LT:
		return v < arg, nil
	case abi.FUTEX_OP_CMP_LE:
		return v <= arg, nil
	case abi.FUTEX_OP_CMP_GT:
		return v > arg, nil
	case abi.FUTEX_OP_CMP_GE:
		return v >= arg, nil
	}
	return false, abi.ENOSYS
}
