package vfs

import "kevlar/kernel/abi"

// moveMount attaches the mount whose root is from to target.
func moveMount(from, target Path) error {
	m := from.Mount
	if m == nil || from.Dentry != m.root {
		return abi.EINVAL
	}
	defer target.Dentry.holdName()()
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	target, err := mounts.place(target)
	if err != nil {
		return err
	}
	if m.at.Load() == nil || m.detached.Load() {
		return abi.EINVAL
	}
	if from.Dentry.isDir() != target.Dentry.isDir() {
		return abi.ENOTDIR
	}
	for p := target.Mount; ; { // a mount cannot move below itself
		if p == m {
			return abi.ELOOP
		}
		a := p.at.Load()
		if a == nil {
			break
		}
		p = a.parent
	}
	mounts.rehook(m, target)
	return nil
}

// rehook moves an attached mount. The caller holds t.mu.
func (t *mountTable) rehook(m *Mount, p Path) {
	t.unhook(m)
	t.version++
	a := attachment{p.Mount, p.Dentry}
	m.at.Store(&a)
	t.at[a] = m
	p.Mount.children++
	p.Dentry.mounts.Add(1)
	// Parents stay before children on the list: move m's subtree to its end.
	var kept, moved []*Mount
	below := map[*Mount]bool{m: true}
	for _, x := range t.list {
		if a := x.at.Load(); x == m || a != nil && below[a.parent] {
			below[x] = true
			moved = append(moved, x)
		} else {
			kept = append(kept, x)
		}
	}
	t.list = append(kept, moved...)
}
