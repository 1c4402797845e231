package vfs

import "kevlar/kernel/abi"

// PivotRoot does pivot_root(2): the mount whose root is newRoot becomes the
// root of the tree, and the old root moves to putOld, at or below newRoot.
// What uses the old root directory is changed by the caller with
// FSContext.Pivot.
func PivotRoot(c Caller, fs *FSContext, newRoot, putOld Path) error {
	if !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return abi.EPERM
	}
	if !newRoot.Dentry.isDir() || !putOld.Dentry.isDir() {
		return abi.ENOTDIR
	}
	root := fs.Root()
	old, m := root.Mount, newRoot.Mount
	if root.Dentry != old.root || newRoot.Dentry != m.root {
		return abi.EINVAL
	}
	ns := fs.Namespace()
	if ns == nil {
		return abi.EINVAL
	}
	putOld, unlock, err := ns.lockPlace(putOld)
	if err != nil {
		return err
	}
	defer unlock()
	if m == old || putOld.Mount == old {
		return abi.EBUSY
	}
	if m.at.Load() == nil || m.ns.Load() != ns || old.ns.Load() != ns ||
		old.super.FSType == "rootfs" || !putOld.below(newRoot) || !newRoot.below(root) {
		return abi.EINVAL
	}
	at := old.at.Load()
	ns.unhook(m)
	if at != nil {
		ns.unhook(old)
		ns.hook(m, Path{at.parent, at.dentry})
	} else {
		ns.root = m
	}
	ns.move(old, putOld)
	return nil
}
