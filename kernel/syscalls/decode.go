package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// fd converts an argument to a file descriptor: only 32 bits count.
func fd(v uintptr) int { return int(int32(v)) }

// getFile returns the open file of a descriptor, with a reference for the
// caller. A file opened with O_PATH is none: EBADF.
func getFile(t *task.Task, v uintptr) (*vfs.File, error) { return t.FDs().GetIO(fd(v)) }

// path copies in a path name. An empty one is ENOENT.
func path(t *task.Task, addr uintptr) (string, error) {
	s, err := t.MM().ReadString(addr, abi.PATH_MAX)
	if err == nil && s == "" {
		err = abi.ENOENT
	}
	return s, err
}

// copyOut copies all of b to addr, or fails with EFAULT.
func copyOut(t *task.Task, addr uintptr, b []byte) error {
	_, err := t.CopyOut(addr, b)
	return err
}

// copyIn fills b from addr, or fails with EFAULT.
func copyIn(t *task.Task, b []byte, addr uintptr) error {
	_, err := t.CopyIn(b, addr)
	return err
}

// checkSigsetSize checks the size that calls with a signal set are told.
func checkSigsetSize(n uintptr) error {
	if n != abi.SizeofSigset {
		return abi.EINVAL
	}
	return nil
}
