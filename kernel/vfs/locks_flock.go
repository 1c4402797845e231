package vfs

import "kevlar/kernel/abi"

// flocks are the locks of flock(2) on an inode: one exclusive one, or any
// number of shared ones.
type flocks struct {
	exclusive *File
	shared    map[*File]struct{}
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
	return l.await(c, nowait, func() error { return l.tryFlock(f, op == abi.LOCK_EX) })
}

// tryFlock takes the lock or answers EAGAIN.
func (l *lockState) tryFlock(f *File, exclusive bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.flocks
	_, shares := k.shared[f]
	if exclusive && k.exclusive == f || !exclusive && shares {
		return nil
	}
	l.unflockLocked(f)
	if k.exclusive != nil || exclusive && len(k.shared) > 0 {
		return abi.EAGAIN
	}
	if err := countLocks(1); err != nil {
		return err
	}
	if exclusive {
		k.exclusive = f
		return nil
	}
	if k.shared == nil {
		k.shared = make(map[*File]struct{})
	}
	k.shared[f] = struct{}{}
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
	if k.exclusive == f {
		k.exclusive = nil
	} else if _, ok := k.shared[f]; ok {
		delete(k.shared, f)
		if len(k.shared) == 0 {
			k.shared = nil // a map never shrinks
		}
	} else {
		return
	}
	countLocks(-1)
	l.weakened()
}
