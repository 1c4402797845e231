package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

func sysPipe(t *task.Task, a *Args) (uintptr, error)  { return 0, makePipe(t, a[0], 0) }
func sysPipe2(t *task.Task, a *Args) (uintptr, error) { return 0, makePipe(t, a[0], uint32(a[1])) }

func makePipe(t *task.Task, addr uintptr, flags uint32) error {
	if flags&^(abi.O_CLOEXEC|abi.O_DIRECT|abi.O_NONBLOCK) != 0 {
		return abi.EINVAL
	}
	r, w, err := pipe.New(t, int(flags&^abi.O_CLOEXEC))
	if err != nil {
		return err
	}
	if err := installPair(t, addr, r, w, flags&abi.O_CLOEXEC != 0); err != nil {
		r.Put()
		w.Put()
		return err
	}
	return nil
}

// installPair gives two files descriptors, which it stores at addr before
// anybody can use them, and takes over the caller's references unless it fails.
func installPair(t *task.Task, addr uintptr, first, second *vfs.File, cloexec bool) error {
	fds := t.FDs()
	a, err := fds.Reserve(0)
	if err != nil {
		return err
	}
	b, err := fds.Reserve(0)
	if err == nil {
		m := t.Scratch[:8]
		binary.LittleEndian.PutUint32(m[0:], uint32(a))
		binary.LittleEndian.PutUint32(m[4:], uint32(b))
		if err = copyOut(t, addr, m); err == nil {
			fds.Fill(a, first, cloexec)
			fds.Fill(b, second, cloexec)
			return nil
		}
		fds.Cancel(b)
	}
	fds.Cancel(a)
	return err
}
