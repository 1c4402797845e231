package syscalls

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

func TestForkAndWait(t *testing.T) {
	run(t, func(u *user) {
		pid := u.sys(abi.SYS_GETPID)
		child := u.fork(func(c *user) {
			c.is(pid, abi.SYS_GETPPID)
			c.sys(abi.SYS_EXIT_GROUP, 0x107)
		})
		if s := u.wait(child); s != 7<<8 {
			u.Errorf("status %#x, want 7 in the second byte", s)
		}
		u.fails(abi.ECHILD, abi.SYS_WAIT4, ^uintptr(0), 0, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_WAIT4, ^uintptr(0), 0, 0x100, 0)
		u.fails(abi.ESRCH, abi.SYS_WAIT4, 0x80000000, 0, 0, 0)

		child = u.fork(func(c *user) { c.sys(abi.SYS_PAUSE) })
		status := u.put(words32(77))
		u.is(0, abi.SYS_WAIT4, child, status, abi.WNOHANG, 0)
		if got := u.uint32(status); got != 77 {
			u.Errorf("WNOHANG without news wrote %#x", got)
		}
		u.sys(abi.SYS_KILL, child, abi.SIGTERM)
		ru := u.alloc(abi.SizeofRusage)
		u.is(child, abi.SYS_WAIT4, ^uintptr(0), status, 0, ru)
		if got := u.uint32(status); got != abi.SIGTERM {
			u.Errorf("status %#x, want SIGTERM", got)
		}
	})
}

func TestWaitid(t *testing.T) {
	run(t, func(u *user) {
		child := u.fork(func(c *user) { c.sys(abi.SYS_EXIT_GROUP, 9) })
		guard := strings.Repeat("\xaa", abi.SizeofSiginfo)
		p := u.put([]byte(guard))
		u.is(0, abi.SYS_WAITID, abi.P_PID, child, p, abi.WEXITED|abi.WNOWAIT, 0)
		u.is(0, abi.SYS_WAITID, abi.P_ALL, 0, p, abi.WEXITED, 0)
		var info abi.Siginfo
		info.Unmarshal(u.get(p, abi.SizeofSiginfo))
		if info.Signo != abi.SIGCHLD || info.Code != abi.CLD_EXITED || uintptr(info.PID()) != child || info.Status() != 9 {
			u.Errorf("siginfo %+v", info)
		}
		if got := u.get(p+28, 100); string(got) != guard[28:] {
			u.Errorf("behind si_status stands %x", got)
		}
		u.fails(abi.ECHILD, abi.SYS_WAITID, abi.P_ALL, 0, p, abi.WEXITED, 0)
		for _, c := range []struct {
			idtype, id, options uintptr
			err                 abi.Errno
		}{
			{9, 0, abi.WEXITED, abi.EINVAL},
			{abi.P_ALL, 0, 0, abi.EINVAL},
			{abi.P_ALL, 0, abi.WNOHANG, abi.EINVAL},
			{abi.P_PID, 0, abi.WEXITED, abi.EINVAL},
			{abi.P_PGID, ^uintptr(0), abi.WEXITED, abi.EINVAL},
			{abi.P_PIDFD, 0, abi.WEXITED, abi.EBADF},
		} {
			u.fails(c.err, abi.SYS_WAITID, c.idtype, c.id, 0, c.options, 0)
		}
	})
}

