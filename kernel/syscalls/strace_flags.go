package syscalls

import (
	"strconv"
	"strings"

	"kevlar/kernel/abi"
)

// names are constants and their symbols, for values that are one of them or,
// for flags, a sum of them. Of flags that overlap the larger comes first.
type names []struct {
	value uint64
	name  string
}

// one shows a value that is one of the constants.
func (ns names) one(v uint64) string {
	for _, n := range ns {
		if n.value == v {
			return n.name
		}
	}
	return hex(uintptr(v))
}

// flags shows a value that is a sum of the constants; zero is the name of 0
// if the constants have one.
func (ns names) flags(v uint64) string {
	if v == 0 {
		if s := ns.one(0); s != "0x0" {
			return s
		}
		return "0"
	}
	var parts []string
	for _, n := range ns {
		if n.value != 0 && v&n.value == n.value {
			parts = append(parts, n.name)
			v &^= n.value
		}
	}
	if v != 0 {
		parts = append(parts, hex(uintptr(v)))
	}
	return strings.Join(parts, "|")
}

// enum and flagSet make argument kinds of names. Only 32 bits count.
func enum(ns names) kind {
	return func(tr *tracer, i int) string { return ns.one(uint64(uint32(tr.args[i]))) }
}

func flagSet(ns names) kind {
	return func(tr *tracer, i int) string { return ns.flags(uint64(uint32(tr.args[i]))) }
}

// openFlags shows the flags of open(2), whose access mode is a number.
func openFlags(v uint64) string {
	s := names{{abi.O_WRONLY, "O_WRONLY"}, {abi.O_RDWR, "O_RDWR"}, {abi.O_RDONLY, "O_RDONLY"}}.one(v & abi.O_ACCMODE)
	if v &^= abi.O_ACCMODE; v != 0 {
		s += "|" + openFlagNames.flags(v)
	}
	return s
}

var openFlagNames = names{
	{abi.O_TMPFILE, "O_TMPFILE"}, {abi.O_SYNC, "O_SYNC"}, {abi.O_CREAT, "O_CREAT"}, {abi.O_EXCL, "O_EXCL"},
	{abi.O_NOCTTY, "O_NOCTTY"}, {abi.O_TRUNC, "O_TRUNC"}, {abi.O_APPEND, "O_APPEND"},
	{abi.O_NONBLOCK, "O_NONBLOCK"}, {abi.O_DSYNC, "O_DSYNC"}, {abi.O_ASYNC, "O_ASYNC"},
	{abi.O_DIRECT, "O_DIRECT"}, {abi.O_LARGEFILE, "O_LARGEFILE"}, {abi.O_DIRECTORY, "O_DIRECTORY"},
	{abi.O_NOFOLLOW, "O_NOFOLLOW"}, {abi.O_NOATIME, "O_NOATIME"}, {abi.O_CLOEXEC, "O_CLOEXEC"},
	{abi.O_PATH, "O_PATH"},
}

