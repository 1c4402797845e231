package epoll

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// exclusiveBits are what may go together with EPOLLEXCLUSIVE.
const exclusiveBits = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP |
	abi.EPOLLWAKEUP | abi.EPOLLET | abi.EPOLLEXCLUSIVE

// Ctl adds, changes or removes the watch of f, which the caller knows as
// descriptor fd, in the instance that ep is: epoll_ctl(2).
func Ctl(ep, f *vfs.File, fd, op int, ev abi.EpollEvent) error {
	if f.IsPath() || ep.IsPath() {
		return abi.EBADF
	}
	if f.WaitQueue() == nil {
		return abi.EPERM
	}
	e, err := Of(ep)
	if err != nil || ep == f {
		return abi.EINVAL
	}
	child, _ := f.Ops().(*Epoll)
	if op != abi.EPOLL_CTL_DEL && ev.Events&abi.EPOLLEXCLUSIVE != 0 {
		if op == abi.EPOLL_CTL_MOD || child != nil || ev.Events&^exclusiveBits != 0 {
			return abi.EINVAL
		}
	}
	k := key{f, fd}
	switch op {
	case abi.EPOLL_CTL_ADD:
		return e.add(k, child, ev)
	case abi.EPOLL_CTL_MOD:
		return e.modify(k, ev)
	case abi.EPOLL_CTL_DEL:
		return e.remove(k, child)
	}
	return abi.EINVAL
}

func (e *Epoll) add(k key, child *Epoll, ev abi.EpollEvent) error {
	if child != nil {
		nesting.Lock()
		defer nesting.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.items.Get(k); ok {
		return abi.EEXIST
	}
	if err := e.owner.charge(); err != nil {
		return err
	}
	if child != nil {
		if err := e.adopt(child); err != nil {
			e.owner.uncharge()
			return err
		}
	}
	it := &item{key: k, id: e.nextID, epoll: e, queue: k.file.WaitQueue(), data: ev.Data, child: child}
	e.nextID++
	it.arm(ev.Events)
	it.waiter.Callback = it.happened
	e.items.Set(k, it)
	e.order.add(it)
	e.count.Add(1)
	it.hook.Observer = it
	k.file.AddReleaseHook(&it.hook)
	it.queue.Register(&it.waiter, wait.All)
	e.check(it)
	return nil
}

func (e *Epoll) modify(k key, ev abi.EpollEvent) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	it, ok := e.items.Get(k)
	if !ok {
		return abi.ENOENT
	}
	if it.has(abi.EPOLLEXCLUSIVE) {
		return abi.EINVAL
	}
	it.arm(ev.Events)
	it.data = ev.Data
	e.check(it)
	return nil
}

// check makes an item ready if its file has an event already.
func (e *Epoll) check(it *item) {
	if it.pending() != 0 {
		e.push(it)
		e.queue.Notify(wait.Readable)
	}
}

func (e *Epoll) remove(k key, child *Epoll) error {
	if child != nil {
		nesting.Lock()
		defer nesting.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	it, ok := e.items.Get(k)
	if !ok {
		return abi.ENOENT
	}
	k.file.RemoveReleaseHook(&it.hook)
	e.drop(it)
	return nil
}
