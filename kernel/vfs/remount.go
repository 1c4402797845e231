package vfs

import "kevlar/kernel/abi"

// remount changes the flags of the file system at target and of the mount.
func remount(target Path, flags int, data string) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	if flags&abi.MS_RDONLY == 0 {
		if m.super.ReadOnly {
			return abi.EROFS
		}
	} else if mounts.written(m.super) {
		return abi.EBUSY
	}
	if m.super.Remount != nil {
		if err := m.super.Remount(data); err != nil {
			return err
		}
	}
	m.super.remountedRO.Store(flags&abi.MS_RDONLY != 0)
	m.setFlags(flags)
	return nil
}

// written reports whether a file of s is open for writing through any mount.
func (t *mountTable) written(s *Super) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, m := range t.list {
		if m.super == s && m.writers.Load() > 0 {
			return true
		}
	}
	return false
}

// remountBind changes the flags of the mount at target alone.
func remountBind(target Path, flags int) error {
	m := target.Mount
	if m == nil || target.Dentry != m.root {
		return abi.EINVAL
	}
	if flags&abi.MS_RDONLY != 0 && m.writers.Load() > 0 {
		return abi.EBUSY
	}
	m.setFlags(flags)
	return nil
}

// setFlags replaces the flags; access-time rules stay if none are given.
func (m *Mount) setFlags(flags int) {
	const atime = abi.MS_NOATIME | abi.MS_NODIRATIME | abi.MS_RELATIME | abi.MS_STRICTATIME
	f := uint32(flags) & mountFlags
	if f&atime == 0 {
		f |= m.flags.Load() & atime
	}
	m.flags.Store(atimeFlags(f))
}
