// Processes and threads.

#include "measure.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>

static char *const true_argv[] = {"true", 0}, *const none[] = {0};

// become executes BusyBox with the arguments.
static void become(char *const *argv)
{
	execve("/bin/busybox", argv, none);
	_exit(1);
}

static void fork_exit(long n)
{
	while (n-- > 0) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		await(pid);
	}
}

enum { large = 64 << 20 };
static char *memory;

static void touch_64m(void)
{
	memory = mmap(0, large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(memory != MAP_FAILED);
	madvise(memory, large, MADV_NOHUGEPAGE);
	for (long i = 0; i < large; i += 4096)
		memory[i] = 1;
}

static void free_64m(void) { munmap(memory, large); }

static void fork_exec(long n)
{
	while (n-- > 0) {
		pid_t pid = fork();
		if (pid == 0)
			become(true_argv);
		await(pid);
	}
}

static void vfork_exec(long n)
{
	while (n-- > 0) {
		pid_t pid = vfork();
		if (pid == 0)
			become(true_argv);
		await(pid);
	}
}

static void spawn(long n)
{
	while (n-- > 0) {
		pid_t pid;
		NEED(posix_spawn(&pid, "/bin/busybox", 0, 0, true_argv, none) == 0);
		await(pid);
	}
}

// first_byte is the time until a new program has said something.
static void first_byte(long n)
{
	static char *const argv[] = {"echo", "x", 0};
	char b[4];
	while (n-- > 0) {
		int p[2];
		NEED(pipe(p) == 0);
		pid_t pid = fork();
		if (pid == 0) {
			dup2(p[1], 1);
			become(argv);
		}
		close(p[1]);
		NEED(read(p[0], b, sizeof b) == 2);
		close(p[0]);
		await(pid);
	}
}

static void waitid_none(long n)
{
	siginfo_t info;
	while (n-- > 0)
		NEED(call(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG) == -ECHILD);
}

static void *nothing(void *p) { return p; }

static void thread_join(long n)
{
	while (n-- > 0) {
		pthread_t t;
		NEED(pthread_create(&t, 0, nothing, 0) == 0 && pthread_join(t, 0) == 0);
	}
}

static int word;

static void futex_none(long n)
{
	while (n-- > 0)
		NEED(call(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1) == 0);
}

// Two threads hand a turn to each other: 0 is the one's, 1 the other's; 2 ends it.
static _Atomic int turn;
static pthread_t other;

static void hand(int mine, int next)
{
	while (turn != mine) {
		if (turn == 2)
			return;
		call(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, next);
	}
	turn = next;
	call(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

static void *take_turns(void *unused)
{
	while (turn != 2)
		hand(1, 0);
	return unused;
}

static void start_other(void)
{
	turn = 0;
	NEED(pthread_create(&other, 0, take_turns, 0) == 0);
}

static void end_other(void)
{
	while (turn != 0)
		sched_yield();
	turn = 2;
	call(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX);
	NEED(pthread_join(other, 0) == 0);
}

static void futex_turns(long n)
{
	while (n-- > 0)
		hand(0, 1);
}

static pid_t yielder;

static void start_yielder(void)
{
	yielder = fork();
	NEED(yielder >= 0);
	while (yielder == 0)
		call(SYS_sched_yield);
}

static void end_yielder(void)
{
	kill(yielder, SIGKILL);
	waitpid(yielder, 0, 0);
}

static void yield(long n)
{
	while (n-- > 0)
		call(SYS_sched_yield);
}

static const struct row rows[] = {
	{"fork_exit", 0, fork_exit, 0, 2, 42},
	{"fork_exit_64m", touch_64m, fork_exit, free_64m, 1, 5},
	{"fork_exec", 0, fork_exec, 0, 2, 22},
	{"vfork_exec", 0, vfork_exec, 0, 2, 22},
	{"posix_spawn", 0, spawn, 0, 2, 22},
	{"first_byte", 0, first_byte, 0, 2, 12},
	{"waitid_none", 0, waitid_none, 0, 100, 600},
	{"thread_create_join", 0, thread_join, 0, 5, 55},
	{"futex_wake_none", 0, futex_none, 0, 100, 1100},
	{"futex_turns", start_other, futex_turns, end_other, 100, 600},
	{"sched_yield_others", start_yielder, yield, end_yielder, 100, 600},
};

MEASURE(rows)
