package poll

import (
	"math/bits"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// What makes a descriptor count in each set of select(2).
const (
	readEvents   = wait.Readable | wait.RdBand | wait.Hup | wait.Err
	writeEvents  = wait.Writable | wait.WrBand | wait.Err
	exceptEvents = wait.Pri
)

// A Set is an fd_set: bit n of word n/64 stands for descriptor n. A nil Set is
// empty and stays so.
type Set []uint64

func (s Set) has(fd int) bool {
	return fd/64 < len(s) && s[fd/64]>>(fd%64)&1 != 0
}

// A selection is one call of select(2).
type selection struct {
	set   *set
	fds   []int32 // of each watch
	asked [3]Set  // for reading, writing, exceptions
	held  int64   // bytes; see vfs.HoldMemory
}

// Select waits until a descriptor below n in one of the sets is ready for what
// the set asks, leaves only those that are in the sets, and returns the number
// of bits. deadline is of ktime.Mono; when it has passed the sets are empty.
// The errors are EBADF, ENOMEM and ERESTARTSYS; with an error the sets are as they
// were.
func Select(c vfs.Caller, table *vfs.FDTable, n int, read, write, except Set, deadline int64) (int, error) {
	x := selection{asked: [3]Set{read, write, except}}
	if err := x.collect(c, table, n); err != nil {
		return 0, err
	}
	defer x.release(c)
	if _, err := x.set.await(c, deadline, func() int { return x.scan(c) }); err != nil {
		return 0, err
	}
	return x.answer(), nil
}

func (x *selection) release(c vfs.Caller) {
	x.set.release()
	vfs.DropMemory(c, x.held)
}

// collect looks the descriptors up.
func (x *selection) collect(c vfs.Caller, table *vfs.FDTable, n int) error {
	for word := 0; word*64 < n; word++ {
		var any uint64
		for _, s := range x.asked {
			if word < len(s) {
				any |= s[word]
			}
		}
		if left := n - word*64; left < 64 {
			any &= 1<<left - 1
		}
		for ; any != 0; any &= any - 1 {
			x.fds = append(x.fds, int32(word*64+bits.TrailingZeros64(any)))
		}
	}
	x.held = int64(len(x.fds)) * WatchMemory
	if err := vfs.HoldMemory(c, x.held); err != nil {
		return err
	}
	x.set = newSet(len(x.fds))
	for i, fd := range x.fds {
		w := &x.set.watches[i]
		f, err := table.GetIO(int(fd))
		if err != nil {
			x.release(c)
			return abi.EBADF
		}
		w.file = f
		for kind, events := range kinds {
			if x.asked[kind].has(int(fd)) {
				w.events |= events
			}
		}
	}
	return nil
}

// kinds are the events of the three sets.
var kinds = [3]wait.Events{readEvents, writeEvents, exceptEvents}

// scan counts the bits of the answer.
func (x *selection) scan(c vfs.Caller) int {
	n := 0
	for i, fd := range x.fds {
		w := &x.set.watches[i]
		w.ready = w.file.ReadyFor(c, w.events)
		for kind, events := range kinds {
			if w.ready&events != 0 && x.asked[kind].has(int(fd)) {
				n++
			}
		}
	}
	return n
}

// answer leaves in the sets what the last scan has found, and counts it.
func (x *selection) answer() int {
	n := 0
	for kind, s := range x.asked {
		for i, fd := range x.fds {
			if !s.has(int(fd)) {
				continue
			}
			if x.set.watches[i].ready&kinds[kind] != 0 {
				n++
			} else {
				s[fd/64] &^= 1 << (fd % 64)
			}
		}
	}
	return n
}
