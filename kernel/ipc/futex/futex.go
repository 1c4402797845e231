// Package futex is where threads wait for a word of user memory to change:
// futex(2).
//
// A waiter stands in a bucket that the word's mm.Key selects. The word is
// read with the bucket locked, so a change of the word followed by a wake-up
// is never missed. A fault that the read meets is resolved with the bucket
// unlocked, for it may wait for memory, and then all begins anew.
//
// Lock order: buckets by index, then leaves.
package futex

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/wait"
)

// A waiter is one thread in Wait.
type waiter struct {
	key        mm.Key // guarded by the bucket's lock, as are next and prev
	next, prev *waiter
	bitset     uint32
	sleeper    *wait.Sleeper
	// bucket is where the waiter stands, nil once it has been woken. It
	// changes with that bucket's lock held.
	bucket atomic.Pointer[bucket]
}

// A bucket is the queue of the waiters of some words, the oldest first.
type bucket struct {
	mu   sync.Mutex
	head *waiter
	tail *waiter
}

const bucketCount = 256

var buckets [bucketCount]bucket

// spare keeps waiters that are not in use.
var spare = sync.Pool{New: func() any { return new(waiter) }}

// seeds differ from boot to boot, so that nobody can choose words that share a
// bucket.
var seeds = func() (s [2]uint64) {
	for i := range s {
		s[i] = maphash.Comparable(maphash.MakeSeed(), i)
	}
	return s
}()

// index returns which bucket a word belongs to.
func index(k *mm.Key) int {
	h, l := bits.Mul64(k.Offset^k.Dev<<40^seeds[0], k.ID()^k.Ino^seeds[1])
	h, l = bits.Mul64(h^l^seeds[1], 0x9e3779b97f4a7c15)
	return int((h ^ l) % bucketCount)
}

func (b *bucket) add(w *waiter) {
	w.prev, w.next = b.tail, nil
	if b.tail != nil {
		b.tail.next = w
	} else {
		b.head = w
	}
	b.tail = w
	w.bucket.Store(b)
}

// unlink takes w out of the queue; what becomes of it is for the caller.
func (b *bucket) unlink(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		b.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		b.tail = w.prev
	}
	w.next, w.prev = nil, nil
}

// wake wakes up to n waiters for key whose bitset meets bits.
func (b *bucket) wake(key *mm.Key, n int, bits uint32) int {
	woken := 0
	for w := b.head; w != nil && woken < n; {
		next := w.next
		if w.key == *key && w.bitset&bits != 0 {
			b.unlink(w)
			s := w.sleeper
			w.bucket.Store(nil) // from here on w belongs to its thread
			s.Wake()
			woken++
		}
		w = next
	}
	return woken
}

// lockPair locks the buckets of two words in order, and returns what unlocks
// them.
func lockPair(i, j int) {
	if i > j {
		i, j = j, i
	}
	buckets[i].mu.Lock()
	if i != j {
		buckets[j].mu.Lock()
	}
}

func unlockPair(i, j int) {
	buckets[i].mu.Unlock()
	if i != j {
		buckets[j].mu.Unlock()
	}
}

// Wait sleeps on s until a wake-up that meets bitset comes for the word at
// addr, provided that the word is val: FUTEX_WAIT_BITSET. shared tells that
// other address spaces use the word too. deadline is of ktime.Mono. The errors
// are EAGAIN if the word is not val, EINVAL, EFAULT, ETIMEDOUT and
// ERESTARTSYS.
func Wait(as *mm.AddressSpace, s *wait.Sleeper, addr uintptr, shared bool, val, bitset uint32, deadline int64) error {
	if bitset == 0 {
		return abi.EINVAL
	}
	key, err := as.FutexKey(addr, shared)
	if err != nil {
		return err
	}
	w := spare.Get().(*waiter)
	defer spare.Put(w)
	w.key, w.bitset, w.sleeper = key, bitset, s
	for {
		ok, err := w.enqueue(as, addr, val)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		if err := as.Resolve(addr, false); err != nil {
			return err
		}
	}
	for w.bucket.Load() != nil {
		if err = s.Sleep(deadline); err != nil {
			break
		}
	}
	if w.leave() {
		return err
	}
	return nil
}

// enqueue puts w into its bucket if the word at addr is val. It returns false if
// the word cannot be read without a fault.
func (w *waiter) enqueue(as *mm.AddressSpace, addr uintptr, val uint32) (ok bool, err error) {
	b := &buckets[index(&w.key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	now, ok := as.PeekUint32(addr)
	if !ok {
		return false, nil
	}
	if now != val {
		return false, abi.EAGAIN
	}
	b.add(w)
	return true, nil
}

// leave takes w out of the bucket it stands in, and reports whether it stood
// in one: if not, it has been woken.
func (w *waiter) leave() bool {
	for {
		b := w.bucket.Load()
		if b == nil {
			return false
		}
		if b.remove(w) {
			return true
		}
	}
}

// remove takes w out of b unless it has left b meanwhile.
func (b *bucket) remove(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.bucket.Load() != b {
		return false
	}
	b.unlink(w)
	w.bucket.Store(nil)
	return true
}

// Wake wakes up to n threads, but at least one, that wait for the word at
// addr with a bitset that meets bits, and returns how many:
// FUTEX_WAKE_BITSET.
func Wake(as *mm.AddressSpace, addr uintptr, shared bool, n int, bits uint32) (int, error) {
	if bits == 0 {
		return 0, abi.EINVAL
	}
	key, err := as.FutexKey(addr, shared)
	if err != nil {
		return 0, err
	}
	b := &buckets[index(&key)]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wake(&key, max(n, 1), bits), nil
}
