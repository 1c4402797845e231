package kmem

import (
	"cmp"
	"slices"
	"sync"
)

// users holds the accounts of users: those that somebody holds or that are not
// empty, and some that may go.
var users = struct {
	mu    sync.Mutex
	byUID map[uint32]*Account
	limit int64 // of a user other than root
	sweep int   // empty accounts are dropped when there are so many
}{byUID: map[uint32]*Account{}, sweep: sweepLeast}

const sweepLeast = 64

// OfUser returns the account of a user, held for the caller, who calls Release
// when it makes no further charges. An account that is not empty stays: a user
// who comes back finds what he left.
func OfUser(uid uint32) *Account {
	users.mu.Lock()
	defer users.mu.Unlock()
	a := users.byUID[uid]
	if a == nil {
		if len(users.byUID) >= users.sweep {
			sweepLocked()
		}
		a = &Account{uid: uid, parent: &Machine}
		if uid != 0 {
			a.limit.Store(users.limit)
		}
		users.byUID[uid] = a
	}
	a.held++
	return a
}

// Release ends what OfUser began.
func (a *Account) Release() {
	users.mu.Lock()
	defer users.mu.Unlock()
	if a.held--; a.held < 0 {
		panic("kmem: account released once too often")
	}
	a.dropIfEmptyLocked()
}

func (a *Account) dropIfEmptyLocked() {
	if a.held == 0 && a.used.Load() == 0 {
		delete(users.byUID, a.uid)
	}
}

// sweepLocked drops the accounts that nobody holds any more and that have
// become empty since they were released.
func sweepLocked() {
	for _, a := range users.byUID {
		a.dropIfEmptyLocked()
	}
	users.sweep = max(2*len(users.byUID), sweepLeast)
}

// Users returns the accounts of all users by ID.
func Users() []*Account {
	users.mu.Lock()
	defer users.mu.Unlock()
	sweepLocked()
	list := make([]*Account, 0, len(users.byUID))
	for _, a := range users.byUID {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *Account) int { return cmp.Compare(a.uid, b.uid) })
	return list
}
