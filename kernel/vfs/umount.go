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
	gone, err := mounts.umount(m, flags&abi.MNT_DETACH != 0)
	for _, x := range gone {
		x.reap()
	}
	return err
}

// umount detaches m, and everything below it if lazy, and returns what it
// detached.
func (t *mountTable) umount(m *Mount, lazy bool) ([]*Mount, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.at.Load() == nil { // the root of the tree, or a race lost
		return nil, abi.EINVAL
	}
	if !lazy {
		if m.users.Load() > 0 || m.children > 0 {
			return nil, abi.EBUSY
		}
		t.detach(m)
		return []*Mount{m}, nil
	}
	below := map[*Mount]bool{m: true}
	gone := []*Mount{m}
	for _, x := range t.list {
		if a := x.at.Load(); a != nil && below[a.parent] {
			below[x] = true
			gone = append(gone, x)
		}
	}
	for i := len(gone) - 1; i >= 0; i-- {
		t.detach(gone[i])
	}
	return gone, nil
}
