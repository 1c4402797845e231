package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
)

func (u *user) pipe() (r, w uintptr) {
	u.Helper()
	p := u.alloc(8)
	u.sys(abi.SYS_PIPE, p)
	return uintptr(u.uint32(p)), uintptr(u.uint32(p + 4))
}

func pollfd(fd uintptr, events uint32) []byte { return words32(uint32(fd), events) }

func TestPoll(t *testing.T) {
	run(t, func(u *user) {
		r, w := u.pipe()
		fds := u.put(append(append(pollfd(r, abi.POLLIN), pollfd(w, abi.POLLOUT)...),
			append(pollfd(notOpen, 0), pollfd(^uintptr(0), abi.POLLIN)...)...))
		u.is(2, abi.SYS_POLL, fds, 4, ^uintptr(0))
		for i, want := range []uint32{0, abi.POLLOUT, abi.POLLNVAL, 0} {
			if got := u.uint32(fds+uintptr(8*i)+4) >> 16; got != want {
				u.Errorf("revents %d: %#x, want %#x", i, got, want)
			}
		}
		start := ktime.Mono()
		u.is(0, abi.SYS_POLL, fds, 1, 5)
		if d := ktime.Mono() - start; d < 5e6 {
			u.Errorf("waited %d ns, want 5 ms", d)
		}
		place := u.open(".", abi.O_PATH)
		u.is(1, abi.SYS_POLL, u.put(pollfd(place, abi.POLLIN)), 1, 0)
		u.fails(abi.EBADF, abi.SYS_SELECT, place+1, u.put(words64(1<<place)), 0, 0, 0)
		u.is(0, abi.SYS_POLL, 0, 0, 0)
		u.fails(abi.EFAULT, abi.SYS_POLL, noMemory, 1, 0)
		u.fails(abi.EINVAL, abi.SYS_POLL, fds, 1<<31, 0)

		child := u.fork(func(c *user) {
			c.sleep(10)
			c.is(1, abi.SYS_WRITE, w, fds, 1)
		})
		u.is(1, abi.SYS_POLL, fds, 1, ^uintptr(0))
		u.wait(child)

		// Two batches of descriptors.
		var many []byte
		for range 100 {
			many = append(many, pollfd(r, abi.POLLIN)...)
		}
		p := u.put(many)
		u.is(100, abi.SYS_POLL, p, 100, 0)
		if got := u.uint32(p+99*8+4) >> 16; got != abi.POLLIN {
			u.Errorf("the last of 100 descriptors has %#x", got)
		}
	})
}

func TestPpollTimesAndMasks(t *testing.T) {
	run(t, func(u *user) {
		r, _ := u.pipe()
		fds := u.put(pollfd(r, abi.POLLIN))
		ts := u.put(words64(0, 3e6))
		u.is(0, abi.SYS_PPOLL, fds, 1, ts, 0, 0)
		if left := u.timespec(ts); left != 0 {
			u.Errorf("%d ns left of a timeout that has passed", left)
		}
		u.fails(abi.EINVAL, abi.SYS_PPOLL, fds, 1, u.put(words64(0, 1e9)), 0, 0)

		pid := u.sys(abi.SYS_GETPID)
		hits := 0
		u.onSignal(abi.SIGUSR1, abi.SA_RESTART, func(*user, int) { hits++ })
		usr1 := u.put(words64(1 << (abi.SIGUSR1 - 1)))
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_BLOCK, usr1, 0, 8)
		u.sys(abi.SYS_KILL, pid, abi.SIGUSR1)
		u.is(0, abi.SYS_PPOLL, fds, 1, u.put(words64(0, 1e6)), 0, 0)
		if hits != 0 {
			u.Errorf("a blocked signal was delivered")
		}
		ts = u.put(words64(1000, 0))
		u.fails(abi.EINTR, abi.SYS_PPOLL, fds, 1, ts, u.put(words64(0)), 8)
		if left := u.timespec(ts); hits != 1 || left < 900e9 || left >= 1000e9 {
			u.Errorf("%d signals, %d ns left", hits, left)
		}
		mask := u.alloc(8)
		u.sys(abi.SYS_RT_SIGPROCMASK, 0, 0, mask, 8)
		if got := u.uint64(mask); got != 1<<(abi.SIGUSR1-1) {
			u.Errorf("mask afterwards %#x", got)
		}
		u.fails(abi.EINVAL, abi.SYS_PPOLL, fds, 1, ts, mask, 4)
	})
}

