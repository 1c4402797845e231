package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// ioSize checks the size of a transfer and limits it to what one call moves.
func ioSize(n uintptr) (int, error) {
	if int64(n) < 0 {
		return 0, abi.EINVAL
	}
	return int(min(n, abi.MAX_RW_COUNT)), nil
}

// readable and writable return the open file of a descriptor if it is open
// for reading or writing.
func readable(t *task.Task, v uintptr) (*vfs.File, error) {
	f, err := getFile(t, v)
	if err == nil && !f.Readable() {
		f.Put()
		return nil, abi.EBADF
	}
	return f, err
}

func writable(t *task.Task, v uintptr) (*vfs.File, error) {
	f, err := getFile(t, v)
	if err == nil && !f.Writable() {
		f.Put()
		return nil, abi.EBADF
	}
	return f, err
}

// fileAt returns the open file of a descriptor if it has offsets and off is
// one.
func fileAt(t *task.Task, v uintptr, off int64) (*vfs.File, error) {
	if off < 0 {
		return nil, abi.EINVAL
	}
	f, err := getFile(t, v)
	if err == nil {
		if err = f.CheckAt(off); err != nil {
			f.Put()
			return nil, err
		}
	}
	return f, err
}

// readFrom moves bytes of f to dst: at its position if off is negative.
func readFrom(t *task.Task, f *vfs.File, dst vfs.Dest, off int64) (uintptr, error) {
	var n int
	var err error
	if off < 0 {
		n, err = vfs.BlockRead(t, f, dst)
	} else {
		n, err = vfs.BlockReadAt(t, f, dst, off)
	}
	if n > 0 {
		t.AccountRead(n)
		return uintptr(n), nil
	}
	return 0, err
}

// writeTo moves the bytes of src to f, and raises the signals that a failed
// write brings.
func writeTo(t *task.Task, f *vfs.File, src vfs.Source, off int64) (uintptr, error) {
	var n int
	var err error
	if off < 0 {
		n, err = vfs.BlockWrite(t, f, src)
	} else {
		n, err = vfs.BlockWriteAt(t, f, src, off)
	}
	return written(t, f, src, n, err)
}

// written ends a write of n bytes.
func written(t *task.Task, f *vfs.File, src vfs.Source, n int, err error) (uintptr, error) {
	if err == abi.EPIPE || n > 0 && src.Len() > 0 && f.IsStream() && f.Ready(wait.Err)&wait.Err != 0 {
		t.SendSignal(abi.SIGPIPE)
	}
	if n > 0 {
		t.AccountWrite(n)
		return uintptr(n), nil
	}
	return 0, overLimit(t, err)
}

// setBuffer makes the thread's buffer the memory that a call names: EFAULT if
// that is not in the part of the address space that programs have.
func setBuffer(t *task.Task, addr, size uintptr) error {
	if addr > mm.UserTop || size > mm.UserTop-addr {
		return abi.EFAULT
	}
	t.IOBuf.Reset(t.MM(), addr, int(min(size, abi.MAX_RW_COUNT)))
	return nil
}

func sysRead(t *task.Task, a *Args) (uintptr, error) {
	f, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := setBuffer(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return readFrom(t, f, &t.IOBuf, -1)
}

func sysWrite(t *task.Task, a *Args) (uintptr, error) {
	f, err := writable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := setBuffer(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return writeTo(t, f, &t.IOBuf, -1)
}

func sysPread64(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAt(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if !f.Readable() {
		return 0, abi.EBADF
	}
	if err := setBuffer(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return readFrom(t, f, &t.IOBuf, int64(a[3]))
}

func sysPwrite64(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAt(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if !f.Writable() {
		return 0, abi.EBADF
	}
	if err := setBuffer(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return writeTo(t, f, &t.IOBuf, int64(a[3]))
}

func sysLseek(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	whence := int(uint32(a[2]))
	if whence > abi.SEEK_MAX {
		return 0, abi.EINVAL
	}
	pos, err := f.Seek(int64(a[1]), whence)
	return uintptr(pos), err
}
