package vfs

import "kevlar/kernel/abi"

// moveMount attaches the mount whose root is from to target.
func (ns *Namespace) moveMount(from, target Path) error {
	m := from.Mount
	if m == nil || from.Dentry != m.root {
		return abi.EINVAL
	}
	target, unlock, err := ns.lockPlace(target)
	if err != nil {
		return err
	}
	defer unlock()
	if m.at.Load() == nil || m.ns.Load() != ns {
		return abi.EINVAL
	}
	if from.Dentry.isDir() != target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	if target.Mount.standsOn(m) { // a mount cannot move below itself
		return abi.ELOOP
	}
	ns.move(m, target)
	return nil
}