func TestSelect(t *testing.T) {
	run(t, func(u *user) {
		r, w := u.pipe()
		in := u.put(words64(1<<r, 0xaaaa))
		out := u.put(words64(1 << w))
		u.is(1, abi.SYS_SELECT, w+1, in, out, 0, 0)
		if a, b := u.uint64(in), u.uint64(out); a != 0 || b != 1<<w {
			u.Errorf("sets %#x %#x", a, b)
		}
		if got := u.uint64(in + 8); got != 0xaaaa {
			u.Errorf("behind the set stands %#x", got)
		}
		u.poke(in, words64(1<<r))
		tv := u.put(words64(0, 3000))
		u.is(0, abi.SYS_SELECT, 64, in, 0, 0, tv)
		if a, b := u.uint64(in), u.uint64(tv+8); a != 0 || b != 0 {
			u.Errorf("after the timeout: set %#x, %d µs left", a, b)
		}
		u.poke(in, words64(1<<60))
		u.fails(abi.EBADF, abi.SYS_SELECT, 64, in, 0, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_SELECT, ^uintptr(0), 0, 0, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_SELECT, 0, 0, 0, 0, u.put(words64(1<<63, 0)))
		u.fails(abi.EFAULT, abi.SYS_SELECT, 1, noMemory, 0, 0, 0)
		u.is(0, abi.SYS_SELECT, 0, 0, 0, 0, u.put(words64(0, 1000)))
		u.poke(in, words64(1<<r))
		u.is(0, abi.SYS_PSELECT6, 64, in, 0, 0, u.put(words64(0, 1e6)), u.put(words64(0, 8)))
		u.fails(abi.EFAULT, abi.SYS_PSELECT6, 64, in, 0, 0, 0, noMemory)
	})
}

func TestEpollAndEventfd(t *testing.T) {
	run(t, func(u *user) {
		ep := u.sys(abi.SYS_EPOLL_CREATE1, abi.EPOLL_CLOEXEC)
		ev := u.sys(abi.SYS_EVENTFD2, 0, abi.EFD_NONBLOCK)
		add := u.put(append(words32(abi.EPOLLIN), words64(0x1234567890)...))
		u.sys(abi.SYS_EPOLL_CTL, ep, abi.EPOLL_CTL_ADD, ev, add)
		u.fails(abi.EEXIST, abi.SYS_EPOLL_CTL, ep, abi.EPOLL_CTL_ADD, ev, add)
		out := u.alloc(64)
		u.is(0, abi.SYS_EPOLL_WAIT, ep, out, 4, 1)
		p := u.alloc(8)
		u.fails(abi.EAGAIN, abi.SYS_READ, ev, p, 8)
		u.is(8, abi.SYS_WRITE, ev, u.put(words64(3)), 8)
		u.is(1, abi.SYS_EPOLL_WAIT, ep, out, 4, ^uintptr(0))
		if events, data := u.uint32(out), u.uint64(out+4); events != abi.EPOLLIN || data != 0x1234567890 {
			u.Errorf("event %#x with data %#x", events, data)
		}
		u.is(8, abi.SYS_READ, ev, p, 8)
		if got := u.uint64(p); got != 3 {
			u.Errorf("count %d", got)
		}
		u.is(0, abi.SYS_EPOLL_PWAIT2, ep, out, 4, u.put(words64(0, 1e6)), 0, 8)
		u.fails(abi.EINVAL, abi.SYS_EPOLL_WAIT, ep, out, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_EPOLL_WAIT, ev, out, 1, 0)
		u.fails(abi.EBADF, abi.SYS_EPOLL_CTL, ep, abi.EPOLL_CTL_ADD, notOpen, add)
		u.fails(abi.EFAULT, abi.SYS_EPOLL_CTL, ep, abi.EPOLL_CTL_MOD, ev, noMemory)
		u.sys(abi.SYS_EPOLL_CTL, ep, abi.EPOLL_CTL_DEL, ev, 0)
		u.fails(abi.EINVAL, abi.SYS_EPOLL_CREATE, 0)
		u.fails(abi.EINVAL, abi.SYS_EPOLL_CREATE1, 1)
		u.fails(abi.EINVAL, abi.SYS_EVENTFD2, 0, 4)

		hits := 0
		u.onSignal(abi.SIGUSR1, abi.SA_RESTART, func(*user, int) { hits++ })
		u.signalled(abi.SIGUSR1, func() {
			u.fails(abi.EINTR, abi.SYS_EPOLL_PWAIT, ep, out, 1, ^uintptr(0), u.put(words64(0)), 8)
		})
		if hits == 0 {
			u.Error("no signal")
		}
	})
}
