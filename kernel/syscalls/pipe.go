package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/task"
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
	cloexec := flags&abi.O_CLOEXEC != 0
	rfd, err := install(t, r, cloexec)
	if err != nil {
		w.Put()
		return err
	}
	wfd, err := install(t, w, cloexec)
	if err != nil {
		t.FDs().Close(int(rfd))
		return err
	}
	b := t.Scratch[:8]
	binary.LittleEndian.PutUint32(b[0:], uint32(rfd))
	binary.LittleEndian.PutUint32(b[4:], uint32(wfd))
	if err := copyOut(t, addr, b); err != nil {
		t.FDs().Close(int(rfd))
		t.FDs().Close(int(wfd))
		return err
	}
	return nil
}
