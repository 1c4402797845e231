package signal

import "kevlar/kernel/abi"

// An Entry is one pending signal with what is told about it.
type Entry struct {
	Info   abi.Siginfo
	Source Source

	next *Entry
}

// A Source is who has made an Entry, and hears when it leaves its queue.
type Source interface {
	// Taken is called when the signal is about to be delivered. It may add
	// to what is told.
	Taken(info *abi.Siginfo)
	// Dropped is called when it never will be.
	Dropped()
}

// A Queue holds the signals that are pending for a thread or a process. Its
// owner serialises all use. The zero value is empty.
type Queue struct {
	set        abi.Sigset // the signals in the queue, and those that came without memory for an entry
	head, tail *Entry
	n          int // entries
}

// Set returns the signals that are pending.
func (q *Queue) Set() abi.Sigset { return q.set }

// Len returns how many entries there are.
func (q *Queue) Len() int { return q.n }

// Push adds e, which is in no queue.
func (q *Queue) Push(e *Entry) {
	e.next = nil
	if q.tail != nil {
		q.tail.next = e
	} else {
		q.head = e
	}
	q.tail = e
	q.n++
	q.set.Add(int(e.Info.Signo))
}

// Mark makes sig pending without telling anything about it.
func (q *Queue) Mark(sig int) { q.set.Add(sig) }

// Take removes the oldest entry for sig, which is in the set, and stores what it
// tells in info.
func (q *Queue) Take(sig int, info *abi.Siginfo) {
	var found, prev *Entry
	more := false
	for e, before := q.head, (*Entry)(nil); e != nil; before, e = e, e.next {
		if int(e.Info.Signo) != sig {
			continue
		}
		if found != nil {
			more = true
			break
		}
		found, prev = e, before
	}
	if !more {
		q.set.Del(sig)
	}
	if found == nil {
		// There was no memory for an entry, or the limit was reached.
		*info = abi.Siginfo{Signo: int32(sig), Code: abi.SI_USER}
		return
	}
	q.unlink(found, prev)
	*info = found.Info
	found.Source.Taken(info)
}

func (q *Queue) unlink(e, prev *Entry) {
	if prev != nil {
		prev.next = e.next
	} else {
		q.head = e.next
	}
	if q.tail == e {
		q.tail = prev
	}
	q.n--
	e.next = nil
}

// Flush drops every pending signal of set.
func (q *Queue) Flush(set abi.Sigset) {
	if q.set&set == 0 {
		return
	}
	q.set &^= set
	var prev *Entry
	for e := q.head; e != nil; {
		next := e.next
		if set.Has(int(e.Info.Signo)) {
			q.unlink(e, prev)
			e.Source.Dropped()
		} else {
			prev = e
		}
		e = next
	}
}

// First returns the pending signal outside of blocked that is delivered first:
// those that a thread has caused itself, then the lowest number. 0 is none.
func (q *Queue) First(blocked abi.Sigset) int {
	s := q.set &^ blocked
	if sync := s & abi.SynchronousSignals; sync != 0 {
		return sync.First()
	}
	return s.First()
}
