// The calls, and the arguments that they get.
#include "fuzz.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The letters of call.args:
//
//	d  descriptor             p  buffer              s  path in the worker's folder
//	q  any path, to look at   n  size of a buffer    b  bytes to map
//	a  address of a mapping   i  small number        f  flags: a few bits
//	x  any number             o  offset in a file    g  signal
//	k  whom to signal         P  whom to ask about   S  structure
//	u  user or group          m  file mode           O  flags of open
//	c  request of ioctl       t  clock               M  flags of mmap
//	R  protection of pages    A  advice              w  flags to create with: usually 0
//	D  folder to start at     e  epoll               j  operation from 1 to 3
//	T  timerfd                r  resource             8  size of a set of signals
//	E  file of the worker's own
static const struct call calls[] = {
	{"read", SYS_read, "dpn", 8},
	{"write", SYS_write, "dpn", 8},
	{"open", SYS_open, "sOm", 6},
	{"close", SYS_close, "d", 1},
	{"stat", SYS_stat, "qp", 2},
	{"fstat", SYS_fstat, "dp", 2},
	{"lstat", SYS_lstat, "qp", 2},
	{"poll", SYS_poll, "Sii", 3},
	{"lseek", SYS_lseek, "doi", 3},
	{"mmap", SYS_mmap, "abRMdo", 8},
	{"mprotect", SYS_mprotect, "abR", 4},
	{"munmap", SYS_munmap, "ab", 2},
	{"brk", SYS_brk, "x", 1},
	{"rt_sigaction", SYS_rt_sigaction, "gSp8", 1},
	{"rt_sigprocmask", SYS_rt_sigprocmask, "iSp8", 1},
	{"ioctl", SYS_ioctl, "dcS", 6},
	{"pread64", SYS_pread64, "dpno", 4},
	{"pwrite64", SYS_pwrite64, "dpno", 4},
	{"readv", SYS_readv, "dSi", 4},
	{"writev", SYS_writev, "dSi", 4},
	{"access", SYS_access, "qi", 1},
	{"pipe", SYS_pipe, "p", 2},
	{"select", SYS_select, "iSSSS", 2},
	{"sched_yield", SYS_sched_yield, "", 1},
	{"mremap", SYS_mremap, "abbfa", 6},
	{"msync", SYS_msync, "abf", 2},
	{"mincore", SYS_mincore, "abp", 2},
	{"madvise", SYS_madvise, "abA", 4},
	{"dup", SYS_dup, "d", 2},
	{"dup2", SYS_dup2, "dd", 3},
	{"pause", SYS_pause, "", 1},
	{"nanosleep", SYS_nanosleep, "Sp", 1},
	{"getitimer", SYS_getitimer, "ip", 1},
	{"alarm", SYS_alarm, "i", 1},
	{"setitimer", SYS_setitimer, "iSp", 2},
	{"getpid", SYS_getpid, "", 1},
	{"sendfile", SYS_sendfile, "ddSn", 4},
	{"socket", SYS_socket, "iii", 2},
	{"connect", SYS_connect, "dSi", 1},
	{"sendmsg", SYS_sendmsg, "dSf", 1},
	{"recvmsg", SYS_recvmsg, "dSf", 1},
	{"socketpair", SYS_socketpair, "iiip", 2},
	{"wait4", SYS_wait4, "PpfS", 2},
	{"kill", SYS_kill, "kg", 2},
	{"uname", SYS_uname, "p", 1},
	{"fcntl", SYS_fcntl, "diS", 6},
	{"flock", SYS_flock, "di", 3},
	{"fsync", SYS_fsync, "d", 1},
	{"truncate", SYS_truncate, "so", 2},
	{"ftruncate", SYS_ftruncate, "do", 3},
	{"getdents64", SYS_getdents64, "dpn", 3},
	{"getcwd", SYS_getcwd, "pn", 1},
	{"fchdir", SYS_fchdir, "d", 1},
	{"rename", SYS_rename, "ss", 3},
	{"mkdir", SYS_mkdir, "sm", 3},
	{"rmdir", SYS_rmdir, "s", 2},
	{"creat", SYS_creat, "sm", 2},
	{"link", SYS_link, "ss", 3},
	{"unlink", SYS_unlink, "s", 3},
	{"symlink", SYS_symlink, "ss", 3},
	{"readlink", SYS_readlink, "qpn", 2},
	{"chmod", SYS_chmod, "sm", 2},
	{"fchmod", SYS_fchmod, "Em", 1},
	{"chown", SYS_chown, "suu", 2},
	{"fchown", SYS_fchown, "Euu", 1},
	{"lchown", SYS_lchown, "suu", 1},
	{"umask", SYS_umask, "m", 1},
	{"gettimeofday", SYS_gettimeofday, "pp", 1},
	{"getrlimit", SYS_getrlimit, "rp", 1},
	{"getrusage", SYS_getrusage, "ip", 1},
	{"sysinfo", SYS_sysinfo, "p", 1},
	{"times", SYS_times, "p", 1},
	{"syslog", SYS_syslog, "ipn", 1},
	{"setpgid", SYS_setpgid, "PP", 2},
	{"setsid", SYS_setsid, "", 1},
	{"getpgid", SYS_getpgid, "P", 1},
	{"getsid", SYS_getsid, "P", 1},
	{"setuid", SYS_setuid, "u", 1},
	{"setreuid", SYS_setreuid, "uu", 1},
	{"setresgid", SYS_setresgid, "uuu", 1},
	{"setfsuid", SYS_setfsuid, "u", 1},
	{"getgroups", SYS_getgroups, "ip", 1},
	{"setgroups", SYS_setgroups, "iS", 1},
	{"capget", SYS_capget, "SS", 1},
	{"capset", SYS_capset, "SS", 1},
	{"rt_sigpending", SYS_rt_sigpending, "p8", 1},
	{"rt_sigtimedwait", SYS_rt_sigtimedwait, "SpS8", 1},
	{"rt_sigqueueinfo", SYS_rt_sigqueueinfo, "kgS", 2},
	{"rt_sigsuspend", SYS_rt_sigsuspend, "S8", 1},
	{"sigaltstack", SYS_sigaltstack, "Sp", 1},
	{"utime", SYS_utime, "sS", 1},
	{"mknod", SYS_mknod, "smx", 2},
	{"personality", SYS_personality, "x", 1},
	{"statfs", SYS_statfs, "qp", 1},
	{"fstatfs", SYS_fstatfs, "dp", 1},
	{"getpriority", SYS_getpriority, "iP", 1},
	{"setpriority", SYS_setpriority, "iPi", 1},
	{"sched_getparam", SYS_sched_getparam, "Pp", 1},
	{"sched_getscheduler", SYS_sched_getscheduler, "P", 1},
	{"sched_rr_get_interval", SYS_sched_rr_get_interval, "Pp", 1},
	{"mlock", SYS_mlock, "ab", 2},
	{"munlock", SYS_munlock, "ab", 1},
	{"mlockall", SYS_mlockall, "i", 1},
	{"munlockall", SYS_munlockall, "", 1},
	{"prctl", SYS_prctl, "iSxxx", 3},
	{"arch_prctl", SYS_arch_prctl, "iS", 1},
	{"setrlimit", SYS_setrlimit, "rS", 1},
	{"chroot", SYS_chroot, "s", 1},
	{"sync", SYS_sync, "", 1},
	{"mount", SYS_mount, "ssSxS", 1},
	{"umount2", SYS_umount2, "sf", 1},
	{"gettid", SYS_gettid, "", 1},
	{"setxattr", SYS_setxattr, "sSpni", 1},
	{"getxattr", SYS_getxattr, "qSpn", 1},
	{"listxattr", SYS_listxattr, "qpn", 1},
	{"removexattr", SYS_removexattr, "sS", 1},
	{"tkill", SYS_tkill, "kg", 2},
	{"time", SYS_time, "p", 1},
	{"futex", SYS_futex, "pixSpx", 6},
	{"sched_setaffinity", SYS_sched_setaffinity, "Pip", 1},
	{"sched_getaffinity", SYS_sched_getaffinity, "Pip", 1},
	{"epoll_create", SYS_epoll_create, "i", 1},
	{"set_tid_address", SYS_set_tid_address, "p", 1},
	{"fadvise64", SYS_fadvise64, "doni", 1},
	{"timer_create", SYS_timer_create, "tSp", 3},
	{"timer_settime", SYS_timer_settime, "iiSp", 3},
	{"timer_gettime", SYS_timer_gettime, "ip", 1},
	{"timer_getoverrun", SYS_timer_getoverrun, "i", 1},
	{"timer_delete", SYS_timer_delete, "i", 1},
	{"clock_gettime", SYS_clock_gettime, "tp", 1},
	{"clock_getres", SYS_clock_getres, "tp", 1},
	{"clock_nanosleep", SYS_clock_nanosleep, "tiSp", 1},
	{"epoll_wait", SYS_epoll_wait, "epii", 3},
	{"epoll_ctl", SYS_epoll_ctl, "ejdS", 6},
	{"tgkill", SYS_tgkill, "kkg", 2},
	{"utimes", SYS_utimes, "sS", 1},
	{"waitid", SYS_waitid, "iPpfp", 2},
	{"openat", SYS_openat, "DsOm", 5},
	{"mkdirat", SYS_mkdirat, "Dsm", 2},
	{"mknodat", SYS_mknodat, "Dsmx", 1},
	{"fchownat", SYS_fchownat, "Dsuuf", 1},
	{"newfstatat", SYS_newfstatat, "Dqpf", 2},
	{"unlinkat", SYS_unlinkat, "Dsf", 2},
	{"renameat", SYS_renameat, "DsDs", 2},
	{"linkat", SYS_linkat, "DsDsf", 2},
	{"symlinkat", SYS_symlinkat, "sDs", 1},
	{"readlinkat", SYS_readlinkat, "Dqpn", 1},
	{"fchmodat", SYS_fchmodat, "Dsm", 1},
	{"faccessat", SYS_faccessat, "Dqi", 1},
	{"pselect6", SYS_pselect6, "iSSSSS", 2},
	{"ppoll", SYS_ppoll, "SiSS8", 2},
	{"unshare", SYS_unshare, "x", 1},
	{"set_robust_list", SYS_set_robust_list, "Si", 1},
	{"get_robust_list", SYS_get_robust_list, "Ppp", 1},
	{"splice", SYS_splice, "dSdSnf", 4},
	{"tee", SYS_tee, "ddnf", 2},
	{"sync_file_range", SYS_sync_file_range, "doof", 1},
	{"vmsplice", SYS_vmsplice, "dSif", 3},
	{"utimensat", SYS_utimensat, "DsSf", 2},
	{"epoll_pwait", SYS_epoll_pwait, "epiiS8", 2},
	{"signalfd", SYS_signalfd, "dS8", 1},
	{"timerfd_create", SYS_timerfd_create, "tf", 1},
	{"eventfd", SYS_eventfd, "i", 1},
	{"fallocate", SYS_fallocate, "dioo", 3},
	{"timerfd_settime", SYS_timerfd_settime, "TiSp", 3},
	{"timerfd_gettime", SYS_timerfd_gettime, "Tp", 1},
	{"signalfd4", SYS_signalfd4, "dS8f", 1},
	{"eventfd2", SYS_eventfd2, "if", 1},
	{"epoll_create1", SYS_epoll_create1, "w", 1},
	{"dup3", SYS_dup3, "ddw", 2},
	{"pipe2", SYS_pipe2, "pw", 2},
	{"preadv", SYS_preadv, "dSiox", 2},
	{"pwritev", SYS_pwritev, "dSiox", 2},
	{"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, "kkgS", 1},
	{"prlimit64", SYS_prlimit64, "PrSp", 1},
	{"syncfs", SYS_syncfs, "d", 1},
	{"getcpu", SYS_getcpu, "pp", 1},
	{"process_vm_readv", SYS_process_vm_readv, "PSiSif", 2},
	{"process_vm_writev", SYS_process_vm_writev, "PSiSif", 1},
	{"kcmp", SYS_kcmp, "PPiii", 1},
	{"sched_setattr", SYS_sched_setattr, "PSf", 1},
	{"sched_getattr", SYS_sched_getattr, "Ppif", 1},
	{"renameat2", SYS_renameat2, "DsDsf", 2},
	{"seccomp", SYS_seccomp, "ifS", 1},
	{"getrandom", SYS_getrandom, "pnf", 1},
	{"memfd_create", SYS_memfd_create, "qf", 2},
	{"execveat", SYS_execveat, "DqSSf", 1},
	{"membarrier", SYS_membarrier, "iii", 1},
	{"mlock2", SYS_mlock2, "abi", 1},
	{"copy_file_range", SYS_copy_file_range, "dSdSnw", 3},
	{"preadv2", SYS_preadv2, "dSioxf", 2},
	{"pwritev2", SYS_pwritev2, "dSioxf", 2},
	{"pkey_mprotect", SYS_pkey_mprotect, "abRi", 1},
	{"pkey_alloc", SYS_pkey_alloc, "wi", 1},
	{"statx", SYS_statx, "Dqffp", 2},
	{"rseq", SYS_rseq, "Siix", 1},
	{"pidfd_open", SYS_pidfd_open, "Pf", 1},
	{"close_range", SYS_close_range, "ddf", 1},
	{"openat2", SYS_openat2, "DqSi", 2},
	{"faccessat2", SYS_faccessat2, "Dqif", 1},
	{"epoll_pwait2", SYS_epoll_pwait2, "epiSS8", 1},
	{"execve", SYS_execve, "qSS", 1},
};

enum { ncalls = sizeof calls / sizeof *calls };

// Calls that end the machine, change its time or its name, or touch what is not the fuzzer's.
static int forbidden(int number)
{
	static const int list[] = {
		SYS_reboot, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module,
		SYS_delete_module, SYS_iopl, SYS_ioperm, SYS_swapon, SYS_swapoff, SYS_settimeofday,
		SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_vhangup, SYS_pivot_root, SYS_acct,
		SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal,
		SYS_exit_group, SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_unlink, SYS_unlinkat, SYS_rmdir,
		SYS_rename, SYS_renameat, SYS_renameat2, SYS_open, SYS_openat, SYS_openat2, SYS_creat, SYS_truncate,
		SYS_chmod, SYS_chown, SYS_lchown, SYS_fchmod, SYS_fchown, SYS_fsetxattr, SYS_fchmodat, SYS_fchownat, SYS_mount, SYS_move_mount,
		SYS_umount2, SYS_chroot, SYS_symlink, SYS_symlinkat, SYS_link, SYS_linkat, SYS_mknod, SYS_mknodat,
		SYS_mkdir, SYS_mkdirat, SYS_ptrace, SYS_perf_event_open, SYS_bpf, SYS_sched_setscheduler,
		SYS_sched_setparam, SYS_sched_setattr, SYS_sethostname, SYS_setdomainname, SYS_quotactl, SYS_ioprio_set,
		SYS_setxattr, SYS_lsetxattr, SYS_prlimit64, SYS_process_madvise, SYS_setpriority,
	};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i] == number)
			return 1;
	return 0;
}

