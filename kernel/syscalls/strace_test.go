package syscalls

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
)

// TestStrace compares the lines of a trace with patterns, in which PID stands
// for the process.
func TestStrace(t *testing.T) {
	run(t, func(u *user) {
		u.writeFile("f", "some text\n")
		name, none, link := u.str("f"), u.str("none"), u.str("l")
		p := u.alloc(abi.SizeofStat)
		iov := u.put(words64(uint64(u.put([]byte("ab\x01"))), 3))
		fds := u.put(pollfd(0, abi.POLLIN|abi.POLLOUT))
		argv := u.put(words64(uint64(u.str("x")), uint64(u.str("-y")), 0))
		first := klog.Next()
		straced(true)
		fd := u.sys(abi.SYS_OPENAT, cwd, name, abi.O_RDWR|abi.O_CLOEXEC, 0)
		u.syscall(abi.SYS_OPENAT, cwd, none, abi.O_RDONLY, 0)
		u.sys(abi.SYS_READ, fd, p, 100)
		u.sys(abi.SYS_WRITEV, fd, iov, 1)
		u.sys(abi.SYS_LSEEK, fd, 0, abi.SEEK_END)
		u.sys(abi.SYS_FSTAT, fd, p)
		u.sys(abi.SYS_SYMLINK, name, link)
		u.sys(abi.SYS_MMAP, 0, 4096, abi.PROT_READ|abi.PROT_WRITE, abi.MAP_PRIVATE|abi.MAP_ANONYMOUS, ^uintptr(0), 0)
		u.sys(abi.SYS_FCNTL, fd, abi.F_SETFD, abi.FD_CLOEXEC)
		u.syscall(abi.SYS_KILL, 30000, abi.SIGTERM)
		u.sys(abi.SYS_RT_SIGPROCMASK, abi.SIG_BLOCK, u.put(words64(1<<1|1<<9)), 0, 8)
		u.syscall(abi.SYS_READ, 999, p, 1)
		u.syscall(abi.SYS_EXECVE, none, argv, argv)
		u.syscall(abi.SYS_POLL, fds, 1, 0)
		u.syscall(abi.SYS_PIPE, p)
		u.sys(abi.SYS_UMASK, 022)
		u.syscall(abi.SYS_MQ_UNLINK, 1, 2)
		u.syscall(1000)
		straced(false)
		u.syscall(abi.SYS_GETPID)

		want := strings.Split(strings.TrimSpace(`
openat(AT_FDCWD, "f", O_RDWR|O_CLOEXEC, 00) = FD
openat(AT_FDCWD, "none", O_RDONLY, 00) = -1 ENOENT (No such file or directory)
read(FD, "some text\n", 100) = 10
writev(FD, [{"ab\1", 3}], 1) = 3
lseek(FD, 0, SEEK_END) = 13
fstat(FD, {st_mode=S_IFREG|0644, st_size=13, ...}) = 0
symlink("f", "l") = 0
mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = HEX
fcntl(FD, F_SETFD, FD_CLOEXEC) = 0
kill(30000, SIGTERM) = -1 ESRCH (No such process)
rt_sigprocmask(SIG_BLOCK, [INT USR1], NULL, 8) = 0
read(999, HEX, 1) = -1 EBADF (Bad file descriptor)
execve("none", ["x", "-y"], HEX /* 2 vars */) = -1 ENOENT (No such file or directory)
poll([{fd=0, events=POLLIN|POLLOUT}], 1, 0) = 1
pipe([NUM, NUM]) = 0
umask(022) = 022
mq_unlink(0x1, 0x2, HEX, HEX, HEX, HEX) = -1 ENOSYS (Function not implemented)
syscall_1000(HEX, HEX, HEX, HEX, HEX, HEX) = -1 ENOSYS (Function not implemented)
`), "\n")
		prefix := fmt.Sprintf("[%d] ", u.task.TID())
		var got []string
		for seq := first; ; {
			r, ok := klog.Read(seq)
			if !ok {
				break
			}
			seq = r.Seq + 1
			if line, ours := strings.CutPrefix(r.Text, prefix); ours {
				got = append(got, line)
			}
		}
		for i, w := range want {
			if i >= len(got) {
				u.Errorf("the trace ends before %s", w)
				break
			}
			pattern := regexp.QuoteMeta(w)
			for name, re := range map[string]string{"FD": fmt.Sprint(fd), "HEX": "0x[0-9a-f]+", "NUM": "[0-9]+"} {
				pattern = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(pattern, re)
			}
			if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
				u.Errorf("line %d\n got %s\nwant %s", i, got[i], w)
			}
		}
		if len(got) > len(want) {
			u.Errorf("after the trace: %q", got[len(want):])
		}
	})
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":              `""`,
		"a\"b\\c":       `"a\"b\\c"`,
		"\n\t\r":        `"\n\t\r"`,
		"\x00":          `"\0"`,
		"\x007":         `"\0007"`,
		"\xff\x7f\x1bx": `"\377\177\33x"`,
	} {
		if got := quote([]byte(in)); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
}

func TestFlagNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{openFlags(abi.O_TMPFILE | abi.O_RDWR), "O_RDWR|O_TMPFILE"},
		{openFlags(abi.O_DIRECTORY), "O_RDONLY|O_DIRECTORY"},
		{openFlags(1 << 30), "O_RDONLY|0x40000000"},
		{protNames.flags(0), "PROT_NONE"},
		{waitNames.flags(0), "0"},
		{ioctlNames.one(abi.TCGETS), "TCGETS"},
		{cloneFlags(abi.CLONE_VM | abi.SIGCHLD), "CLONE_VM|SIGCHLD"},
		{futexOp(abi.FUTEX_WAIT | abi.FUTEX_PRIVATE_FLAG), "FUTEX_WAIT_PRIVATE"},
		{signalName(34), "SIGRT_2"},
		{sigsetString(^abi.Sigset(0)), "~[]"},
		{sigsetString(abi.SigsetOf(abi.SIGHUP, abi.SIGTERM)), "[HUP TERM]"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
