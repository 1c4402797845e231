package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// A flock is a lock of flock(2).
type flock struct {
	file      *File
	exclusive bool
	pid       int32
}

// Flock does flock(2). Changing a lock gives up the old one first.
func (f *File) Flock(c Caller, op int) error {
	if f.IsPath() {
		return abi.EBADF
	}
	nowait := op&abi.LOCK_NB != 0
	op &^= abi.LOCK_NB
	if op != abi.LOCK_SH && op != abi.LOCK_EX && op != abi.LOCK_UN {
		return abi.EINVAL
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
	return l.block(c, nowait, func() error { return l.tryFlock(f, op == abi.LOCK_EX) })
}

// tryFlock takes the lock or answers EAGAIN.
func (l *lockState) tryFlock(f *File, exclusive bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, k := range l.flocks {
		if k.file == f {
			if k.exclusive == exclusive {
				return nil
			}
			l.removeFlock(i)
			break
		}
	}
	for _, k := range l.flocks {
		if exclusive || k.exclusive {
			return abi.EAGAIN
		}
	}
	if lockCount.Add(1) > maxLocks {
		lockCount.Add(-1)
		return abi.ENOLCK
	}
	l.flocks = append(l.flocks, flock{file: f, exclusive: exclusive})
	return nil
}

// unflock gives up f's lock, if it has one.
func (l *lockState) unflock(f *File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, k := range l.flocks {
		if k.file == f {
			l.removeFlock(i)
			return
		}
	}
}

// removeFlock removes lock i. The caller holds l.mu.
func (l *lockState) removeFlock(i int) {
	l.flocks = append(l.flocks[:i], l.flocks[i+1:]...)
	lockCount.Add(-1)
	l.freed.Notify(wait.Readable)
}
