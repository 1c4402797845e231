package vfs

import "kevlar/kernel/abi"

// Who changes anything through a mount holds a write intent for as long: a file
// that is open for writing, or an operation. A mount or a file system does not
// become read-only while one is held (EBUSY), and no intent begins on one that is
// (EROFS).
//
// An intent is counted before the flags are looked at, and the flags are set
// before the counts are: one of the two sees the other.

// beginWrite takes a write intent: EROFS if nothing can be changed through m.
func (m *Mount) beginWrite() error {
	if m == nil {
		return nil
	}
	m.writers.Add(1)
	m.super.writers.Add(1)
	if !m.ReadOnly() {
		return nil
	}
	// It may be on the way to being read-only and not get there.
	m.super.remountMu.Lock()
	readOnly := m.ReadOnly()
	m.super.remountMu.Unlock()
	if !readOnly {
		return nil
	}
	m.endWrite()
	return abi.EROFS
}

// endWrite gives a write intent up.
func (m *Mount) endWrite() {
	if m != nil {
		m.super.writers.Add(-1)
		m.writers.Add(-1)
	}
}

// remount changes the flags of the file system at target and of the mount.
func remount(target Path, flags int, data string) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	s := m.super
	s.remountMu.Lock()
	defer s.remountMu.Unlock()
	readOnly := flags&abi.MS_RDONLY != 0
	if !readOnly && s.ReadOnly {
		return abi.EROFS
	}
	was := s.remountedRO.Swap(readOnly)
	err := error(nil)
	if readOnly && !was && s.writers.Load() > 0 {
		err = abi.EBUSY
	} else if s.Remount != nil {
		err = s.Remount(data)
	}
	if err != nil {
		s.remountedRO.Store(was)
		return err
	}
	m.setFlags(flags)
	return nil
}

// remountBind changes the flags of the mount at target alone.
func remountBind(target Path, flags int) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	m.super.remountMu.Lock()
	defer m.super.remountMu.Unlock()
	old := m.flags.Load()
	m.setFlags(flags)
	if old&abi.MS_RDONLY == 0 && flags&abi.MS_RDONLY != 0 && m.writers.Load() > 0 {
		m.flags.Store(old)
		return abi.EBUSY
	}
	return nil
}

// setFlags replaces the flags; access-time rules stay if none are given. The
// caller holds the file system's remountMu.
func (m *Mount) setFlags(flags int) {
	const atime = abi.MS_NOATIME | abi.MS_NODIRATIME | abi.MS_RELATIME | abi.MS_STRICTATIME
	f := uint32(flags) & mountFlags
	if f&atime == 0 {
		f |= m.flags.Load() & atime
	}
	m.flags.Store(atimeFlags(f))
	if ns := m.ns.Load(); ns != nil {
		ns.changed()
	}
}
