package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// maxKeptIovecs is how many vectors a thread keeps memory for between calls.
const maxKeptIovecs = 64

// loadIovecs sets the thread's buffer to the n vectors at addr. The whole is
// cut to what one call moves.
func loadIovecs(t *task.Task, addr, n uintptr) error {
	v, err := copyInIovecs(t, addr, n)
	if err == nil {
		t.IOBuf.ResetVec(t.MM(), v)
	}
	return err
}

// copyInIovecs copies in n vectors at addr. They are valid until the thread's
// next call.
func copyInIovecs(t *task.Task, addr, n uintptr) ([]abi.Iovec, error) {
	if n > abi.UIO_MAXIOV {
		return nil, abi.EINVAL
	}
	if cap(t.IOVec) > maxKeptIovecs {
		t.IOVec = nil
	}
	t.IOVec = t.IOVec[:0]
	left := uint64(abi.MAX_RW_COUNT)
	const batch = len(t.Scratch) / abi.SizeofIovec
	for i := 0; i < int(n); {
		b := t.Scratch[:min(int(n)-i, batch)*abi.SizeofIovec]
		if err := copyIn(t, b, addr+uintptr(i*abi.SizeofIovec)); err != nil {
			return nil, err
		}
		for ; len(b) > 0; b, i = b[abi.SizeofIovec:], i+1 {
			var v abi.Iovec
			v.Unmarshal(b)
			if int64(v.Len) < 0 {
				return nil, abi.EINVAL
			}
			v.Len = min(v.Len, left)
			left -= v.Len
			t.IOVec = append(t.IOVec, v)
		}
	}
	return t.IOVec, nil
}

func sysReadv(t *task.Task, a *Args) (uintptr, error) {
	f, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return readFrom(t, f, &t.IOBuf, -1)
}

func sysWritev(t *task.Task, a *Args) (uintptr, error) {
	f, err := writable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return writeTo(t, f, &t.IOBuf, -1)
}

func sysPreadv(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[3]) < 0 {
		return 0, abi.EINVAL
	}
	return preadv(t, a, int64(a[3]), 0)
}

func sysPwritev(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[3]) < 0 {
		return 0, abi.EINVAL
	}
	return pwritev(t, a, int64(a[3]), 0)
}

// sysPreadv2 and sysPwritev2 take -1 as the file's own position.
func sysPreadv2(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[3]) < -1 {
		return 0, abi.EINVAL
	}
	return preadv(t, a, int64(a[3]), int(int32(a[5])))
}

func sysPwritev2(t *task.Task, a *Args) (uintptr, error) {
	if int64(a[3]) < -1 {
		return 0, abi.EINVAL
	}
	return pwritev(t, a, int64(a[3]), int(int32(a[5])))
}

func preadv(t *task.Task, a *Args, off int64, flags int) (uintptr, error) {
	f, err := readable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	if flags&^(abi.RWF_HIPRI|abi.RWF_NOWAIT|abi.RWF_DSYNC|abi.RWF_SYNC) != 0 {
		return 0, abi.EOPNOTSUPP
	}
	if flags&abi.RWF_NOWAIT != 0 && !ready(f, readyIn) {
		return 0, abi.EAGAIN
	}
	return readFrom(t, f, &t.IOBuf, off)
}

func pwritev(t *task.Task, a *Args, off int64, flags int) (uintptr, error) {
	f, err := writable(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	if flags&^(abi.RWF_HIPRI|abi.RWF_NOWAIT|abi.RWF_DSYNC|abi.RWF_SYNC) != 0 {
		return 0, abi.EOPNOTSUPP
	}
	if flags&abi.RWF_NOWAIT != 0 && !ready(f, readyOut) {
		return 0, abi.EAGAIN
	}
	n, err := writeTo(t, f, &t.IOBuf, off)
	if err == nil && flags&(abi.RWF_DSYNC|abi.RWF_SYNC) != 0 {
		err = syncFile(f, flags&abi.RWF_SYNC == 0)
	}
	return n, err
}

// syncFile makes what was written to f safe, if that means anything to it.
func syncFile(f *vfs.File, dataOnly bool) error {
	if err := f.Sync(dataOnly); err != abi.EINVAL {
		return err
	}
	return nil
}
