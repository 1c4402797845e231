package syscalls

import (
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/poll"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// maxSmallSet is up to how many descriptors sets are not counted.
const maxSmallSet = 4096

// loadSet copies in an fd_set of n descriptors. Address 0 is no set.
func loadSet(t *task.Task, addr uintptr, n int) (poll.Set, error) {
	if addr == 0 || n == 0 {
		return nil, nil
	}
	b := make([]byte, (n+63)/64*8)
	if err := copyIn(t, b, addr); err != nil {
		return nil, err
	}
	s := make(poll.Set, len(b)/8)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return s, nil
}

func storeSet(t *task.Task, addr uintptr, s poll.Set) error {
	if s == nil {
		return nil
	}
	b := make([]byte, 8*len(s))
	for i, v := range s {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return copyOut(t, addr, b)
}

// selectFiles does select(2) with the sets at a[1] to a[3]. Descriptors that
// the table has no room for are not looked at.
func selectFiles(t *task.Task, a *Args, deadline int64) (uintptr, error) {
	n := int(int32(a[0]))
	if n < 0 {
		return 0, abi.EINVAL
	}
	n = min(n, t.FDs().Size())
	if n > maxSmallSet {
		size := int64(n) // three sets of bits, and on their way as bytes
		if err := vfs.HoldMemory(t, size); err != nil {
			return 0, err
		}
		defer vfs.DropMemory(t, size)
	}
	var sets [3]poll.Set
	for i := range sets {
		var err error
		if sets[i], err = loadSet(t, a[1+i], n); err != nil {
			return 0, err
		}
	}
	ready, err := poll.Select(t, t.FDs(), n, sets[0], sets[1], sets[2], deadline)
	if err != nil {
		return 0, err
	}
	for i := range sets {
		if err := storeSet(t, a[1+i], sets[i]); err != nil {
			return 0, err
		}
	}
	return uintptr(ready), nil
}

func sysSelect(t *task.Task, a *Args) (uintptr, error) {
	deadline := wait.Forever
	if a[4] != 0 {
		b := t.Scratch[:abi.SizeofTimeval]
		if err := copyIn(t, b, a[4]); err != nil {
			return 0, err
		}
		var tv abi.Timeval
		tv.Unmarshal(b)
		if tv.Sec < 0 || tv.Usec < 0 {
			return 0, abi.EINVAL
		}
		tv.Sec, tv.Usec = tv.Sec+tv.Usec/1e6, tv.Usec%1e6
		deadline = deadlineAfter(tv.Ns())
	}
	n, err := selectFiles(t, a, deadline)
	err = interrupted(t, false, err)
	return storeRemaining(t, a[4], deadline, true, n, err)
}

// sysPselect6 finds its signal mask and the mask's size in a structure that the
// sixth argument points to.
func sysPselect6(t *task.Task, a *Args) (uintptr, error) {
	var mask, size uint64
	if a[5] != 0 {
		b := t.Scratch[:16]
		if err := copyIn(t, b, a[5]); err != nil {
			return 0, err
		}
		mask, size = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	}
	deadline, err := loadTimeout(t, a[4])
	if err != nil {
		return 0, err
	}
	masked, err := pushMask(t, uintptr(mask), uintptr(size))
	if err != nil {
		return 0, err
	}
	n, err := selectFiles(t, a, deadline)
	err = interrupted(t, masked, err)
	return storeRemaining(t, a[4], deadline, false, n, err)
}