var atFlagNames = names{
	{abi.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"}, {abi.AT_EACCESS, "AT_EACCESS"},
	{abi.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"}, {abi.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{abi.AT_EMPTY_PATH, "AT_EMPTY_PATH"}, {abi.AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC"},
	{abi.AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC"},
}

var protNames = names{{abi.PROT_NONE, "PROT_NONE"}, {abi.PROT_READ, "PROT_READ"}, {abi.PROT_WRITE, "PROT_WRITE"},
	{abi.PROT_EXEC, "PROT_EXEC"}, {abi.PROT_GROWSDOWN, "PROT_GROWSDOWN"}}

var mapNames = names{
	{abi.MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"}, {abi.MAP_SHARED, "MAP_SHARED"}, {abi.MAP_PRIVATE, "MAP_PRIVATE"},
	{abi.MAP_FIXED, "MAP_FIXED"}, {abi.MAP_ANONYMOUS, "MAP_ANONYMOUS"}, {abi.MAP_32BIT, "MAP_32BIT"},
	{abi.MAP_GROWSDOWN, "MAP_GROWSDOWN"}, {abi.MAP_DENYWRITE, "MAP_DENYWRITE"}, {abi.MAP_LOCKED, "MAP_LOCKED"},
	{abi.MAP_NORESERVE, "MAP_NORESERVE"}, {abi.MAP_POPULATE, "MAP_POPULATE"}, {abi.MAP_NONBLOCK, "MAP_NONBLOCK"},
	{abi.MAP_STACK, "MAP_STACK"}, {abi.MAP_HUGETLB, "MAP_HUGETLB"}, {abi.MAP_SYNC, "MAP_SYNC"},
	{abi.MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
}

var cloneNames = names{
	{abi.CLONE_VM, "CLONE_VM"}, {abi.CLONE_FS, "CLONE_FS"}, {abi.CLONE_FILES, "CLONE_FILES"},
	{abi.CLONE_SIGHAND, "CLONE_SIGHAND"}, {abi.CLONE_PIDFD, "CLONE_PIDFD"}, {abi.CLONE_PTRACE, "CLONE_PTRACE"},
	{abi.CLONE_VFORK, "CLONE_VFORK"}, {abi.CLONE_PARENT, "CLONE_PARENT"}, {abi.CLONE_THREAD, "CLONE_THREAD"},
	{abi.CLONE_NEWNS, "CLONE_NEWNS"}, {abi.CLONE_SYSVSEM, "CLONE_SYSVSEM"}, {abi.CLONE_SETTLS, "CLONE_SETTLS"},
	{abi.CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"}, {abi.CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"},
	{abi.CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"}, {abi.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
	{abi.CLONE_NEWUTS, "CLONE_NEWUTS"}, {abi.CLONE_NEWIPC, "CLONE_NEWIPC"}, {abi.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{abi.CLONE_NEWPID, "CLONE_NEWPID"}, {abi.CLONE_NEWNET, "CLONE_NEWNET"}, {abi.CLONE_IO, "CLONE_IO"},
}

var mountFlagNames = names{
	{abi.MS_RDONLY, "MS_RDONLY"}, {abi.MS_NOSUID, "MS_NOSUID"}, {abi.MS_NODEV, "MS_NODEV"}, {abi.MS_NOEXEC, "MS_NOEXEC"},
	{abi.MS_SYNCHRONOUS, "MS_SYNCHRONOUS"}, {abi.MS_REMOUNT, "MS_REMOUNT"}, {abi.MS_NOATIME, "MS_NOATIME"},
	{abi.MS_NODIRATIME, "MS_NODIRATIME"}, {abi.MS_BIND, "MS_BIND"}, {abi.MS_MOVE, "MS_MOVE"}, {abi.MS_REC, "MS_REC"},
	{abi.MS_SILENT, "MS_SILENT"}, {abi.MS_PRIVATE, "MS_PRIVATE"}, {abi.MS_SLAVE, "MS_SLAVE"}, {abi.MS_SHARED, "MS_SHARED"},
	{abi.MS_RELATIME, "MS_RELATIME"}, {abi.MS_STRICTATIME, "MS_STRICTATIME"},
}

var pollNames = names{
	{abi.POLLIN, "POLLIN"}, {abi.POLLPRI, "POLLPRI"}, {abi.POLLOUT, "POLLOUT"}, {abi.POLLERR, "POLLERR"},
	{abi.POLLHUP, "POLLHUP"}, {abi.POLLNVAL, "POLLNVAL"}, {abi.POLLRDNORM, "POLLRDNORM"},
	{abi.POLLRDBAND, "POLLRDBAND"}, {abi.POLLWRNORM, "POLLWRNORM"}, {abi.POLLWRBAND, "POLLWRBAND"},
	{abi.POLLRDHUP, "POLLRDHUP"},
}

var epollNames = names{
	{abi.EPOLLIN, "EPOLLIN"}, {abi.EPOLLPRI, "EPOLLPRI"}, {abi.EPOLLOUT, "EPOLLOUT"}, {abi.EPOLLERR, "EPOLLERR"},
	{abi.EPOLLHUP, "EPOLLHUP"}, {abi.EPOLLRDHUP, "EPOLLRDHUP"}, {abi.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
	{abi.EPOLLWAKEUP, "EPOLLWAKEUP"}, {abi.EPOLLONESHOT, "EPOLLONESHOT"}, {abi.EPOLLET, "EPOLLET"},
}

var waitNames = names{{abi.WNOHANG, "WNOHANG"}, {abi.WUNTRACED, "WSTOPPED"}, {abi.WEXITED, "WEXITED"},
	{abi.WCONTINUED, "WCONTINUED"}, {abi.WNOWAIT, "WNOWAIT"}, {abi.WALL, "__WALL"}, {abi.WCLONE, "__WCLONE"}}

var ioctlNames = names{
	{abi.TCGETS, "TCGETS"}, {abi.TCSETS, "TCSETS"}, {abi.TCSETSW, "TCSETSW"}, {abi.TCSETSF, "TCSETSF"},
	{abi.TCSBRK, "TCSBRK"}, {abi.TCXONC, "TCXONC"}, {abi.TCFLSH, "TCFLSH"}, {abi.TIOCSCTTY, "TIOCSCTTY"},
	{abi.TIOCNOTTY, "TIOCNOTTY"}, {abi.TIOCGPGRP, "TIOCGPGRP"}, {abi.TIOCSPGRP, "TIOCSPGRP"}, {abi.TIOCGSID, "TIOCGSID"},
	{abi.TIOCGWINSZ, "TIOCGWINSZ"}, {abi.TIOCSWINSZ, "TIOCSWINSZ"}, {abi.TIOCOUTQ, "TIOCOUTQ"},
	{abi.TIOCGPTN, "TIOCGPTN"}, {abi.TIOCSPTLCK, "TIOCSPTLCK"}, {abi.FIONREAD, "FIONREAD"}, {abi.FIONBIO, "FIONBIO"},
	{abi.FIOCLEX, "FIOCLEX"}, {abi.FIONCLEX, "FIONCLEX"}, {abi.FIOASYNC, "FIOASYNC"},
}

var fcntlNames = names{
	{abi.F_DUPFD, "F_DUPFD"}, {abi.F_GETFD, "F_GETFD"}, {abi.F_SETFD, "F_SETFD"}, {abi.F_GETFL, "F_GETFL"},
	{abi.F_SETFL, "F_SETFL"}, {abi.F_GETLK, "F_GETLK"}, {abi.F_SETLK, "F_SETLK"}, {abi.F_SETLKW, "F_SETLKW"},
	{abi.F_SETOWN, "F_SETOWN"}, {abi.F_GETOWN, "F_GETOWN"}, {abi.F_OFD_GETLK, "F_OFD_GETLK"},
	{abi.F_OFD_SETLK, "F_OFD_SETLK"}, {abi.F_OFD_SETLKW, "F_OFD_SETLKW"}, {abi.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
	{abi.F_SETPIPE_SZ, "F_SETPIPE_SZ"}, {abi.F_GETPIPE_SZ, "F_GETPIPE_SZ"}, {abi.F_ADD_SEALS, "F_ADD_SEALS"},
	{abi.F_GET_SEALS, "F_GET_SEALS"},
}

var clockNames = names{
	{abi.CLOCK_REALTIME, "CLOCK_REALTIME"}, {abi.CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
	{abi.CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID"}, {abi.CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID"},
	{abi.CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW"}, {abi.CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE"},
	{abi.CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE"}, {abi.CLOCK_BOOTTIME, "CLOCK_BOOTTIME"},
	{abi.CLOCK_TAI, "CLOCK_TAI"},
}

var futexNames = names{
	{abi.FUTEX_WAIT, "FUTEX_WAIT"}, {abi.FUTEX_WAKE, "FUTEX_WAKE"}, {abi.FUTEX_REQUEUE, "FUTEX_REQUEUE"},
	{abi.FUTEX_CMP_REQUEUE, "FUTEX_CMP_REQUEUE"}, {abi.FUTEX_WAKE_OP, "FUTEX_WAKE_OP"},
	{abi.FUTEX_WAIT_BITSET, "FUTEX_WAIT_BITSET"}, {abi.FUTEX_WAKE_BITSET, "FUTEX_WAKE_BITSET"},
	{abi.FUTEX_LOCK_PI, "FUTEX_LOCK_PI"}, {abi.FUTEX_UNLOCK_PI, "FUTEX_UNLOCK_PI"},
}

var rlimitNames = names{
	{abi.RLIMIT_CPU, "RLIMIT_CPU"}, {abi.RLIMIT_FSIZE, "RLIMIT_FSIZE"}, {abi.RLIMIT_DATA, "RLIMIT_DATA"},
	{abi.RLIMIT_STACK, "RLIMIT_STACK"}, {abi.RLIMIT_CORE, "RLIMIT_CORE"}, {abi.RLIMIT_RSS, "RLIMIT_RSS"},
	{abi.RLIMIT_NPROC, "RLIMIT_NPROC"}, {abi.RLIMIT_NOFILE, "RLIMIT_NOFILE"}, {abi.RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"},
	{abi.RLIMIT_AS, "RLIMIT_AS"}, {abi.RLIMIT_LOCKS, "RLIMIT_LOCKS"}, {abi.RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING"},
	{abi.RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE"}, {abi.RLIMIT_NICE, "RLIMIT_NICE"}, {abi.RLIMIT_RTPRIO, "RLIMIT_RTPRIO"},
	{abi.RLIMIT_RTTIME, "RLIMIT_RTTIME"},
}

var prctlNames = names{
	{abi.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"}, {abi.PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG"},
	{abi.PR_GET_DUMPABLE, "PR_GET_DUMPABLE"}, {abi.PR_SET_DUMPABLE, "PR_SET_DUMPABLE"},
	{abi.PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS"}, {abi.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
	{abi.PR_SET_NAME, "PR_SET_NAME"}, {abi.PR_GET_NAME, "PR_GET_NAME"}, {abi.PR_SET_SECCOMP, "PR_SET_SECCOMP"},
	{abi.PR_GET_SECCOMP, "PR_GET_SECCOMP"}, {abi.PR_CAPBSET_READ, "PR_CAPBSET_READ"},
	{abi.PR_CAPBSET_DROP, "PR_CAPBSET_DROP"}, {abi.PR_GET_SECUREBITS, "PR_GET_SECUREBITS"},
	{abi.PR_SET_SECUREBITS, "PR_SET_SECUREBITS"}, {abi.PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"},
	{abi.PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER"}, {abi.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
	{abi.PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS"}, {abi.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"}, {abi.PR_SET_MM, "PR_SET_MM"},
	{abi.PR_SET_VMA, "PR_SET_VMA"}, {abi.PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"},
}

// signalName returns the symbol of a signal.
func signalName(sig uint64) string {
	if s := signalNames.one(sig); !strings.HasPrefix(s, "0x") {
		return s
	}
	if sig >= 32 && sig <= abi.NSIG {
		return "SIGRT_" + strconv.FormatUint(sig-32, 10)
	}
	return strconv.FormatInt(int64(int32(sig)), 10)
}

var signalNames = names{
	{abi.SIGHUP, "SIGHUP"}, {abi.SIGINT, "SIGINT"}, {abi.SIGQUIT, "SIGQUIT"}, {abi.SIGILL, "SIGILL"},
	{abi.SIGTRAP, "SIGTRAP"}, {abi.SIGABRT, "SIGABRT"}, {abi.SIGBUS, "SIGBUS"}, {abi.SIGFPE, "SIGFPE"},
	{abi.SIGKILL, "SIGKILL"}, {abi.SIGUSR1, "SIGUSR1"}, {abi.SIGSEGV, "SIGSEGV"}, {abi.SIGUSR2, "SIGUSR2"},
	{abi.SIGPIPE, "SIGPIPE"}, {abi.SIGALRM, "SIGALRM"}, {abi.SIGTERM, "SIGTERM"}, {abi.SIGSTKFLT, "SIGSTKFLT"},
	{abi.SIGCHLD, "SIGCHLD"}, {abi.SIGCONT, "SIGCONT"}, {abi.SIGSTOP, "SIGSTOP"}, {abi.SIGTSTP, "SIGTSTP"},
	{abi.SIGTTIN, "SIGTTIN"}, {abi.SIGTTOU, "SIGTTOU"}, {abi.SIGURG, "SIGURG"}, {abi.SIGXCPU, "SIGXCPU"},
	{abi.SIGXFSZ, "SIGXFSZ"}, {abi.SIGVTALRM, "SIGVTALRM"}, {abi.SIGPROF, "SIGPROF"}, {abi.SIGWINCH, "SIGWINCH"},
	{abi.SIGIO, "SIGIO"}, {abi.SIGPWR, "SIGPWR"}, {abi.SIGSYS, "SIGSYS"},
}
