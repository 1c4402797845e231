package syscalls

import (
	"fmt"
	"strconv"
	"sync"

	"kevlar/kernel/abi"
)

// A kind shows argument i of a call.
type kind func(tr *tracer, i int) string

// A kindTable holds the kinds of argument by name. One that is in neither map is
// shown as a number in hexadecimal.
type kindTable struct {
	// in are the kinds that are shown as they are before the call.
	in map[string]kind
	// out are the kinds that point to what the call fills in; they are
	// shown after it.
	out map[string]kind
}

// kinds returns the table, which is made when it is first needed: most kernels
// never trace.
var kinds = sync.OnceValue(func() *kindTable { return &kindTable{inKinds(), outKinds()} })

func inKinds() map[string]kind {
	return map[string]kind{
		"int":   func(tr *tracer, i int) string { return strconv.Itoa(int(int32(tr.args[i]))) },
		"uint":  func(tr *tracer, i int) string { return strconv.FormatUint(uint64(uint32(tr.args[i])), 10) },
		"long":  func(tr *tracer, i int) string { return strconv.FormatInt(int64(tr.args[i]), 10) },
		"size":  func(tr *tracer, i int) string { return strconv.FormatUint(uint64(tr.args[i]), 10) },
		"off":   func(tr *tracer, i int) string { return strconv.FormatInt(int64(tr.args[i]), 10) },
		"pid":   func(tr *tracer, i int) string { return strconv.Itoa(int(int32(tr.args[i]))) },
		"id":    func(tr *tracer, i int) string { return strconv.Itoa(int(int32(tr.args[i]))) },
		"ptr":   func(tr *tracer, i int) string { return pointer(tr.args[i]) },
		"mode":  func(tr *tracer, i int) string { return octal(tr.args[i] & 0xffff) },
		"path":  func(tr *tracer, i int) string { return tr.str(tr.args[i]) },
		"str":   func(tr *tracer, i int) string { return tr.str(tr.args[i]) },
		"in":    func(tr *tracer, i int) string { return tr.buffer(tr.args[i], uint64(tr.args[i+1])) },
		"argv":  func(tr *tracer, i int) string { return tr.strings(tr.args[i], 32) },
		"envp":  (*tracer).envp,
		"iov":   (*tracer).iov,
		"fd":    (*tracer).fd,
		"sig":   func(tr *tracer, i int) string { return signalName(uint64(uint32(tr.args[i]))) },
		"fdset": func(tr *tracer, i int) string { return pointer(tr.args[i]) },
		"dev": func(tr *tracer, i int) string {
			return fmt.Sprintf("makedev(%d, %d)", abi.Major(uint64(tr.args[i])), abi.Minor(uint64(tr.args[i])))
		},

		"sigset":    (*tracer).sigset,
		"sigaction": (*tracer).sigaction,
		"timespec":  (*tracer).timespec,
		"timespecs": (*tracer).timespecs,
		"timeval":   (*tracer).timeval,
		"itimerval": (*tracer).itimerval,
		"rlim":      (*tracer).rlim,
		"pollfds":   (*tracer).pollfds,
		"epollev":   (*tracer).epollEvent,
		"fcntlarg":  (*tracer).fcntlArg,
		"clone":     func(tr *tracer, i int) string { return cloneFlags(uint64(tr.args[i])) },
		"futex":     func(tr *tracer, i int) string { return futexOp(uint64(uint32(tr.args[i]))) },
		"oflags":    func(tr *tracer, i int) string { return openFlags(uint64(uint32(tr.args[i]))) },
		"atflags":   flagSet(atFlagNames),
		"prot":      flagSet(protNames),
		"map":       flagSet(mapNames),
		"msflags":   flagSet(mountFlagNames),
		"wait":      flagSet(waitNames),
		"ioctl":     enum(ioctlNames),
		"fcntl":     enum(fcntlNames),
		"clock":     enum(clockNames),
		"rlimit":    enum(rlimitNames),
		"prctl":     enum(prctlNames),
		"whence": enum(names{
			{abi.SEEK_SET, "SEEK_SET"}, {abi.SEEK_CUR, "SEEK_CUR"}, {abi.SEEK_END, "SEEK_END"},
			{abi.SEEK_DATA, "SEEK_DATA"}, {abi.SEEK_HOLE, "SEEK_HOLE"},
		}),
		"sighow": enum(names{
			{abi.SIG_BLOCK, "SIG_BLOCK"}, {abi.SIG_UNBLOCK, "SIG_UNBLOCK"}, {abi.SIG_SETMASK, "SIG_SETMASK"},
		}),
		"access": flagSet(names{
			{abi.F_OK, "F_OK"}, {abi.R_OK, "R_OK"}, {abi.W_OK, "W_OK"}, {abi.X_OK, "X_OK"},
		}),
		"mremap": flagSet(names{
			{abi.MREMAP_MAYMOVE, "MREMAP_MAYMOVE"}, {abi.MREMAP_FIXED, "MREMAP_FIXED"},
			{abi.MREMAP_DONTUNMAP, "MREMAP_DONTUNMAP"},
		}),
		"msync": flagSet(names{
			{abi.MS_ASYNC, "MS_ASYNC"}, {abi.MS_INVALIDATE, "MS_INVALIDATE"}, {abi.MS_SYNC, "MS_SYNC"},
		}),
		"madvise": enum(names{
			{abi.MADV_NORMAL, "MADV_NORMAL"}, {abi.MADV_WILLNEED, "MADV_WILLNEED"},
			{abi.MADV_DONTNEED, "MADV_DONTNEED"}, {abi.MADV_FREE, "MADV_FREE"},
			{abi.MADV_HUGEPAGE, "MADV_HUGEPAGE"}, {abi.MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE"},
			{abi.MADV_DONTFORK, "MADV_DONTFORK"}, {abi.MADV_DONTDUMP, "MADV_DONTDUMP"},
		}),
		"itimer": enum(names{
			{abi.ITIMER_REAL, "ITIMER_REAL"}, {abi.ITIMER_VIRTUAL, "ITIMER_VIRTUAL"},
			{abi.ITIMER_PROF, "ITIMER_PROF"},
		}),
		"family": enum(names{
			{abi.AF_UNSPEC, "AF_UNSPEC"}, {abi.AF_UNIX, "AF_UNIX"}, {abi.AF_INET, "AF_INET"},
			{abi.AF_INET6, "AF_INET6"}, {abi.AF_NETLINK, "AF_NETLINK"}, {abi.AF_PACKET, "AF_PACKET"},
		}),
		"flock": flagSet(names{
			{abi.LOCK_SH, "LOCK_SH"}, {abi.LOCK_EX, "LOCK_EX"}, {abi.LOCK_NB, "LOCK_NB"},
			{abi.LOCK_UN, "LOCK_UN"},
		}),
		"rusage": enum(names{
			{abi.RUSAGE_SELF, "RUSAGE_SELF"}, {0xffffffff, "RUSAGE_CHILDREN"},
			{abi.RUSAGE_THREAD, "RUSAGE_THREAD"},
		}),
		"prio": enum(names{
			{abi.PRIO_PROCESS, "PRIO_PROCESS"}, {abi.PRIO_PGRP, "PRIO_PGRP"}, {abi.PRIO_USER, "PRIO_USER"},
		}),
		"sched": enum(names{
			{abi.SCHED_NORMAL, "SCHED_OTHER"}, {abi.SCHED_FIFO, "SCHED_FIFO"}, {abi.SCHED_RR, "SCHED_RR"},
			{abi.SCHED_BATCH, "SCHED_BATCH"}, {abi.SCHED_IDLE, "SCHED_IDLE"},
		}),
		"arch": enum(names{
			{abi.ARCH_SET_GS, "ARCH_SET_GS"}, {abi.ARCH_SET_FS, "ARCH_SET_FS"},
			{abi.ARCH_GET_FS, "ARCH_GET_FS"}, {abi.ARCH_GET_GS, "ARCH_GET_GS"},
			{abi.ARCH_CET_STATUS, "ARCH_CET_STATUS"}, {abi.ARCH_SHSTK_STATUS, "ARCH_SHSTK_STATUS"},
		}),
		"umount": flagSet(names{
			{abi.MNT_FORCE, "MNT_FORCE"}, {abi.MNT_DETACH, "MNT_DETACH"}, {abi.MNT_EXPIRE, "MNT_EXPIRE"},
			{abi.UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"},
		}),
		"fadvise": enum(names{
			{abi.POSIX_FADV_NORMAL, "POSIX_FADV_NORMAL"}, {abi.POSIX_FADV_RANDOM, "POSIX_FADV_RANDOM"},
			{abi.POSIX_FADV_SEQUENTIAL, "POSIX_FADV_SEQUENTIAL"},
			{abi.POSIX_FADV_WILLNEED, "POSIX_FADV_WILLNEED"},
			{abi.POSIX_FADV_DONTNEED, "POSIX_FADV_DONTNEED"}, {abi.POSIX_FADV_NOREUSE, "POSIX_FADV_NOREUSE"},
		}),
		"epollop": enum(names{
			{abi.EPOLL_CTL_ADD, "EPOLL_CTL_ADD"}, {abi.EPOLL_CTL_DEL, "EPOLL_CTL_DEL"},
			{abi.EPOLL_CTL_MOD, "EPOLL_CTL_MOD"},
		}),
		"epoll1": flagSet(names{{abi.EPOLL_CLOEXEC, "EPOLL_CLOEXEC"}}),
		"eventfd": flagSet(names{
			{abi.EFD_SEMAPHORE, "EFD_SEMAPHORE"}, {abi.EFD_NONBLOCK, "EFD_NONBLOCK"},
			{abi.EFD_CLOEXEC, "EFD_CLOEXEC"},
		}),
		"idtype": enum(names{
			{abi.P_ALL, "P_ALL"}, {abi.P_PID, "P_PID"}, {abi.P_PGID, "P_PGID"}, {abi.P_PIDFD, "P_PIDFD"},
		}),
		"unlinkflags": flagSet(names{{abi.AT_REMOVEDIR, "AT_REMOVEDIR"}}),
		"splice": flagSet(names{
			{abi.SPLICE_F_MOVE, "SPLICE_F_MOVE"}, {abi.SPLICE_F_NONBLOCK, "SPLICE_F_NONBLOCK"},
			{abi.SPLICE_F_MORE, "SPLICE_F_MORE"}, {abi.SPLICE_F_GIFT, "SPLICE_F_GIFT"},
		}),
		"fallocate": flagSet(names{
			{abi.FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE"},
			{abi.FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE"},
			{abi.FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE"},
		}),
		"rename": flagSet(names{
			{abi.RENAME_NOREPLACE, "RENAME_NOREPLACE"}, {abi.RENAME_EXCHANGE, "RENAME_EXCHANGE"},
			{abi.RENAME_WHITEOUT, "RENAME_WHITEOUT"},
		}),
		"grnd": flagSet(names{
			{abi.GRND_NONBLOCK, "GRND_NONBLOCK"}, {abi.GRND_RANDOM, "GRND_RANDOM"},
			{abi.GRND_INSECURE, "GRND_INSECURE"},
		}),
		"memfd": flagSet(names{
			{abi.MFD_CLOEXEC, "MFD_CLOEXEC"}, {abi.MFD_ALLOW_SEALING, "MFD_ALLOW_SEALING"},
			{abi.MFD_HUGETLB, "MFD_HUGETLB"},
		}),
		"closerange": flagSet(names{
			{abi.CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"},
			{abi.CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"},
		}),
		"membarrier": enum(names{
			{membarrierQuery, "MEMBARRIER_CMD_QUERY"}, {membarrierGlobal, "MEMBARRIER_CMD_GLOBAL"},
		}),
		"statxmask": flagSet(names{
			{abi.STATX_ALL, "STATX_ALL"}, {abi.STATX_BASIC_STATS, "STATX_BASIC_STATS"},
			{abi.STATX_BTIME, "STATX_BTIME"}, {abi.STATX_MNT_ID, "STATX_MNT_ID"},
		}),
		"rwf": flagSet(names{
			{abi.RWF_HIPRI, "RWF_HIPRI"}, {abi.RWF_DSYNC, "RWF_DSYNC"}, {abi.RWF_SYNC, "RWF_SYNC"},
			{abi.RWF_NOWAIT, "RWF_NOWAIT"}, {abi.RWF_APPEND, "RWF_APPEND"},
		}),
	}
}

func outKinds() map[string]kind {
	return map[string]kind{
		"out":        func(tr *tracer, i int) string { return tr.buffer(tr.args[i], uint64(tr.ret)) },
		"outstr":     func(tr *tracer, i int) string { return tr.str(tr.args[i]) },
		"ostat":      (*tracer).stat,
		"ofds":       (*tracer).fds,
		"owstatus":   (*tracer).waitStatus,
		"orusage":    func(tr *tracer, i int) string { return pointer(tr.args[i]) },
		"outsname":   (*tracer).utsname,
		"osigset":    (*tracer).sigset,
		"osigaction": (*tracer).sigaction,
		"otimespec":  (*tracer).timespec,
		"otimeval":   (*tracer).timeval,
		"oitimerval": (*tracer).itimerval,
		"orlim":      (*tracer).rlim,
		"oepolls":    (*tracer).epollEvents,
	}
}
