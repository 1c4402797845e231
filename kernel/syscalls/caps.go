package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
)

// loadCapHeader reads the header of capget(2) and capset(2): the version, which
// says whether the sets have 32 or 64 bits, and a thread. To a version that it
// does not know it answers with the one to use; probe tells that the caller
// wanted nothing else.
func loadCapHeader(t *task.Task, addr uintptr, probe bool) (words, pid int, err error) {
	b := t.Scratch[:8]
	if err := copyIn(t, b, addr); err != nil {
		return 0, 0, err
	}
	pid = int(int32(binary.LittleEndian.Uint32(b[4:])))
	switch binary.LittleEndian.Uint32(b) {
	case abi.LINUX_CAPABILITY_VERSION_1:
		return 1, pid, nil
	case abi.LINUX_CAPABILITY_VERSION_2, abi.LINUX_CAPABILITY_VERSION_3:
		return 2, pid, nil
	}
	if err := outInt(t, addr, abi.LINUX_CAPABILITY_VERSION_3); err != nil {
		return 0, 0, err
	}
	if probe {
		return 0, pid, nil
	}
	return 0, 0, abi.EINVAL
}

// capDataSize is the size of struct __user_cap_data_struct: 32 bits of each
// set.
const capDataSize = 12

func sysCapget(t *task.Task, a *Args) (uintptr, error) {
	words, pid, err := loadCapHeader(t, a[0], a[1] == 0)
	if err != nil {
		return 0, err
	}
	if words == 0 {
		return 0, nil
	}
	c, err := t.Capget(pid)
	if err != nil || a[1] == 0 {
		return 0, err
	}
	b := t.Scratch[:words*capDataSize]
	for i := range words {
		d, shift := b[i*capDataSize:], 32*i
		binary.LittleEndian.PutUint32(d[0:], uint32(c.Effective>>shift))
		binary.LittleEndian.PutUint32(d[4:], uint32(c.Permitted>>shift))
		binary.LittleEndian.PutUint32(d[8:], uint32(c.Inheritable>>shift))
	}
	return 0, copyOut(t, a[1], b)
}

func sysCapset(t *task.Task, a *Args) (uintptr, error) {
	words, pid, err := loadCapHeader(t, a[0], false)
	if err != nil {
		return 0, err
	}
	if pid != 0 && pid != t.TID() {
		return 0, abi.EPERM
	}
	b := t.Scratch[:words*capDataSize]
	if err := copyIn(t, b, a[1]); err != nil {
		return 0, err
	}
	var c task.Caps
	for i := range words {
		d, shift := b[i*capDataSize:], 32*i
		c.Effective |= uint64(binary.LittleEndian.Uint32(d[0:])) << shift
		c.Permitted |= uint64(binary.LittleEndian.Uint32(d[4:])) << shift
		c.Inheritable |= uint64(binary.LittleEndian.Uint32(d[8:])) << shift
	}
	return 0, t.Capset(c)
}