func TestThreadsShareAndFutexesWake(t *testing.T) {
	run(t, func(u *user) {
		word := u.put(words32(0, 0))
		const thread = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD |
			abi.CLONE_PARENT_SETTID | abi.CLONE_CHILD_CLEARTID
		pid := u.sys(abi.SYS_GETPID)
		stack := u.alloc(64) + 64
		tid := u.clone(thread, func(c *user) {
			c.is(pid, abi.SYS_GETPID)
			c.sleep(20)
			c.poke(word, words32(1))
			c.is(1, abi.SYS_FUTEX, word, abi.FUTEX_WAKE|abi.FUTEX_PRIVATE_FLAG, 100)
			c.sys(abi.SYS_EXIT, 0)
		}, stack, word+4, word+4)
		if got := u.uint32(word + 4); got != uint32(tid) && got != 0 {
			u.Errorf("the parent sees TID %d, clone said %d", got, tid)
		}
		u.is(0, abi.SYS_FUTEX, word, abi.FUTEX_WAIT|abi.FUTEX_PRIVATE_FLAG, 0, 0)
		u.fails(abi.EAGAIN, abi.SYS_FUTEX, word, abi.FUTEX_WAIT, 0, 0)
		for u.uint32(word+4) != 0 { // cleared and woken when the thread ends
			u.syscall(abi.SYS_FUTEX, word+4, abi.FUTEX_WAIT, tid, u.put(words64(0, 1e7)))
		}

		short := u.put(words64(0, 1e6))
		u.fails(abi.ETIMEDOUT, abi.SYS_FUTEX, word, abi.FUTEX_WAIT, 1, short)
		u.fails(abi.ETIMEDOUT, abi.SYS_FUTEX, word, abi.FUTEX_WAIT_BITSET, 1, short, 0, abi.FUTEX_BITSET_MATCH_ANY) // long ago
		u.fails(abi.ETIMEDOUT, abi.SYS_FUTEX, word, abi.FUTEX_WAIT_BITSET|abi.FUTEX_CLOCK_REALTIME, 1, short, 0, 1)
		u.fails(abi.EINVAL, abi.SYS_FUTEX, word, abi.FUTEX_WAIT, 1, u.put(words64(0, 1e9)))
		u.fails(abi.EINVAL, abi.SYS_FUTEX, word, abi.FUTEX_WAIT_BITSET, 1, short, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_FUTEX, word+1, abi.FUTEX_WAKE, 1)
		u.fails(abi.EFAULT, abi.SYS_FUTEX, noMemory, abi.FUTEX_WAIT, 1, 0)
		u.fails(abi.ENOSYS, abi.SYS_FUTEX, word, abi.FUTEX_LOCK_PI, 0, 0)
		u.fails(abi.ENOSYS, abi.SYS_FUTEX, word, abi.FUTEX_WAKE|abi.FUTEX_CLOCK_REALTIME, 1)
		u.fails(abi.EINVAL, abi.SYS_FUTEX, word, abi.FUTEX_REQUEUE, ^uintptr(0)>>32, 1, word+4)

		u.is(u.sys(abi.SYS_GETTID), abi.SYS_SET_TID_ADDRESS, 0)
	})
}

func TestClone3(t *testing.T) {
	run(t, func(u *user) {
		bad := func(err abi.Errno, size uintptr, fields ...uint64) {
			u.Helper()
			u.fails(err, abi.SYS_CLONE3, u.put(append(words64(fields...), make([]byte, 256)...)), size)
		}
		bad(abi.EINVAL, 56)
		bad(abi.E2BIG, 5000)
		bad(abi.EINVAL, 64, abi.CLONE_DETACHED)
		bad(abi.EINVAL, 64, abi.CSIGNAL)
		bad(abi.EINVAL, 64, 0, 0, 0, 0, 65)
		bad(abi.EINVAL, 64, 0, 0, 0, 0, 17, 4096, 0)
		bad(abi.EINVAL, 64, 0, 0, 0, 0, 17, 0, 4096)
		bad(abi.EINVAL, 64, abi.CLONE_THREAD, 0, 0, 0, 17)
		bad(abi.EINVAL, 64, abi.CLONE_NEWUSER, 0, 0, 0, 17)
		bad(abi.EINVAL, 88, 0, 0, 0, 0, 17, 0, 0, 0, 1, 1)
		u.fails(abi.EFAULT, abi.SYS_CLONE3, noMemory, 64)
	})
}