static uint64_t size(struct rng *r)
{
	static const uint64_t odd[] = {0, 1, 4095, 4096, 4097, 65536, 1 << 20, 0x7ffff000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff, UINT64_MAX};
	if (one_in(r, 8))
		return odd[below(r, sizeof odd / sizeof *odd)];
	return below(r, one_in(r, 2) ? 64 : 5000);
}

static uint64_t mapping_size(struct rng *r)
{
	if (one_in(r, 10))
		return size(r);
	return below(r, one_in(r, 4) ? 64 : 6) * 4096 + (one_in(r, 8) ? below(r, 4096) : 0);
}

static uint64_t offset(struct rng *r)
{
	static const int64_t odd[] = {-1, -4096, 0x7fffffffffffffff, 0x7ffffffffffff000, 1ll << 62, 1ll << 44,
		1ll << 40, 0x100000000, 0x7fffffff, (int64_t)0x8000000000000000};
	if (one_in(r, 8))
		return odd[below(r, sizeof odd / sizeof *odd)];
	return one_in(r, 2) ? below(r, 64) * 4096 : below(r, 100000);
}

static uint64_t bits(struct rng *r)
{
	if (one_in(r, 2))
		return 0;
	uint64_t v = 1ull << below(r, 16);
	if (one_in(r, 3))
		v |= 1ull << below(r, 32);
	return one_in(r, 16) ? rng_next(r) : v;
}

