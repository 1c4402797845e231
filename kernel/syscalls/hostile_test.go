package syscalls

import (
	"math/rand/v2"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/ktime"
	"kevlar/kernel/task"
)

// notHostile are calls that the test leaves out: they make threads that would
// have no program, jump to a frame on the stack, change what other tests need,
// or end the process at once.
var notHostile = map[uintptr]bool{
	abi.SYS_FORK: true, abi.SYS_VFORK: true, abi.SYS_CLONE: true, abi.SYS_CLONE3: true,
	abi.SYS_RT_SIGRETURN: true, abi.SYS_CLOCK_SETTIME: true, abi.SYS_SETTIMEOFDAY: true,
	abi.SYS_MOUNT: true, abi.SYS_UMOUNT2: true, abi.SYS_PIVOT_ROOT: true, abi.SYS_KILL: true,
	abi.SYS_EXIT: true, abi.SYS_EXIT_GROUP: true,
}

// onOthers are calls that the superuser could do harm to other processes with.
var onOthers = map[uintptr]bool{
	abi.SYS_TKILL: true, abi.SYS_TGKILL: true, abi.SYS_RT_SIGQUEUEINFO: true, abi.SYS_RT_TGSIGQUEUEINFO: true,
	abi.SYS_PRLIMIT64: true, abi.SYS_SETPRIORITY: true, abi.SYS_SCHED_SETSCHEDULER: true, abi.SYS_SCHED_SETPARAM: true,
	abi.SYS_SCHED_SETATTR: true, abi.SYS_SCHED_SETAFFINITY: true, abi.SYS_IOPRIO_SET: true,
}

// TestHostileArguments makes calls with arguments that no sane program has. The
// kernel must answer, and the process must be one that can be killed.
func TestHostileArguments(t *testing.T) {
	panics := task.ContainedPanics()
	run(t, func(u *user) {
		var calls []uintptr
		for nr, c := range Table {
			if c.Func != nil && !notHostile[uintptr(nr)] {
				calls = append(calls, uintptr(nr))
			}
		}
		for round := range 60 {
			rnd := rand.New(rand.NewPCG(uint64(round), 7))
			var last [7]uintptr
			child := u.fork(func(c *user) {
				pool := c.hostilePool()
				root := round%2 == 0
				if !root {
					c.sys(abi.SYS_SETRESUID, 1000, 1000, 1000)
				}
				// Calls that block are interrupted.
				c.onSignal(abi.SIGALRM, 0, func(*user, int) {})
				c.sys(abi.SYS_SETITIMER, abi.ITIMER_REAL, c.put(words64(0, 1000, 0, 1000)), 0)
				for range 300 {
					if last[0] = calls[rnd.IntN(len(calls))]; root && onOthers[last[0]] {
						continue
					}
					for i := range 6 {
						last[1+i] = pool[rnd.IntN(len(pool))]
					}
					c.syscall(last[0], last[1:]...)
				}
			})
			u.reap(child, &last)
		}
	})
	if n := task.ContainedPanics() - panics; n != 0 {
		t.Errorf("the kernel panicked %d times", n)
	}
}

// hostilePool returns arguments of all kinds.
func (u *user) hostilePool() []uintptr {
	pool := []uintptr{0, 0, 0, 1, 2, 3, 4, 5, 8, 16, 24, 64, 100, 128, 255, 4096, 65536, 1 << 20,
		1 << 31, 1<<31 - 1, 1 << 32, 1 << 47, 1 << 62, 1 << 63, ^uintptr(0), ^uintptr(1), ^uintptr(0) >> 1,
		cwd, noMemory, 0x7ffffffff000, 0xffff888000000000, notOpen}
	r, w := u.pipe()
	pool = append(pool, r, w, u.open("f", abi.O_CREAT|abi.O_RDWR), u.open(".", abi.O_RDONLY), u.open("f", abi.O_PATH),
		u.sys(abi.SYS_EPOLL_CREATE1, 0), u.sys(abi.SYS_EVENTFD2, 1, 0))
	u.syscall(abi.SYS_MKDIR, u.str("d"), 0700)
	for _, s := range []string{"f", "d", "none", ".", "..", "", "d/../f", "tmpfs"} {
		pool = append(pool, u.str(s))
	}
	for _, v := range []uint64{0, 1, 8, 1 << 40, 1 << 63, ^uint64(0)} {
		pool = append(pool, u.put(words64(v, v, v, v, v, v, v, v)))
	}
	p := u.alloc(4096)
	return append(pool, p, p+1, p+2048, u.edge(3), u.edge(100), u.edge(0))
}

// reap waits for a child, and kills it if it does not end by itself.
func (u *user) reap(child uintptr, last *[7]uintptr) {
	status := u.alloc(4)
	start := ktime.Mono()
	for killed := false; ; {
		if pid, err := u.syscall(abi.SYS_WAIT4, child, status, abi.WNOHANG, 0); err != nil || pid == child {
			return
		}
		switch d := ktime.Mono() - start; {
		case d > 30e6 && !killed:
			killed = true
			u.sys(abi.SYS_KILL, child, abi.SIGKILL)
		case d > 5e9:
			u.Fatalf("%s%#x cannot be killed", callName(last[0]), last[1:])
		}
		u.sleep(1)
	}
}
