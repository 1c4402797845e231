package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
)

// TestTablesOfCallsAreCharged makes calls with large tables: what they hold is
// charged while they wait, and given back however they end.
func TestTablesOfCallsAreCharged(t *testing.T) {
	run(t, func(u *user) {
		const n = 1000
		r, w := u.pipe()
		fds := make([]byte, n*abi.SizeofPollFd)
		for i := range n {
			p := abi.PollFd{FD: int32(r), Events: abi.POLLIN}
			p.MarshalTo(fds[i*abi.SizeofPollFd:])
		}
		poll := u.put(fds)
		vectors := make([]uint64, 0, 2*n)
		one := u.alloc(8)
		for range n {
			vectors = append(vectors, uint64(one), 1)
		}
		iov := u.put(words64(vectors...))
		u.sys(abi.SYS_DUP2, r, 900)
		set := u.alloc(128)
		u.poke(set+900/8, []byte{1 << (900 % 8)})
		none := u.put(words64(0, 0))
		regular := u.open("f", abi.O_CREAT|abi.O_RDWR)
		u.sys(abi.SYS_GETPID)

		before := kmem.Machine.Used()
		left := func(what string) {
			u.Helper()
			if n := kmem.Machine.Used() - before; n != 0 {
				u.Errorf("%s: %d bytes are left charged", what, n)
			}
		}
		// while waits for a call that another process ends, and returns what was
		// charged meanwhile.
		var charged int64
		during := func(nr uintptr, args ...uintptr) {
			u.Helper()
			charged = 0
			child := u.fork(func(c *user) {
				c.sleep(30)
				charged = kmem.Machine.Used() - before
				c.sys(abi.SYS_WRITE, w, one, 1)
			})
			u.sys(nr, args...)
			u.wait(child)
			u.sys(abi.SYS_READ, r, one, 1)
		}
		during(abi.SYS_POLL, poll, n, ^uintptr(0))
		if charged < n*(abi.SizeofPollFd+64) {
			u.Errorf("poll of %d descriptors: %d bytes are charged", n, charged)
		}
		left("poll")
		u.is(0, abi.SYS_POLL, poll, n, 0)
		u.fails(abi.EFAULT, abi.SYS_POLL, noMemory, n, 0)
		left("poll that fails")
		during(abi.SYS_SELECT, 1000, set, 0, 0, 0)
		left("select")
		u.poke(set, []byte{255})
		u.fails(abi.EBADF, abi.SYS_SELECT, 1000, set, 0, 0, none)
		left("select that fails")
		u.is(n, abi.SYS_WRITEV, regular, iov, n)
		u.fails(abi.EFAULT, abi.SYS_READV, regular, noMemory, n)
		u.is(0, abi.SYS_READV, regular, iov, n)
		u.is(1, abi.SYS_WRITEV, w, iov, 1)
		u.is(1, abi.SYS_READV, r, iov, n)
		left("vectors")
	})
}
