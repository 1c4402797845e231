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

// dropIovecs ends the use of the thread's vectors. It follows loadIovecs and
// copyInIovecs, whether these succeed or not.
func dropIovecs(t *task.Task) {
	if n := cap(t.IOVec); n > maxKeptIovecs {
		t.IOVec = nil
		t.IOBuf.Reset(t.MM(), 0, 0)
		vfs.DropMemory(t, int64(n)*abi.SizeofIovec)
	}
}

// copyInIovecs copies in n vectors at addr. They are valid until the thread's
// next call.
func copyInIovecs(t *task.Task, addr, n uintptr) ([]abi.Iovec, error) {
	if n > abi.UIO_MAXIOV {
		return nil, abi.EINVAL
	}
	if n > maxKeptIovecs {
		if err := vfs.HoldMemory(t, int64(n)*abi.SizeofIovec); err != nil {
			return nil, err
		}
		t.IOVec = make([]abi.Iovec, 0, n)
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
	defer dropIovecs(t)
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
	defer dropIovecs(t)
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	return writeTo(t, f, &t.IOBuf, -1)
}

func sysPreadv(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAt(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return preadv(t, f, a, int64(a[3]), 0)
}

func sysPwritev(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAt(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return pwritev(t, f, a, int64(a[3]), 0)
}

// fileAtOrPos is fileAt, but -1 stands for the file's own position.
func fileAtOrPos(t *task.Task, v uintptr, off int64) (*vfs.File, error) {
	if off == -1 {
		return getFile(t, v)
	}
	return fileAt(t, v, off)
}

func sysPreadv2(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAtOrPos(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return preadv(t, f, a, int64(a[3]), int(int32(a[5])))
}

func sysPwritev2(t *task.Task, a *Args) (uintptr, error) {
	f, err := fileAtOrPos(t, a[0], int64(a[3]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return pwritev(t, f, a, int64(a[3]), int(int32(a[5])))
}

// rwFlags are the flags of preadv2(2) and pwritev2(2) that files know. No file
// knows RWF_NOWAIT: as for many files of Linux the answer is EOPNOTSUPP.
const rwFlags = abi.RWF_HIPRI | abi.RWF_DSYNC | abi.RWF_SYNC | abi.RWF_APPEND

func preadv(t *task.Task, f *vfs.File, a *Args, off int64, flags int) (uintptr, error) {
	defer dropIovecs(t)
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	switch {
	case !f.Readable():
		return 0, abi.EBADF
	case t.IOBuf.Len() == 0:
		return 0, nil
	case flags&^rwFlags != 0:
		return 0, abi.EOPNOTSUPP
	}
	return readFrom(t, f, &t.IOBuf, off)
}

func pwritev(t *task.Task, f *vfs.File, a *Args, off int64, flags int) (n uintptr, err error) {
	defer dropIovecs(t)
	if err := loadIovecs(t, a[1], a[2]); err != nil {
		return 0, err
	}
	switch {
	case !f.Writable():
		return 0, abi.EBADF
	case t.IOBuf.Len() == 0:
		return 0, nil
	case flags&^rwFlags != 0:
		return 0, abi.EOPNOTSUPP
	}
	if flags&abi.RWF_APPEND != 0 && f.Appends() {
		var m int
		m, err = f.Append(t, &t.IOBuf, off < 0)
		n, err = written(t, f, &t.IOBuf, m, err)
	} else {
		n, err = writeTo(t, f, &t.IOBuf, off)
	}
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
