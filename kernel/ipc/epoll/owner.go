package epoll

import (
	"math"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/vfs"
)

// itemMemory is what an item takes of the heap, in bytes, rounded up.
const itemMemory = 384

// MaxUserWatches limits the items of one user's instances:
// /proc/sys/fs/epoll/max_user_watches.
var MaxUserWatches atomic.Int64

func init() { MaxUserWatches.Store(1 << 17) }

// SetMemory makes MaxUserWatches fit a machine with so many bytes of memory: as
// on Linux the items of a user take up to a twenty-fifth.
func SetMemory(bytes uint64) { MaxUserWatches.Store(int64(min(bytes/25/itemMemory, math.MaxInt32))) }

// An owner is a user who has instances. Items count against who made the
// instance, not against who adds them.
type owner struct {
	uid     uint32
	account *kmem.Account
	items   atomic.Int64
	refs    int // instances; guarded by owners
}

var owners struct {
	sync.Mutex
	byUID map[uint32]*owner
}

// acquireOwner returns the owner of an instance that is being made.
func acquireOwner(cred *vfs.Cred) *owner {
	owners.Lock()
	defer owners.Unlock()
	o := owners.byUID[cred.UID]
	if o == nil {
		o = &owner{uid: cred.UID, account: cred.Account}
		if owners.byUID == nil {
			owners.byUID = make(map[uint32]*owner)
		}
		owners.byUID[o.uid] = o
	}
	o.refs++
	return o
}

func (o *owner) release() {
	owners.Lock()
	defer owners.Unlock()
	if o.refs--; o.refs == 0 {
		delete(owners.byUID, o.uid)
	}
}

// charge counts one more item: ENOSPC, ENOMEM.
func (o *owner) charge() error {
	if o.items.Add(1) > MaxUserWatches.Load() {
		o.items.Add(-1)
		return abi.ENOSPC
	}
	if err := o.account.Charge(itemMemory); err != nil {
		o.items.Add(-1)
		return err
	}
	return nil
}

func (o *owner) uncharge() {
	o.items.Add(-1)
	o.account.Uncharge(itemMemory)
}
