package vfs

import "kevlar/kernel/abi"

// UmountAt does umount2(2) with the mount whose root is target.
func UmountAt(c Caller, fs *FSContext, target Path, flags int) error {
	if flags&^(abi.MNT_FORCE|abi.MNT_DETACH|abi.MNT_EXPIRE|abi.UMOUNT_NOFOLLOW) != 0 {
		return abi.EINVAL
	}
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EPERM
	}
	m := target.Mount
	if m == nil || target.Dentry != m.root || m.detached.Load() || flags&abi.MNT_EXPIRE != 0 {
		return abi.EINVAL
	}
	if m == fs.Root().Mount && flags&abi.MNT_DETACH == 0 {
		return abi.EBUSY
	}
	ns := m.ns.Load()
	if ns == nil || ns != fs.Namespace() {
		return abi.EINVAL
	}
	gone, err := ns.umount(m, flags&abi.MNT_DETACH != 0)
	for _, x := range gone {
		x.reap()
	}
	return err
}

// umount detaches m, and everything below it if lazy, and returns what it
// detached.
func (ns *Namespace) umount(m *Mount, lazy bool) ([]*Mount, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if m.at.Load() == nil || m.ns.Load() != ns { // the root of the tree, or a race lost
		return nil, abi.EINVAL
	}
	if !lazy && (m.users.Load() > 0 || m.firstChild != nil) {
		return nil, abi.EBUSY
	}
	var gone []*Mount
	for x := m; x != nil; x = x.below(m) {
		gone = append(gone, x)
	}
	for i := len(gone) - 1; i >= 0; i-- {
		ns.detach(gone[i])
	}
	ns.changed()
	return gone, nil
}