// whom returns a process that may be sent signals: of this worker only. Number 0 is its process group.
static uint64_t whom(struct rng *r)
{
	switch (below(r, 4)) {
	case 0: return syscall(SYS_gettid);
	case 1: return 0x7ffffff0;
	default: return syscall(SYS_getpid);
	}
}

static uint64_t who(struct rng *r)
{
	switch (below(r, 6)) {
	case 0: return 1;
	case 1: return supervisor;
	case 2: return syscall(SYS_getppid);
	case 3: return -1;
	case 4: return 0;
	default: return whom(r);
	}
}

static uint64_t argument(struct rng *r, char kind)
{
	static const uint32_t requests[] = {TIOCGWINSZ, TIOCSWINSZ, TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCSCTTY,
		TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCOUTQ, TIOCSTI, TIOCSPTLCK, TIOCGPTN, TIOCPKT,
		TIOCGPTPEER, TCFLSH, TCXONC, TCSBRK, TIOCEXCL, TIOCSETD, FIONREAD, FIONBIO, FIOCLEX, FIOASYNC, TIOCSIG,
		0x5412, 0x80045430, 0x660b, 0x6601, 0x6602, 0x80086601, 0xc020660b, 0x40049409, 0x5452, 0x1260, 0x1261};
	uint64_t v;
	switch (kind) {
	case 'd': return files_descriptor(r);
	case 'D': return one_in(r, 4) ? files_descriptor(r) : one_in(r, 4) ? files_of_kind(KIND_FOLDER) : -100 /* AT_FDCWD */;
	case 'e': return one_in(r, 8) ? files_descriptor(r) : files_of_kind(KIND_EPOLL);
	case 'T': return one_in(r, 8) ? files_descriptor(r) : files_of_kind(KIND_TIMER);
	case 'E': return files_of_kind(below(r, KIND_FOLDER));
	case 'j': return one_in(r, 16) ? below(r, 8) : 1 + below(r, 3);
	case 'r': return below(r, 17);
	case '8': return one_in(r, 16) ? below(r, 200) : 8;
	case 'p': return arena_pointer(r);
	case 'S': return arena_struct(r);
	case 's': return one_in(r, 24) ? arena_pointer(r) : (uint64_t)files_scratch_path(r);
	case 'q': return one_in(r, 24) ? arena_pointer(r) : (uint64_t)files_any_path(r);
	case 'n': return size(r);
	case 'b': return mapping_size(r);
	case 'a': return arena_page(r);
	case 'i':
		if (one_in(r, 8))
			return one_in(r, 2) ? -(int64_t)below(r, 8) : (int64_t)(int32_t)rng_next(r);
		return below(r, one_in(r, 3) ? 64 : 12);
	case 'f': return bits(r);
	case 'w': return one_in(r, 3) ? bits(r) : 0;
	case 'x': return one_in(r, 2) ? below(r, 100) : rng_next(r) >> below(r, 64);
	case 'o': return offset(r);
	case 'g': // signals that end the worker come seldom
		v = below(r, 66);
		return v == SIGALRM || v == SIGUSR1 || v >= 32 || one_in(r, 20) ? v : SIGUSR1;
	case 'k': return whom(r);
	case 'P': return who(r);
	case 'u': {
		static const uint32_t ids[] = {0, 1, 1000, 1001, 65534, 0xffffffff};
		return ids[below(r, sizeof ids / sizeof *ids)];
	}
	case 'm':
		// Devices of any number could be anybody's: only FIFOs and plain files.
		return below(r, 010000) | (one_in(r, 4) ? 0010000 : one_in(r, 2) ? 0100000 : 0);
	case 'O': return (below(r, 4) | (one_in(r, 2) ? 0100 : 0) | bits(r)) & ~(uint64_t)0100000000;
	case 'c': return one_in(r, 12) ? rng_next(r) & 0xffffffff : requests[below(r, sizeof requests / sizeof *requests)];
	case 't': return one_in(r, 8) ? (uint64_t)(int32_t)rng_next(r) : below(r, 12);
	case 'M':
		v = MAP_PRIVATE;
		if (one_in(r, 3))
			v = one_in(r, 8) ? below(r, 16) : MAP_SHARED;
		if (!one_in(r, 3))
			v |= MAP_ANONYMOUS;
		if (one_in(r, 3))
			v |= MAP_FIXED;
		return one_in(r, 6) ? v | bits(r) : v;
	case 'R': return one_in(r, 12) ? rng_next(r) & 0xffffffff : one_in(r, 3) ? below(r, 8) : PROT_READ | PROT_WRITE;
	case 'A': return below(r, 30);
	}
	abort();
}

