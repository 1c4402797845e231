package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func sysFsync(t *task.Task, a *Args) (uintptr, error)     { return fsync(t, a[0], false) }
func sysFdatasync(t *task.Task, a *Args) (uintptr, error) { return fsync(t, a[0], true) }

func fsync(t *task.Task, v uintptr, dataOnly bool) (uintptr, error) {
	f, err := getFile(t, v)
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, f.Sync(dataOnly)
}

func sysSync(t *task.Task, _ *Args) (uintptr, error) {
	vfs.Sync(t)
	return 0, nil
}

func sysSyncfs(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, f.SyncFS(t)
}

// sysSyncFileRange writes the whole file's data, which is allowed.
func sysSyncFileRange(t *task.Task, a *Args) (uintptr, error) {
	const flags = 1 | 2 | 4 // SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE, _WAIT_AFTER
	off, n := int64(a[1]), int64(a[2])
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if uint32(a[3])&^flags != 0 || off < 0 || n < 0 || off+n < off {
		return 0, abi.EINVAL
	}
	switch fileType(f) {
	case abi.S_IFREG, abi.S_IFBLK, abi.S_IFDIR, abi.S_IFLNK:
		return 0, syncFile(f, true)
	}
	return 0, abi.ESPIPE
}

// sysReadahead and sysFadvise64 check their arguments. The data of every file
// here is in memory, where it is read as fast as it ever will be.
func sysReadahead(t *task.Task, a *Args) (uintptr, error) {
	f, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if t := fileType(f); t != abi.S_IFREG && t != abi.S_IFBLK {
		return 0, abi.EINVAL
	}
	return 0, nil
}

func sysFadvise64(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	switch {
	case isPipe(f):
		return 0, abi.ESPIPE
	case int64(a[2]) < 0, uint32(a[3]) > abi.POSIX_FADV_NOREUSE:
		return 0, abi.EINVAL
	}
	return 0, nil
}