func TestExecErrors(t *testing.T) {
	run(t, func(u *user) {
		u.fails(abi.ENOENT, abi.SYS_EXECVE, u.str("none"), 0, 0)
		u.fails(abi.ENOENT, abi.SYS_EXECVE, u.str(""), 0, 0)
		u.fails(abi.EFAULT, abi.SYS_EXECVE, noMemory, 0, 0)
		u.writeFile("text", "not a program")
		u.fails(abi.EACCES, abi.SYS_EXECVE, u.str("text"), 0, 0)
		u.sys(abi.SYS_CHMOD, u.str("text"), 0755)
		u.fails(abi.ENOEXEC, abi.SYS_EXECVE, u.str("text"), 0, 0)
		u.fails(abi.EACCES, abi.SYS_EXECVE, u.str("."), 0, 0)
		u.fails(abi.EFAULT, abi.SYS_EXECVE, u.str("/init"), noMemory, 0)
		u.fails(abi.EINVAL, abi.SYS_EXECVEAT, cwd, u.str("text"), 0, 0, 1)
		u.fails(abi.ENOENT, abi.SYS_EXECVEAT, cwd, u.str(""), 0, 0, 0)
	})
}

func TestIDs(t *testing.T) {
	run(t, func(u *user) {
		pid := u.sys(abi.SYS_GETPID)
		u.is(pid, abi.SYS_GETTID)
		u.sys(abi.SYS_SETPGID, 0, 0)
		u.is(pid, abi.SYS_GETPGRP)
		u.is(pid, abi.SYS_GETPGID, 0)
		u.fails(abi.EINVAL, abi.SYS_SETPGID, 0, ^uintptr(0))
		u.fails(abi.ESRCH, abi.SYS_GETPGID, 30000)
		u.fails(abi.EPERM, abi.SYS_SETSID)
		u.wait(u.fork(func(c *user) {
			own := c.sys(abi.SYS_GETPID)
			c.is(own, abi.SYS_SETSID)
			c.is(own, abi.SYS_GETSID, 0)
		}))

		u.is(0, abi.SYS_GETUID)
		p := u.put(words32(1, 2, 3))
		u.sys(abi.SYS_SETGROUPS, 3, p)
		u.is(3, abi.SYS_GETGROUPS, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_GETGROUPS, 2, p)
		u.fails(abi.EINVAL, abi.SYS_GETGROUPS, ^uintptr(0), p)
		u.is(3, abi.SYS_GETGROUPS, 10, p)
		u.fails(abi.EINVAL, abi.SYS_SETGROUPS, 65537, p)
		u.fails(abi.EFAULT, abi.SYS_SETGROUPS, 1, noMemory)
		u.sys(abi.SYS_SETRESGID, 10, 11, 12)
		u.sys(abi.SYS_SETRESUID, 20, 21, ^uintptr(0))
		u.is(20, abi.SYS_GETUID)
		u.is(21, abi.SYS_GETEUID)
		u.is(10, abi.SYS_GETGID)
		u.is(11, abi.SYS_GETEGID)
		u.sys(abi.SYS_GETRESUID, p, p+4, p+8)
		if a, b, c := u.uint32(p), u.uint32(p+4), u.uint32(p+8); a != 20 || b != 21 || c != 0 {
			u.Errorf("user IDs %d %d %d", a, b, c)
		}
		u.fails(abi.EPERM, abi.SYS_SETGROUPS, 0, p)
		u.fails(abi.EPERM, abi.SYS_SETRESUID, 99, ^uintptr(0), ^uintptr(0))
		u.is(21, abi.SYS_SETFSUID, 20)
		u.is(20, abi.SYS_SETFSUID, ^uintptr(0))
		u.fails(abi.EPERM, abi.SYS_CHROOT, u.str("/"))
		u.fails(abi.EPERM, abi.SYS_SETHOSTNAME, u.str("x"), 1)
		u.fails(abi.EPERM, abi.SYS_REBOOT, 0, 0, 0, 0)
		u.fails(abi.EPERM, abi.SYS_MOUNT, 0, u.str("/"), u.str("tmpfs"), 0, 0)
		u.fails(abi.EPERM, abi.SYS_CLOCK_SETTIME, abi.CLOCK_REALTIME, u.put(words64(1e9, 0)))
		u.sys(abi.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0)) // the saved one
	})
}