// child is what a new process does before it ends: a few calls of its own.
_Noreturn static void child(struct rng *r, struct progress *p, int depth)
{
	int n = below(r, 24);
	for (int i = 0; i < n && !shared->stop; i++)
		call_random(r, p, depth + 1);
	syscall(SYS_exit_group, below(r, 256));
	__builtin_unreachable();
}

// make_process forks in one of its ways.
static void make_process(struct rng *r, struct progress *p, int depth)
{
	struct rng theirs = {rng_next(r)};
	uint64_t flags = rng_next(r) & rng_next(r) & 0xffffffff & ~(uint64_t)(CLONE_VM | CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND);
	long pid;
	switch (below(r, 5)) {
	case 0:
		pid = syscall(SYS_fork);
		break;
	case 1:
		pid = syscall(SYS_clone, flags, 0, arena_pointer(r), arena_pointer(r), 0);
		break;
	case 2: { // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack...
		uint64_t a[16] = {flags & ~(uint64_t)0xff, arena_pointer(r), arena_pointer(r), arena_pointer(r), below(r, 70)};
		if (one_in(r, 4))
			a[5 + below(r, 10)] = rng_next(r);
		a[7] = 0; // no thread-local storage: the child needs it
		a[0] &= ~(uint64_t)CLONE_SETTLS;
		pid = syscall(SYS_clone3, a, one_in(r, 8) ? below(r, 128) : 88);
		break;
	}
	case 3: // memory is shared until the child ends, so it does nothing else
		pid = vfork();
		if (pid == 0)
			_exit(0);
		break;
	default:
		pid = syscall(SYS_clone, (flags & ~(uint64_t)(CLONE_SETTLS | 0xff)) | (one_in(r, 2) ? SIGCHLD : 0), 0, 0, 0, 0);
		break;
	}
	if (pid == 0)
		child(&theirs, p, depth);
}

