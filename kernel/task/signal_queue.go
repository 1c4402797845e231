package task

import "kevlar/kernel/abi"

// A queuedSignal is one pending signal with what is told about it.
type queuedSignal struct {
	next *queuedSignal
	info abi.Siginfo
	user *userAccount // whose RLIMIT_SIGPENDING and memory it counts against
	cost int64        // bytes
	// timer is the POSIX timer that sent it and owns this structure, or nil.
	timer *posixTimer
}

// sigPending holds the signals that are pending for a thread or a process.
// It is guarded by the group's mu.
type sigPending struct {
	set        abi.Sigset // the signals in the queue, and those that came without memory for an entry
	head, tail *queuedSignal
	n          int // entries
}

func (p *sigPending) push(q *queuedSignal) {
	q.next = nil
	if p.tail != nil {
		p.tail.next = q
	} else {
		p.head = q
	}
	p.tail = q
	p.n++
	p.set.Add(int(q.info.Signo))
}

// take removes the oldest entry for sig, which is in the set, and stores what
// it told in info.
func (p *sigPending) take(sig int, info *abi.Siginfo) *queuedSignal {
	var found, prev *queuedSignal
	more := false
	for q, before := p.head, (*queuedSignal)(nil); q != nil; before, q = q, q.next {
		if int(q.info.Signo) != sig {
			continue
		}
		if found != nil {
			more = true
			break
		}
		found, prev = q, before
	}
	if !more {
		p.set.Del(sig)
	}
	if found == nil {
		// There was no memory for an entry, or the limit was reached.
		*info = abi.Siginfo{Signo: int32(sig), Code: abi.SI_USER}
		return nil
	}
	p.unlink(found, prev)
	*info = found.info
	found.release()
	return found
}

func (p *sigPending) unlink(q, prev *queuedSignal) {
	if prev != nil {
		prev.next = q.next
	} else {
		p.head = q.next
	}
	if p.tail == q {
		p.tail = prev
	}
	p.n--
	q.next = nil
}

// release ends the entry's charge.
func (q *queuedSignal) release() {
	if q.user != nil {
		q.user.pending.Add(-1)
		q.user.memory.Uncharge(q.cost)
		q.user = nil
	}
}

// flush drops every pending signal of set.
func (p *sigPending) flush(set abi.Sigset) {
	if p.set&set == 0 {
		return
	}
	p.set &^= set
	var prev *queuedSignal
	for q := p.head; q != nil; {
		next := q.next
		if set.Has(int(q.info.Signo)) {
			p.unlink(q, prev)
			q.release()
			if q.timer != nil {
				q.timer.droppedLocked()
			}
		} else {
			prev = q
		}
		q = next
	}
}

// first returns the signal of p outside of blocked that is delivered first:
// those that a thread has caused itself, then the lowest number. 0 is none.
func (p *sigPending) first(blocked abi.Sigset) int {
	s := p.set &^ blocked
	if sync := s & abi.SynchronousSignals; sync != 0 {
		return sync.First()
	}
	return s.First()
}

// kernelSiginfo describes a signal that the kernel sends for a reason of its
// own.
func kernelSiginfo(sig int) *abi.Siginfo {
	return &abi.Siginfo{Signo: int32(sig), Code: abi.SI_KERNEL}
}

// userSiginfo describes a signal that t sends with kill(2) or tkill(2).
func (t *Task) userSiginfo(sig, code int) *abi.Siginfo {
	info := &abi.Siginfo{Signo: int32(sig), Code: int32(code)}
	info.SetPID(int32(t.TGID()))
	info.SetUID(t.Cred().UID)
	return info
}
