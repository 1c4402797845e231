package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// flocks are the locks of flock(2) on an inode: one exclusive one, or any
// number of shared ones.
type flocks struct {
	exclusive bool
	holders   map[*File]flockHolder // by the file that has the lock
}

// A flockHolder is who took a lock.
type flockHolder struct {
	account *kmem.Account // which is charged for it
	pid     int32
}

// info describes f's lock; false if it has none.
func (k *flocks) info(f *File) (LockInfo, bool) {
	h, holds := k.holders[f]
	return LockInfo{Kind: "FLOCK", Write: k.exclusive, PID: h.pid, End: lastByte}, holds
}

// pidOf returns the process that c belongs to, 0 if it is the kernel.
func pidOf(c Caller) int32 {
	if p, ok := c.(interface{ TGID() int }); ok {
		return int32(p.TGID())
	}
	return 0
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
	h := flockHolder{c.Cred().Account, pidOf(c)}
	return l.await(c, nowait, func() error { return l.tryFlock(f, op == abi.LOCK_EX, h) })
}

// tryFlock takes the lock for h, or answers EAGAIN.
func (l *lockState) tryFlock(f *File, exclusive bool, h flockHolder) error {
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
	if h.account.Charge(flockMemory) != nil {
		return abi.ENOLCK
	}
	if k.holders == nil {
		k.holders = make(map[*File]flockHolder)
	}
	k.holders[f], k.exclusive = h, exclusive
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
	h, holds := k.holders[f]
	if !holds {
		return
	}
	h.account.Uncharge(flockMemory)
	if delete(k.holders, f); len(k.holders) == 0 {
		k.holders = nil // a map never shrinks
	}
	l.weakened()
}