long raw(long number, const uint64_t a[6])
{
	long ret;
	register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

void call_random(struct rng *r, struct progress *p, int depth)
{
	static int weights;
	if (!weights) {
		int sum = 0;
		for (int i = 0; i < ncalls; i++)
			sum += calls[i].weight;
		weights = sum;
	}
	p->calls++;
	if (one_in(r, 60) && depth < 2) {
		p->number = SYS_fork;
		make_process(r, p, depth);
		return;
	}
	uint64_t a[6] = {0};
	int number;
	if (one_in(r, 50)) { // a number of any call, or of none
		number = below(r, MAX_CALL);
		if (forbidden(number))
			return;
		for (int i = 0; i < 6; i++)
			a[i] = argument(r, "dpSniafx"[below(r, 8)]);
	} else {
		const struct call *c = calls;
		for (int w = below(r, weights); w >= c->weight; c++)
			w -= c->weight;
		number = c->number;
		for (int i = 0; c->args[i]; i++)
			a[i] = argument(r, c->args[i]);
		if (number == SYS_mount) {
			// Nothing but a small tmpfs or a bind mount, on the worker's own folders.
			a[2] = (uint64_t) "tmpfs";
			a[4] = 0;
			a[3] &= 0x1fffff;
		}
		if (number == SYS_setrlimit && a[0] == 1 /* RLIMIT_FSIZE */)
			return;
		if (number == SYS_prlimit64)
			a[2] = 0;
	}
	p->number = number;
	for (int i = 0; i < 6; i++)
		p->args[i] = a[i];
	long v = raw(number, a);
	shared->made[number]++;
	if (v >= 0 || v < -4095) {
		shared->worked[number]++;
		p->worked++;
	}
}
