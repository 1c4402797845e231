package task

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/machine/frame"
)

// A userAccount counts what one real user has: RLIMIT_NPROC and
// RLIMIT_SIGPENDING are limits on users, not on processes.
type userAccount struct {
	memory  *kmem.Account // held while there are threads
	uid     uint32
	refs    int          // threads of the user, guarded by users.mu
	pending atomic.Int64 // queued signals
}

var users struct {
	mu sync.Mutex
	m  map[uint32]*userAccount
}

// acquireUser adds one thread to the account of uid.
func acquireUser(uid uint32) *userAccount {
	users.mu.Lock()
	defer users.mu.Unlock()
	u := users.m[uid]
	if u == nil {
		if users.m == nil {
			users.m = make(map[uint32]*userAccount)
		}
		u = &userAccount{uid: uid, memory: kmem.OfUser(uid)}
		users.m[uid] = u
	}
	u.refs++
	return u
}

// release takes one thread off the account.
func (u *userAccount) release() {
	users.mu.Lock()
	defer users.mu.Unlock()
	if u.refs--; u.refs == 0 {
		delete(users.m, u.uid)
		u.memory.Release()
	}
}

// Taken implements signal.Source for signals that are sent.
func (u *userAccount) Taken(*abi.Siginfo) { u.Dropped() }

// Dropped implements signal.Source.
func (u *userAccount) Dropped() {
	u.pending.Add(-1)
	u.memory.Uncharge(signalCost)
}

// threads returns how many threads the user has.
func (u *userAccount) threads() int {
	users.mu.Lock()
	defer users.mu.Unlock()
	return u.refs
}

var (
	threadCount atomic.Int64
	forkCount   atomic.Uint64
)

// ThreadsMax returns how many threads the system takes: as many as fit into a
// quarter of its memory, and no more than there are IDs.
func ThreadsMax() int {
	n := frame.Total() * frame.Size / 4 / (2 * threadCost)
	return int(min(max(n, 64), PIDMax-pidReserved))
}

// ThreadCount returns how many threads there are.
func ThreadCount() int { return int(threadCount.Load()) }

// Forks returns how many threads have been made since boot.
func Forks() uint64 { return forkCount.Load() }
