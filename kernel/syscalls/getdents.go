package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// sysGetdents64 and sysGetdents write as many whole records as fit.
func sysGetdents64(t *task.Task, a *Args) (uintptr, error) {
	return getdents(t, a, abi.Dirent64Size, abi.PutDirent64)
}

func sysGetdents(t *task.Task, a *Args) (uintptr, error) {
	return getdents(t, a, abi.DirentSize, abi.PutDirent)
}

// getdents accepts an entry, and with it moves the directory's position, only
// after its record has been copied out.
func getdents(t *task.Task, a *Args, size func(string) int,
	put func(b []byte, ino uint64, next int64, typ uint8, name string) int) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	room := int(uint32(a[2]))
	done := 0
	var failed error
	err = f.ReadDir(t, func(e vfs.DirEntry) bool {
		if done+size(e.Name) > room {
			failed = abi.EINVAL
			return false
		}
		n := put(t.Scratch[:abi.MaxDirent], e.Ino, e.Next, e.Type, e.Name)
		if failed = copyOut(t, a[1]+uintptr(done), t.Scratch[:n]); failed != nil {
			return false
		}
		done += n
		return true
	})
	if done > 0 {
		return uintptr(done), nil
	}
	if err == nil {
		err = failed
	}
	return 0, err
}