func TestCapabilities(t *testing.T) {
	run(t, func(u *user) {
		header := u.put(words32(abi.LINUX_CAPABILITY_VERSION_3, 0))
		data := u.alloc(24)
		u.sys(abi.SYS_CAPGET, header, data)
		if eff, high := u.uint32(data), u.uint32(data+12); eff != ^uint32(0) || high != 1<<(abi.CAP_LAST_CAP-31)-1 {
			u.Errorf("effective %#x %#x", eff, high)
		}
		u.poke(data, words32(1<<abi.CAP_KILL, 1<<abi.CAP_KILL, 0, 0, 0, 0))
		u.sys(abi.SYS_CAPSET, header, data)
		u.fails(abi.EPERM, abi.SYS_CHROOT, u.str("/"))
		u.poke(data, words32(^uint32(0), ^uint32(0), 0, 0, 0, 0))
		u.fails(abi.EPERM, abi.SYS_CAPSET, header, data)
		old := u.put(words32(1, 0))
		u.is(0, abi.SYS_CAPGET, old, 0)
		if v := u.uint32(old); v != abi.LINUX_CAPABILITY_VERSION_3 {
			u.Errorf("preferred version %#x", v)
		}
		u.poke(old, words32(1, 0))
		u.fails(abi.EINVAL, abi.SYS_CAPGET, old, data)
		u.fails(abi.ESRCH, abi.SYS_CAPGET, u.put(words32(abi.LINUX_CAPABILITY_VERSION_3, 30000)), data)
	})
}

