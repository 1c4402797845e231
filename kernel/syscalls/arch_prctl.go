package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/task"
)

// sysArchPrctl sets and tells the bases of FS and GS. Shadow stacks are not
// offered.
func sysArchPrctl(t *task.Task, a *Args) (uintptr, error) {
	switch uint32(a[0]) {
	case abi.ARCH_SET_FS:
		if a[1] >= mm.UserTop {
			return 0, abi.EPERM
		}
		t.Ctx.FSBase = uint64(a[1])
		return 0, nil
	case abi.ARCH_SET_GS:
		if a[1] >= mm.UserTop {
			return 0, abi.EPERM
		}
		t.Ctx.Sync()
		t.Ctx.GSBase = uint64(a[1])
		return 0, nil
	case abi.ARCH_GET_FS:
		return 0, outUint64(t, a[1], t.Ctx.FSBase)
	case abi.ARCH_GET_GS:
		t.Ctx.Sync()
		return 0, outUint64(t, a[1], t.Ctx.GSBase)
	}
	return 0, abi.EINVAL
}

func outUint64(t *task.Task, addr uintptr, v uint64) error {
	b := t.Scratch[:8]
	binary.LittleEndian.PutUint64(b, v)
	return copyOut(t, addr, b)
}
