package syscalls

import (
	"testing"

	"kevlar/kernel/abi"
)

// TestHotCallsAllocateNothing makes the calls on the test's goroutine while the
// thread's own waits for it.
func TestHotCallsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		r, w := u.pipe()
		buf := u.alloc(4096)
		var args Args
		name := u.str("f")
		iov := u.put(words64(uint64(buf), 100, uint64(buf), 100))
		fds := u.put(append(pollfd(r, abi.POLLIN), pollfd(w, abi.POLLOUT)...))
		for _, c := range []struct {
			max  float64
			nr   uintptr
			args Args
		}{
			{0, abi.SYS_GETPID, Args{}},
			{0, abi.SYS_GETUID, Args{}},
			{0, abi.SYS_CLOCK_GETTIME, Args{abi.CLOCK_MONOTONIC, buf}},
			{0, abi.SYS_GETTIMEOFDAY, Args{buf}},
			{0, abi.SYS_LSEEK, Args{fd, 0, abi.SEEK_SET}},
			{0, abi.SYS_FSTAT, Args{fd, buf}},
			{0, abi.SYS_PWRITE64, Args{fd, buf, 4096, 0}},
			{0, abi.SYS_PREAD64, Args{fd, buf, 4096, 0}},
			{0, abi.SYS_READ, Args{fd, buf, 10}},
			{0, abi.SYS_PREADV, Args{fd, iov, 2, 0}},
			{0, abi.SYS_FCNTL, Args{fd, abi.F_GETFL}},
			{0, abi.SYS_RT_SIGPROCMASK, Args{abi.SIG_BLOCK, 0, buf, 8}},
			{0, abi.SYS_FUTEX, Args{buf + 8, abi.FUTEX_WAKE | abi.FUTEX_PRIVATE_FLAG, 1}},
			{0, abi.SYS_BRK, Args{}},
			{1, abi.SYS_STAT, Args{name, buf}}, // the path
			{1, abi.SYS_POLL, Args{fds, 2, 0}},
		} {
			do := func() {
				args = c.args
				if _, err := Table[c.nr].Func(u.task, &args); err != nil {
					u.Errorf("%s: %v", callName(c.nr), err)
				}
			}
			do()
			if n := testing.AllocsPerRun(100, do); n > c.max {
				u.Errorf("%s: %v allocations, want at most %v", callName(c.nr), n, c.max)
			}
		}
		pipe := func() {
			args = Args{w, buf, 100}
			Table[abi.SYS_WRITE].Func(u.task, &args)
			args = Args{r, buf, 100}
			Table[abi.SYS_READ].Func(u.task, &args)
		}
		pipe()
		if n := testing.AllocsPerRun(100, pipe); n > 0 {
			u.Errorf("a write to a pipe and a read: %v allocations", n)
		}
		open := func() {
			args = Args{cwd, name, abi.O_RDONLY}
			n, _ := Table[abi.SYS_OPENAT].Func(u.task, &args)
			args = Args{n}
			Table[abi.SYS_CLOSE].Func(u.task, &args)
		}
		open()
		if n := testing.AllocsPerRun(100, open); n > 2 { // the path and the open file
			u.Errorf("open and close: %v allocations", n)
		}
	})
}
