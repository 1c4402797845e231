// System calls that need nothing but the process itself.

#include "measure.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

// An empty loop has two instructions a turn: it shows that the counter counts instructions.
static void loop(long n) { __asm__ volatile("1: dec %0; jnz 1b" : "+r"(n)::"cc"); }

static struct timespec now;
static struct utsname names;
static struct rlimit limit;
static struct sigaction action;
static sigset_t set;
static volatile long handled;

// getpid takes four instructions a turn in user mode.
static void getpid_call(long n)
{
	__asm__ volatile("1: mov %1, %%eax\n"
			 "syscall\n"
			 "dec %0\n"
			 "jnz 1b" : "+r"(n) : "i"(SYS_getpid) : "rax", "rcx", "r11", "cc", "memory");
}

REPEAT(gettid_call, call(SYS_gettid))
REPEAT(getuid_call, call(SYS_getuid))
REPEAT(getsid_call, NEED(call(SYS_getsid, 0) >= 0))
REPEAT(getpriority_call, NEED(call(SYS_getpriority, PRIO_PROCESS, 0) > 0))
REPEAT(clock_vdso, clock_gettime(CLOCK_MONOTONIC, &now))
REPEAT(clock_call, NEED(call(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0))
REPEAT(uname_call, NEED(call(SYS_uname, &names) == 0))
REPEAT(getrlimit_call, NEED(call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit) == 0))
REPEAT(getrusage_call, struct rusage u; NEED(call(SYS_getrusage, RUSAGE_SELF, &u) == 0))
REPEAT(sigaction_call, NEED(call(SYS_rt_sigaction, SIGUSR2, 0, &action, 8) == 0))
REPEAT(sigprocmask_call, NEED(call(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8) == 0))
REPEAT(yield_alone, call(SYS_sched_yield))

static void handler(int number)
{
	(void)number;
	handled++;
}

static void catch_signal(void) { NEED(signal(SIGUSR1, handler) != SIG_ERR); }

// A signal that a process sends itself, with the handler and the return from it.
static void signal_self(long n)
{
	long pid = getpid(), tid = gettid(), before = handled;
	for (long i = 0; i < n; i++)
		call(SYS_tgkill, pid, tid, SIGUSR1);
	NEED(handled == before + n);
}

static void sleep_shortly(long n)
{
	struct timespec t = {0, 50000};
	while (n-- > 0)
		NEED(call(SYS_nanosleep, &t, 0) == 0);
}

static const struct row rows[] = {
	{"loop", 0, loop, 0, 1000, 101000},
	{"getpid", 0, getpid_call, 0, 100, 1100},
	{"gettid", 0, gettid_call, 0, 100, 1100},
	{"getuid", 0, getuid_call, 0, 100, 1100},
	{"getsid", 0, getsid_call, 0, 100, 1100},
	{"getpriority", 0, getpriority_call, 0, 100, 1100},
	{"clock_gettime_vdso", 0, clock_vdso, 0, 100, 1100},
	{"clock_gettime", 0, clock_call, 0, 100, 1100},
	{"uname", 0, uname_call, 0, 100, 1100},
	{"getrlimit", 0, getrlimit_call, 0, 100, 1100},
	{"getrusage", 0, getrusage_call, 0, 100, 1100},
	{"sigaction", 0, sigaction_call, 0, 100, 1100},
	{"sigprocmask", 0, sigprocmask_call, 0, 100, 1100},
	{"signal_self", catch_signal, signal_self, 0, 100, 1100},
	{"sched_yield", 0, yield_alone, 0, 100, 1100},
	{"nanosleep_50us", 0, sleep_shortly, 0, 10, 110},
};

MEASURE(rows)
