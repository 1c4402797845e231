package syscalls

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/ipc/poll"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// pollVectors keep memory for the descriptors of poll(2) that is not in use.
var pollVectors = sync.Pool{New: func() any { return new([]abi.PollFd) }}

// maxKeptPollFds is how large a vector is kept.
const maxKeptPollFds = 256

// pollFiles does poll(2) with the n descriptors at addr.
func pollFiles(t *task.Task, addr uintptr, n uint32, deadline int64) (uintptr, error) {
	if uint64(n) > t.Group().Limit(abi.RLIMIT_NOFILE) {
		return 0, abi.EINVAL
	}
	if ready, err := pollNow(t, addr, n); err != nil || ready > 0 || deadline != wait.Forever && deadline <= ktime.Mono() {
		return ready, err
	}
	if n > maxKeptPollFds {
		size := int64(n) * (abi.SizeofPollFd + poll.WatchMemory)
		if err := vfs.HoldMemory(t, size); err != nil {
			return 0, err
		}
		defer vfs.DropMemory(t, size)
	}
	v := pollVectors.Get().(*[]abi.PollFd)
	defer func() {
		if cap(*v) <= maxKeptPollFds {
			pollVectors.Put(v)
		}
	}()
	if cap(*v) < int(n) {
		*v = make([]abi.PollFd, n)
	}
	fds := (*v)[:n]
	if err := loadPollFds(t, fds, addr); err != nil {
		return 0, err
	}
	ready, err := poll.Wait(t, t.FDs(), fds, deadline)
	if err != nil {
		return 0, err
	}
	return uintptr(ready), storePollFds(t, fds, addr)
}

// pollNow looks at the descriptors once, and writes their Revents back.
func pollNow(t *task.Task, addr uintptr, n uint32) (ready uintptr, err error) {
	for table := t.FDs(); n > 0; {
		b := t.Scratch[:min(n, pollBatch)*abi.SizeofPollFd]
		if err := copyIn(t, b, addr); err != nil {
			return 0, err
		}
		for p := b; len(p) > 0; p = p[abi.SizeofPollFd:] {
			var d abi.PollFd
			d.Unmarshal(p)
			if d.Revents = poll.Look(t, table, d.FD, d.Events); d.Revents != 0 {
				ready++
			}
			d.MarshalTo(p)
		}
		if err := copyOut(t, addr, b); err != nil {
			return 0, err
		}
		n, addr = n-uint32(len(b)/abi.SizeofPollFd), addr+uintptr(len(b))
	}
	return ready, nil
}

const pollBatch = 64 // descriptors that go into a thread's scratch memory

func loadPollFds(t *task.Task, fds []abi.PollFd, addr uintptr) error {
	for len(fds) > 0 {
		n := min(len(fds), pollBatch)
		b := t.Scratch[:n*abi.SizeofPollFd]
		if err := copyIn(t, b, addr); err != nil {
			return err
		}
		for i := range n {
			fds[i].Unmarshal(b[i*abi.SizeofPollFd:])
		}
		fds, addr = fds[n:], addr+uintptr(len(b))
	}
	return nil
}

// storePollFds writes the descriptors back as they were, with their Revents.
func storePollFds(t *task.Task, fds []abi.PollFd, addr uintptr) error {
	for len(fds) > 0 {
		n := min(len(fds), pollBatch)
		b := t.Scratch[:n*abi.SizeofPollFd]
		for i := range n {
			fds[i].MarshalTo(b[i*abi.SizeofPollFd:])
		}
		if err := copyOut(t, addr, b); err != nil {
			return err
		}
		fds, addr = fds[n:], addr+uintptr(len(b))
	}
	return nil
}

// msDeadline turns a timeout in milliseconds into a deadline; negative is
// none.
func msDeadline(ms int32) int64 {
	if ms < 0 {
		return wait.Forever
	}
	return deadlineAfter(int64(ms) * 1e6)
}

func sysPoll(t *task.Task, a *Args) (uintptr, error) {
	return restartingPoll(t, a[0], uint32(a[1]), msDeadline(int32(a[2])))
}

// restartingPoll is poll(2), which restart_syscall(2) continues with the same
// deadline.
func restartingPoll(t *task.Task, addr uintptr, n uint32, deadline int64) (uintptr, error) {
	ready, err := pollFiles(t, addr, n, deadline)
	if err == abi.ERESTARTSYS {
		t.SetRestart(func(t *task.Task) (uintptr, error) { return restartingPoll(t, addr, n, deadline) })
		err = abi.ERESTART_RESTARTBLOCK
	}
	return ready, err
}

func sysPpoll(t *task.Task, a *Args) (uintptr, error) {
	deadline, err := loadTimeout(t, a[2])
	if err != nil {
		return 0, err
	}
	masked, err := pushMask(t, a[3], a[4])
	if err != nil {
		return 0, err
	}
	n, err := pollFiles(t, a[0], uint32(a[1]), deadline)
	err = interrupted(t, masked, err)
	return storeRemaining(t, a[2], deadline, false, n, err)
}

// pushMask sets the signal mask at addr for the length of the call, if there
// is one. interrupted must follow.
func pushMask(t *task.Task, addr, size uintptr) (masked bool, err error) {
	if addr == 0 {
		return false, nil
	}
	set, err := loadSigset(t, addr, size)
	if err != nil {
		return false, err
	}
	t.PushMask(set)
	return true, nil
}

// interrupted ends what pushMask began, and turns the error of a wait that a
// signal has ended into the one for calls that are restarted only if no
// handler runs.
func interrupted(t *task.Task, masked bool, err error) error {
	if err == abi.ERESTARTSYS {
		err = abi.ERESTARTNOHAND
	}
	if masked {
		t.PopMask(err == abi.ERESTARTNOHAND)
	}
	return err
}

// storeRemaining writes back how much of a timeout is left, as a timespec or a
// timeval, and returns n and err. A call that cannot do so is not restarted:
// it would begin with the full time.
func storeRemaining(t *task.Task, addr uintptr, deadline int64, timeval bool, n uintptr, err error) (uintptr, error) {
	if addr == 0 || deadline == wait.Forever {
		return n, err
	}
	left := max(deadline-ktime.Mono(), 0)
	var failed error
	if timeval {
		tv := abi.NsToTimeval(left)
		b := t.Scratch[:abi.SizeofTimeval]
		tv.MarshalTo(b)
		failed = copyOut(t, addr, b)
	} else {
		failed = outTimespec(t, addr, left)
	}
	if failed != nil && err == abi.ERESTARTNOHAND {
		err = abi.EINTR
	}
	return n, err
}
