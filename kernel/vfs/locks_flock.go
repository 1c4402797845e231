package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// flocks are the locks of flock(2) on an inode: one exclusive one, or any
// number of shared ones.
type flocks struct {
	exclusive bool
	holders   map[*File]*kmem.Account // each lock's file and who is charged for it
}

// CheckFlock checks the operation of flock(2), which comes before anything
// else: EINVAL. ignored means that there is nothing to do, whatever the file.
func CheckFlock(op int) (ignored bool, err error) {
	if op&abi.LOCK_MAND != 0 {
		return true, nil
	}
	switch op &^ abi.LOCK_NB {
	case abi.LOCK_SH, abi.LOCK_EX, abi.LOCK_UN:
		return false, nil
	}
	return false, abi.EINVAL
}

// Flock does flock(2). CheckFlock has seen op. Changing a lock gives up the old
// one first.
func (f *File) Flock(c Caller, op int) error {
	nowait := op&abi.LOCK_NB != 0
	op &^= abi.LOCK_NB
	if f.IsPath() || op != abi.LOCK_UN && !f.Readable() && !f.Writable() {
		return abi.EBADF
	}
	l, err := lockStateOf(f.inode)
	if err != nil {
		return err
	}
	if op == abi.LOCK_UN {
		l.unflock(f)
		return nil
	}
	f.locked.Store(true)
	return l.await(c, nowait, func() error { return l.tryFlock(f, op == abi.LOCK_EX, c.Cred().Account) })
}

// tryFlock takes the lock, which is charged to account, or answers EAGAIN.
func (l *lockState) tryFlock(f *File, exclusive bool, account *kmem.Account) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.flocks
	if _, holds := k.holders[f]; holds && exclusive == k.exclusive {
		return nil
	}
	l.unflockLocked(f)
	if len(k.holders) > 0 && (exclusive || k.exclusive) {
		return abi.EAGAIN
	}
	if account.Charge(flockMemory) != nil {
		return abi.ENOLCK
	}
	if k.holders == nil {
		k.holders = make(map[*File]*kmem.Account)
	}
	k.holders[f], k.exclusive = account, exclusive
	return nil
}

// unflock gives up f's lock, if it has one.
func (l *lockState) unflock(f *File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unflockLocked(f)
}

func (l *lockState) unflockLocked(f *File) {
	k := &l.flocks
	account, holds := k.holders[f]
	if !holds {
		return
	}
	account.Uncharge(flockMemory)
	if delete(k.holders, f); len(k.holders) == 0 {
		k.holders = nil // a map never shrinks
	}
	l.weakened()
}