func TestPrctl(t *testing.T) {
	run(t, func(u *user) {
		name := u.put([]byte("a name longer than it may be\x00"))
		u.sys(abi.SYS_PRCTL, abi.PR_SET_NAME, name)
		p := u.alloc(32)
		u.sys(abi.SYS_PRCTL, abi.PR_GET_NAME, p)
		if got := string(u.get(p, 17)); got != "a name longer t\x00\x00" {
			u.Errorf("name %q", got)
		}
		u.sys(abi.SYS_PRCTL, abi.PR_SET_PDEATHSIG, abi.SIGHUP)
		u.sys(abi.SYS_PRCTL, abi.PR_GET_PDEATHSIG, p)
		if got := u.uint32(p); got != abi.SIGHUP {
			u.Errorf("parent-death signal %d", got)
		}
		u.fails(abi.EINVAL, abi.SYS_PRCTL, abi.PR_SET_PDEATHSIG, 65)
		u.is(1, abi.SYS_PRCTL, abi.PR_GET_DUMPABLE)
		u.sys(abi.SYS_PRCTL, abi.PR_SET_DUMPABLE, 0)
		u.is(0, abi.SYS_PRCTL, abi.PR_GET_DUMPABLE)
		u.fails(abi.EINVAL, abi.SYS_PRCTL, abi.PR_SET_DUMPABLE, 2)
		u.is(1, abi.SYS_PRCTL, abi.PR_CAPBSET_READ, abi.CAP_KILL)
		u.sys(abi.SYS_PRCTL, abi.PR_CAPBSET_DROP, abi.CAP_KILL)
		u.is(0, abi.SYS_PRCTL, abi.PR_CAPBSET_READ, abi.CAP_KILL)
		u.fails(abi.EINVAL, abi.SYS_PRCTL, abi.PR_CAPBSET_READ, 100)
		u.is(0, abi.SYS_PRCTL, abi.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_PRCTL, abi.PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0)
		u.sys(abi.SYS_PRCTL, abi.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		u.is(1, abi.SYS_PRCTL, abi.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		u.is(50000, abi.SYS_PRCTL, abi.PR_GET_TIMERSLACK)
		u.fails(abi.EINVAL, abi.SYS_PRCTL, 12345)

		u.sys(abi.SYS_ARCH_PRCTL, abi.ARCH_SET_FS, 0x123000)
		u.sys(abi.SYS_ARCH_PRCTL, abi.ARCH_GET_FS, p)
		if got := u.uint64(p); got != 0x123000 {
			u.Errorf("FS base %#x", got)
		}
		u.fails(abi.EPERM, abi.SYS_ARCH_PRCTL, abi.ARCH_SET_GS, 1<<63)
		u.fails(abi.EINVAL, abi.SYS_ARCH_PRCTL, abi.ARCH_CET_STATUS, p)
	})
}

func TestLimitsAndUsage(t *testing.T) {
	run(t, func(u *user) {
		p := u.alloc(abi.SizeofRusage)
		u.sys(abi.SYS_PRLIMIT64, 0, abi.RLIMIT_NOFILE, u.put(words64(20, 30)), p)
		if a, b := u.uint64(p), u.uint64(p+8); a != 1024 || b != 4096 {
			u.Errorf("former limits %d %d", a, b)
		}
		u.sys(abi.SYS_GETRLIMIT, abi.RLIMIT_NOFILE, p)
		if a, b := u.uint64(p), u.uint64(p+8); a != 20 || b != 30 {
			u.Errorf("limits %d %d", a, b)
		}
		u.fails(abi.EBADF, abi.SYS_DUP2, 99, 1)
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		u.fails(abi.EBADF, abi.SYS_DUP2, fd, 20)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_DUPFD, 20)
		u.fails(abi.EINVAL, abi.SYS_SETRLIMIT, abi.RLIMIT_NOFILE, u.put(words64(31, 30)))
		u.fails(abi.EINVAL, abi.SYS_GETRLIMIT, 16, p)
		u.fails(abi.ESRCH, abi.SYS_PRLIMIT64, 30000, 0, 0, p)
		u.sys(abi.SYS_GETRUSAGE, abi.RUSAGE_SELF, p)
		if rss := u.uint64(p + 32); rss == 0 {
			u.Errorf("no resident memory")
		}
		u.fails(abi.EINVAL, abi.SYS_GETRUSAGE, 2, p)
		u.sys(abi.SYS_TIMES, p)
		u.fails(abi.EFAULT, abi.SYS_TIMES, noMemory)

		u.is(20, abi.SYS_GETPRIORITY, abi.PRIO_PROCESS, 0)
		u.sys(abi.SYS_SETPRIORITY, abi.PRIO_PROCESS, 0, 100)
		u.is(1, abi.SYS_GETPRIORITY, abi.PRIO_PROCESS, 0)
		u.fails(abi.EINVAL, abi.SYS_GETPRIORITY, 9, 0)
		u.is(8, abi.SYS_SCHED_GETAFFINITY, 0, 128, p)
		if got := u.uint64(p); got != 1 {
			u.Errorf("affinity %#x", got)
		}
		u.fails(abi.EINVAL, abi.SYS_SCHED_GETAFFINITY, 0, 7, p)
		u.fails(abi.EINVAL, abi.SYS_SCHED_SETAFFINITY, 0, 8, u.put(words64(2)))
		u.sys(abi.SYS_SCHED_SETAFFINITY, 0, 128, u.put(append(words64(1), make([]byte, 120)...)))
		u.is(0, abi.SYS_SCHED_GETSCHEDULER, 0)
		u.is(99, abi.SYS_SCHED_GET_PRIORITY_MAX, abi.SCHED_FIFO)
		u.fails(abi.EINVAL, abi.SYS_SCHED_GET_PRIORITY_MIN, 50)
		u.sys(abi.SYS_SCHED_SETSCHEDULER, 0, abi.SCHED_BATCH, u.put(words32(0)))
		u.is(abi.SCHED_BATCH, abi.SYS_SCHED_GETSCHEDULER, 0)
		u.sys(abi.SYS_SCHED_GETATTR, 0, p, 48, 0)
		if size, policy := u.uint32(p), u.uint32(p+4); size != 48 || policy != abi.SCHED_BATCH {
			u.Errorf("sched_attr: size %d, policy %d", size, policy)
		}
		u.is(0, abi.SYS_IOPRIO_GET, 1, 0)
		u.sys(abi.SYS_IOPRIO_SET, 1, 0, 3<<13|7)
		u.is(3<<13|7, abi.SYS_IOPRIO_GET, 1, 0)
		u.fails(abi.EINVAL, abi.SYS_IOPRIO_SET, 1, 0, 2<<13|8)
		u.fails(abi.EINVAL, abi.SYS_IOPRIO_SET, 1, 0, 4<<13)
		u.fails(abi.EINVAL, abi.SYS_IOPRIO_SET, 1, 0, 1)
		u.fails(abi.EINVAL, abi.SYS_IOPRIO_GET, 0, 0)
		u.fails(abi.ESRCH, abi.SYS_IOPRIO_GET, 1, 30000)
		u.sys(abi.SYS_SCHED_YIELD)
		u.sys(abi.SYS_GETCPU, p, p+4, 0)
		u.sys(abi.SYS_SET_ROBUST_LIST, p, 24)
		u.fails(abi.EINVAL, abi.SYS_SET_ROBUST_LIST, p, 23)
		u.sys(abi.SYS_GET_ROBUST_LIST, 0, p, p+8)
		if head, size := u.uint64(p), u.uint64(p+8); uintptr(head) != p || size != 24 {
			u.Errorf("robust list %#x, %d", head, size)
		}
	})
}

func TestSystemNames(t *testing.T) {
	run(t, func(u *user) {
		p := u.alloc(abi.SizeofUtsname)
		u.sys(abi.SYS_SETHOSTNAME, u.str("kevlar-test"), 6)
		u.sys(abi.SYS_UNAME, p)
		b := u.get(p, abi.SizeofUtsname)
		field := func(i int) string {
			s, _, _ := strings.Cut(string(b[i*abi.UTSLen:(i+1)*abi.UTSLen]), "\x00")
			return s
		}
		if field(0) != "Linux" || field(1) != "kevlar" || !strings.HasPrefix(field(2), "6.") || field(4) != "x86_64" {
			u.Errorf("uname %q %q %q %q", field(0), field(1), field(2), field(4))
		}
		u.fails(abi.EINVAL, abi.SYS_SETHOSTNAME, u.str("x"), 65)
		u.fails(abi.EINVAL, abi.SYS_SETDOMAINNAME, u.str("x"), ^uintptr(0))
		u.fails(abi.EFAULT, abi.SYS_UNAME, noMemory)
		u.is(0, abi.SYS_PERSONALITY, 8)
		u.sys(abi.SYS_UNAME, p)
		if got := string(u.get(p+4*abi.UTSLen, 5)); got != "i686\x00" {
			u.Errorf("32-bit machine is %q", got)
		}
		u.is(8, abi.SYS_PERSONALITY, ^uintptr(0)>>32)
		u.fails(abi.EINVAL, abi.SYS_PERSONALITY, 1)

		s := u.alloc(abi.SizeofSysinfo)
		u.sys(abi.SYS_SYSINFO, s)
		total, free, unit := u.uint64(s+32), u.uint64(s+40), u.uint32(s+104)
		if total != 1<<15*4096 || free == 0 || free > total || unit != 1 {
			u.Errorf("sysinfo: total %d, free %d, unit %d", total, free, unit)
		}
		u.fails(abi.EINVAL, abi.SYS_REBOOT, 1, 2, 3)
		u.fails(abi.EINVAL, abi.SYS_REBOOT, abi.LINUX_REBOOT_MAGIC1, abi.LINUX_REBOOT_MAGIC2, 12345)
	})
}

func TestMissingCallsAndSockets(t *testing.T) {
	run(t, func(u *user) {
		u.fails(abi.ENOSYS, abi.SYS_MQ_OPEN)
		u.fails(abi.ENOSYS, abi.SYS_RSEQ, 0, 0, 0, 0)
		u.fails(abi.ENOSYS, 400) // has no name
		u.fails(abi.ENOSYS, 5000)
		u.fails(abi.ENOSYS, ^uintptr(0))
		u.fails(abi.ENOSYS, 0x40000000) // the x32 ABI
		u.fails(abi.EAFNOSUPPORT, abi.SYS_SOCKET, abi.AF_INET, 1, 0)
		u.fails(abi.EAFNOSUPPORT, abi.SYS_SOCKETPAIR, abi.AF_UNIX, 1, 0, 0)
		u.fails(abi.EBADF, abi.SYS_CONNECT, notOpen, 0, 0)
		u.fails(abi.ENOTSOCK, abi.SYS_CONNECT, u.open(".", abi.O_RDONLY), 0, 0)
	})
}
