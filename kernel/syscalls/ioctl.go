package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// sysIoctl serves the requests that every file understands and leaves the
// others to the file.
func sysIoctl(t *task.Task, a *Args) (uintptr, error) {
	f, err := getFile(t, a[0])
	if err != nil {
		return 0, err
	}
	defer f.Put()
	switch cmd := uint32(a[1]); cmd {
	case abi.FIOCLEX:
		return 0, t.FDs().SetFlags(fd(a[0]), abi.FD_CLOEXEC)
	case abi.FIONCLEX:
		return 0, t.FDs().SetFlags(fd(a[0]), 0)
	case abi.FIONBIO:
		on, err := t.MM().ReadUint32(a[2])
		if err == nil {
			f.SetNonblock(on != 0)
		}
		return 0, err
	case abi.FIONREAD:
		if at := f.Inode().Attr(); at.IsRegular() {
			return 0, outInt(t, a[2], int32(at.Size-f.Pos()))
		}
		return f.Ioctl(t, cmd, a[2])
	case abi.FIGETBSZ:
		at := f.Inode().Attr()
		if at.BlkSize == 0 {
			return 0, abi.EINVAL
		}
		return 0, outInt(t, a[2], int32(at.BlkSize))
	default:
		return f.Ioctl(t, cmd, a[2])
	}
}

// outInt writes an int to addr.
func outInt(t *task.Task, addr uintptr, v int32) error {
	b := t.Scratch[:4]
	binary.LittleEndian.PutUint32(b, uint32(v))
	return copyOut(t, addr, b)
}
