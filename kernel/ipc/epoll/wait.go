package epoll

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// MaxEvents is the most events that a call of Wait may ask for.
const MaxEvents = (1<<31 - 1) / abi.SizeofEpollEvent

// Wait copies up to max events to the array of struct epoll_event at addr and
// returns how many; it waits for the first one until deadline, which is of
// ktime.Mono: epoll_wait(2). The errors are EINVAL, EFAULT and ERESTARTSYS.
func (e *Epoll) Wait(c vfs.Caller, addr uintptr, max int, deadline int64) (int, error) {
	if max <= 0 || max > MaxEvents {
		return 0, abi.EINVAL
	}
	n, err := e.harvest(c, addr, max)
	if n > 0 || err != nil || deadline != wait.Forever && deadline <= ktime.Mono() {
		return n, err
	}
	err = c.Sleeper().Await(&e.queue, wait.Readable, deadline, func() (err error) {
		if n, err = e.harvest(c, addr, max); n == 0 && err == nil {
			return abi.EAGAIN
		}
		return err
	})
	if err == abi.ETIMEDOUT {
		err = nil
	}
	return n, err
}

// harvest copies out what the ready list holds. An item that is watched for a
// level stays in the list as long as its file has events.
func (e *Epoll) harvest(c vfs.Caller, addr uintptr, max int) (n int, err error) {
	left := e.readyLen()
	if left == 0 {
		return 0, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for ; left > 0 && n < max; left-- {
		it := e.pop()
		if it == nil {
			break
		}
		ev := it.pending()
		if ev == 0 {
			continue
		}
		out := abi.EpollEvent{Events: uint32(ev), Data: it.data}
		out.MarshalTo(e.scratch[:])
		if _, err = c.CopyOut(addr+uintptr(n*abi.SizeofEpollEvent), e.scratch[:]); err != nil {
			e.push(it)
			break
		}
		n++
		switch {
		case it.has(abi.EPOLLONESHOT):
			it.events.And(modeBits)
		case !it.has(abi.EPOLLET):
			e.push(it)
		}
	}
	if n > 0 {
		return n, nil
	}
	return 0, err
}
