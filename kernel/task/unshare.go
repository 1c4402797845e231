package task

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// Unshare gives the thread its own copy of what the flags name: unshare(2).
func (t *Task) Unshare(flags uint64) error {
	const known = abi.CLONE_FILES | abi.CLONE_FS | abi.CLONE_SYSVSEM
	alone := uint64(abi.CLONE_THREAD | abi.CLONE_SIGHAND | abi.CLONE_VM)
	if flags&^(known|alone) != 0 {
		return abi.EINVAL
	}
	switch {
	case flags&alone != 0 && !t.SingleThreaded(),
		flags&(abi.CLONE_SIGHAND|abi.CLONE_VM) != 0 && t.sharesHandlers(),
		flags&abi.CLONE_VM != 0 && t.mm.Refs() > 1:
		return abi.EINVAL
	}
	if flags&abi.CLONE_FILES != 0 && t.files.Shared() {
		own, err := t.files.Fork(t.Cred().Account)
		if err != nil {
			return err
		}
		t.replaceFiles(own)
	}
	if flags&abi.CLONE_FS != 0 && t.fs.Users() > 1 {
		t.unshareFS()
	}
	return nil
}

// sharesHandlers reports whether another process has the same signal actions.
func (t *Task) sharesHandlers() bool {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	return t.group.actions.Shared()
}

// unshareFS makes root, directory and umask the thread's own.
func (t *Task) unshareFS() {
	own := t.fs.Copy()
	t.mu.Lock()
	old := t.fs
	t.fs = own
	t.mu.Unlock()
	old.Leave()
}

func (t *Task) replaceFiles(files *vfs.FDTable) {
	t.mu.Lock()
	old := t.files
	t.files = files
	t.mu.Unlock()
	old.Unref()
}
