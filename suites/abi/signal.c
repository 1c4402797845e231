// Signals: how they are sent, masked, queued and handled.

#include "check.h"

#include <poll.h>
#include <setjmp.h>
#include <sys/time.h>

static volatile sig_atomic_t count;
static volatile siginfo_t got;
static volatile int order[16];

static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	order[count & 15] = number;
	got = *info;
	count++;
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
	CHECK(sigaction(number, &action, NULL) == 0);
}

static void mask(int how, int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK(sigprocmask(how, &set, NULL) == 0);
}

static int is_masked(int number)
{
	sigset_t set;
	CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
	return sigismember(&set, number);
}

static int is_pending(int number)
{
	sigset_t set;
	CHECK(sigpending(&set) == 0);
	return sigismember(&set, number);
}

// The kernel's own sigaction, for the signals that the C library keeps for itself.
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

__attribute__((naked)) static void restorer(void)
{
	__asm__("mov $15, %eax\n\tsyscall");
}

static void count_one(int number)
{
	order[0] = number;
	count++;
}

// Each of the 64 signals, but SIGKILL and SIGSTOP, can be caught, and raised by its number.
static void all_numbers(void)
{
	for (int number = 1; number <= 64; number++) {
		struct kernel_sigaction action = {count_one, 0x04000000 /* SA_RESTORER */, restorer, 0};
		long result = syscall(SYS_rt_sigaction, number, &action, NULL, 8);
		if (number == SIGKILL || number == SIGSTOP) {
			EQUAL(result, -1);
			EQUAL(errno, EINVAL);
			continue;
		}
		EQUAL(result, 0);
		count = 0;
		CHECK(syscall(SYS_kill, getpid(), number) == 0);
		EQUAL(count, 1);
		EQUAL(order[0], number);
	}
	FAILS(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, SIGINT, NULL, NULL, 16), EINVAL);
}

// A signal of kill tells who sent it.
static void siginfo_of_kill(void)
{
	handle(SIGUSR1, note, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(count, 1);
	EQUAL(got.si_signo, SIGUSR1);
	EQUAL(got.si_code, SI_USER);
	EQUAL(got.si_pid, getpid());
	EQUAL(got.si_uid, getuid());
	CHECK(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1) == 0);
	EQUAL(got.si_code, SI_TKILL);
	EQUAL(got.si_pid, getpid());
}

// sigqueue carries a value.
static void siginfo_of_sigqueue(void)
{
	handle(SIGUSR1, note, 0);
	union sigval value = {.sival_ptr = (void *)0x123456789abcdef0};
	CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);
	EQUAL(got.si_code, SI_QUEUE);
	EQUAL(got.si_pid, getpid());
	CHECK(got.si_value.sival_ptr == value.sival_ptr);
}

// The errors of kill: no such process, no such signal, no permission; signal 0 only asks.
static void kill_errors(void)
{
	CHECK(kill(getpid(), 0) == 0);
	FAILS(kill(getpid(), 65), EINVAL);
	FAILS(kill(getpid(), -1), EINVAL);
	FAILS(kill(0x3fffffff, SIGTERM), ESRCH);
	FAILS(kill(-0x3fffffff, SIGTERM), ESRCH);
	FAILS(syscall(SYS_tgkill, 0, getpid(), SIGTERM), EINVAL);
	FAILS(syscall(SYS_tgkill, getppid(), getpid(), SIGTERM), ESRCH);
	CHECK(setuid(1000) == 0);
	FAILS(kill(1, 0), EPERM);
	FAILS(kill(1, SIGTERM), EPERM);
}

// A masked signal stays pending and comes when it is unmasked.
static void masked_is_pending(void)
{
	handle(SIGUSR1, note, 0);
	mask(SIG_BLOCK, SIGUSR1);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(count, 0);
	CHECK(is_pending(SIGUSR1));
	CHECK(!is_pending(SIGUSR2));
	mask(SIG_UNBLOCK, SIGUSR1);
	EQUAL(count, 1);
	CHECK(!is_pending(SIGUSR1));
}

// SIGKILL and SIGSTOP cannot be masked or ignored.
static void kill_and_stop_unmaskable(void)
{
	sigset_t all;
	sigfillset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	CHECK(!is_masked(SIGKILL));
	CHECK(!is_masked(SIGSTOP));
	CHECK(is_masked(SIGTERM));
	CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
	CHECK(signal(SIGSTOP, SIG_IGN) == SIG_ERR && errno == EINVAL);
}

// A standard signal that is pending twice comes once; a real-time signal as often as it was sent, in order.
static void queueing(void)
{
	int values[8];
	handle(SIGUSR1, note, 0);
	handle(SIGRTMIN + 1, note, 0);
	mask(SIG_BLOCK, SIGUSR1);
	mask(SIG_BLOCK, SIGRTMIN + 1);
	for (int i = 0; i < 3; i++) {
		CHECK(kill(getpid(), SIGUSR1) == 0);
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}) == 0);
	}
	mask(SIG_UNBLOCK, SIGUSR1);
	EQUAL(count, 1);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	for (int i = 0; i < 3; i++) {
		siginfo_t info;
		EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 1);
		values[i] = info.si_value.sival_int;
		EQUAL(values[i], i);
	}
	struct timespec none = {0, 0};
	FAILS(sigtimedwait(&set, NULL, &none), EAGAIN);
}

// Several pending signals come with the lowest number first; the handler of the last one runs first to its end.
static void lowest_first(void)
{
	int numbers[] = {SIGRTMIN + 3, SIGUSR2, SIGRTMIN + 1, SIGHUP, SIGUSR1};
	sigset_t all, old, set;
	sigfillset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, &old) == 0);
	sigemptyset(&set);
	for (int i = 0; i < 5; i++) {
		CHECK(kill(getpid(), numbers[i]) == 0);
		sigaddset(&set, numbers[i]);
	}
	int expected[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN + 1, SIGRTMIN + 3};
	for (int i = 0; i < 5; i++)
		EQUAL(sigwaitinfo(&set, NULL), expected[i]);

	// Every frame is pushed before the first handler runs, so handlers run from the last to the first.
	for (int i = 0; i < 5; i++) {
		handle(numbers[i], note, 0);
		CHECK(kill(getpid(), numbers[i]) == 0);
	}
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	EQUAL(count, 5);
	for (int i = 0; i < 5; i++)
		EQUAL(order[i], expected[4 - i]);
}

static volatile int depth, deepest, inner_masked, other_masked;

static void nest(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	depth++;
	if (depth > deepest)
		deepest = depth;
	inner_masked = is_masked(SIGUSR1);
	other_masked = is_masked(SIGUSR2);
	if (count++ == 0)
		CHECK(kill(getpid(), number) == 0);
	depth--;
}

// In a handler its own signal and those of sa_mask are masked, and the old mask is back afterwards.
static void mask_in_handler(void)
{
	struct sigaction action = {.sa_sigaction = nest, .sa_flags = SA_SIGINFO};
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(count, 2);
	EQUAL(deepest, 1);
	EQUAL(inner_masked, 1);
	EQUAL(other_masked, 1);
	CHECK(!is_masked(SIGUSR1));
	CHECK(!is_masked(SIGUSR2));
}

// With SA_NODEFER a handler can be interrupted by its own signal.
static void nodefer(void)
{
	handle(SIGUSR1, nest, SA_NODEFER);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(count, 2);
	EQUAL(deepest, 2);
	EQUAL(inner_masked, 0);
}

// With SA_RESETHAND a handler runs once; then the default action is back.
static void resethand(void)
{
	handle(SIGUSR1, note, SA_RESETHAND);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(count, 1);
	struct sigaction action;
	CHECK(sigaction(SIGUSR1, NULL, &action) == 0);
	CHECK(action.sa_handler == SIG_DFL);
	pid_t pid = fork();
	if (pid == 0) {
		kill(getpid(), SIGUSR1);
		_exit(0);
	}
	KILLED(pid, SIGUSR1);
}

// sigaction tells what was set, with all flags and the mask.
static void sigaction_tells(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER | SA_ONSTACK}, old;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGHUP);
	sigaddset(&action.sa_mask, SIGRTMAX);
	sigaddset(&action.sa_mask, SIGKILL);
	CHECK(sigaction(SIGUSR2, &action, &old) == 0);
	CHECK(old.sa_handler == SIG_DFL);
	CHECK(sigaction(SIGUSR2, NULL, &old) == 0);
	CHECK(old.sa_sigaction == note);
	EQUAL(old.sa_flags & ~0x04000000, action.sa_flags);
	CHECK(sigismember(&old.sa_mask, SIGHUP) && sigismember(&old.sa_mask, SIGRTMAX));
	CHECK(!sigismember(&old.sa_mask, SIGINT));
	CHECK(!sigismember(&old.sa_mask, SIGKILL));
}

static pid_t parent;

static void signal_parent_twice(void)
{
	await(parent, 'S');
	kill(parent, SIGUSR1);
	pause_ms(200);
	kill(parent, SIGUSR2);
}

static int pipe_ends[2];

static void feed_after_signal(void)
{
	await(parent, 'S');
	kill(parent, SIGUSR1);
	pause_ms(200);
	CHECK(write(pipe_ends[1], "x", 1) == 1);
}

// A read that is interrupted goes on with SA_RESTART, and fails with EINTR without.
static void restart_read(void)
{
	char c = 0;
	parent = getpid();
	CHECK(pipe(pipe_ends) == 0);
	handle(SIGUSR1, note, SA_RESTART);
	pid_t pid = start(feed_after_signal);
	EQUAL(read(pipe_ends[0], &c, 1), 1);
	EQUAL(c, 'x');
	EQUAL(count, 1);
	PASSES(pid);
	handle(SIGUSR1, note, 0);
	pid = start(feed_after_signal);
	FAILS(read(pipe_ends[0], &c, 1), EINTR);
	EQUAL(count, 2);
	EQUAL(read(pipe_ends[0], &c, 1), 1);
	PASSES(pid);
}

// An ignored signal, and one whose default is to be ignored, do not interrupt a read.
static void ignored_does_not_interrupt(void)
{
	char c = 0;
	parent = getpid();
	CHECK(pipe(pipe_ends) == 0);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	pid_t pid = start(feed_after_signal);
	EQUAL(read(pipe_ends[0], &c, 1), 1);
	PASSES(pid);
}

// wait4 is restarted with SA_RESTART, and fails with EINTR without.
static void restart_wait(void)
{
	int status;
	parent = getpid();
	handle(SIGUSR1, note, SA_RESTART);
	handle(SIGUSR2, note, 0);
	pid_t pid = start(signal_parent_twice);
	pid_t other = fork();
	if (other == 0) {
		for (;;)
			pause();
	}
	FAILS(waitpid(other, &status, 0), EINTR);
	EQUAL(count, 2);
	EQUAL(order[0], SIGUSR1);
	EQUAL(order[1], SIGUSR2);
	PASSES(pid);
	kill(other, SIGKILL);
	KILLED(other, SIGKILL);
}

// poll and nanosleep are never restarted; nanosleep tells what is left.
static void never_restarted(void)
{
	parent = getpid();
	handle(SIGUSR1, note, SA_RESTART);
	handle(SIGUSR2, note, SA_RESTART);
	pid_t pid = start(signal_parent_twice);
	FAILS(poll(NULL, 0, 30000), EINTR);
	struct timespec t = {30, 0}, left = {0, 0};
	FAILS(nanosleep(&t, &left), EINTR);
	CHECK(left.tv_sec >= 5 && left.tv_sec < 30);
	EQUAL(count, 2);
	PASSES(pid);
}

// A sleep that is stopped and continued goes on for what is left, without an error.
static void stop_does_not_end_sleep(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		int64_t begin = now();
		struct timespec t = {0, 700 * MS};
		CHECK(nanosleep(&t, NULL) == 0);
		CHECK(now() - begin >= 700 * MS);
		_exit(0);
	}
	await(pid, 'S');
	CHECK(kill(pid, SIGSTOP) == 0);
	await(pid, 'T');
	CHECK(kill(pid, SIGCONT) == 0);
	PASSES(pid);
}

// sigsuspend waits with another mask, runs the handler, and puts the mask back.
static void sigsuspend_restores(void)
{
	sigset_t set;
	handle(SIGUSR1, note, 0);
	mask(SIG_BLOCK, SIGUSR1);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	sigemptyset(&set);
	FAILS(sigsuspend(&set), EINTR);
	EQUAL(count, 1);
	CHECK(is_masked(SIGUSR1));
}

// pause returns with EINTR after a handler has run, not for an ignored signal.
static void pause_returns(void)
{
	parent = getpid();
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	handle(SIGUSR2, note, SA_RESTART);
	pid_t pid = start(signal_parent_twice);
	FAILS(pause(), EINTR);
	EQUAL(count, 1);
	EQUAL(order[0], SIGUSR2);
	PASSES(pid);
}

// sigtimedwait takes a masked signal with its siginfo, and gives up in time.
static void sigtimedwait_takes(void)
{
	sigset_t set;
	siginfo_t info;
	parent = getpid();
	mask(SIG_BLOCK, SIGUSR1);
	mask(SIG_BLOCK, SIGUSR2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	struct timespec t = {0, 150 * MS};
	int64_t begin = now();
	FAILS(sigtimedwait(&set, &info, &t), EAGAIN);
	CHECK(now() - begin >= 150 * MS);
	pid_t pid = start(signal_parent_twice);
	t.tv_sec = 30;
	EQUAL(sigtimedwait(&set, &info, &t), SIGUSR1);
	EQUAL(info.si_signo, SIGUSR1);
	EQUAL(info.si_code, SI_USER);
	EQUAL(info.si_pid, pid);
	PASSES(pid);
	CHECK(is_pending(SIGUSR2));
	t.tv_nsec = -1;
	FAILS(sigtimedwait(&set, &info, &t), EINVAL);
}

// A child of fork has the handlers and the mask of its parent, and nothing pending.
static void fork_inherits(void)
{
	handle(SIGUSR1, note, 0);
	mask(SIG_BLOCK, SIGUSR2);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(!is_pending(SIGUSR2));
		CHECK(is_masked(SIGUSR2));
		CHECK(kill(getpid(), SIGUSR1) == 0);
		EQUAL(count, 1);
		_exit(0);
	}
	PASSES(pid);
	CHECK(is_pending(SIGUSR2));
	EQUAL(count, 0);
}

// The default action of every signal: to end, to be ignored, to stop or to continue.
static void default_actions(void)
{
	for (int number = 1; number <= 64; number++) {
		if (number == SIGKILL || number == 32 || number == 33 || number == 34)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			kill(getpid(), number);
			_exit(77);
		}
		int status;
		CHECK(waitpid(pid, &status, WUNTRACED) == pid);
		switch (number) {
		case SIGCHLD:
		case SIGURG:
		case SIGWINCH:
		case SIGCONT:
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 77)
				fail(__FILE__, __LINE__, "signal %d is not ignored: %#x", number, status);
			break;
		case SIGTSTP:
		case SIGTTIN:
		case SIGTTOU:
		case SIGSTOP:
			// In a group without a parent of its session a stop from a terminal is ignored.
			if (WIFEXITED(status) && number != SIGSTOP)
				break;
			if (!WIFSTOPPED(status) || WSTOPSIG(status) != number)
				fail(__FILE__, __LINE__, "signal %d does not stop: %#x", number, status);
			kill(pid, SIGKILL);
			KILLED(pid, SIGKILL);
			break;
		default:
			if (!WIFSIGNALED(status) || WTERMSIG(status) != number)
				fail(__FILE__, __LINE__, "signal %d does not end: %#x", number, status);
		}
	}
}

// A signal that interrupts a computation is handled soon, and the computation goes on.
static void asynchronous(void)
{
	struct itimerval interval = {{0, 2000}, {0, 2000}};
	handle(SIGALRM, note, 0);
	CHECK(setitimer(ITIMER_REAL, &interval, NULL) == 0);
	volatile unsigned long turns = 0;
	int64_t limit = now() + 20000 * MS;
	while (count < 50) {
		for (int i = 0; i < 10000; i++)
			turns++;
		CHECK(now() < limit);
	}
	interval.it_interval.tv_usec = interval.it_value.tv_usec = 0;
	CHECK(setitimer(ITIMER_REAL, &interval, NULL) == 0);
	CHECK(turns % 10000 == 0);
}

static sigjmp_buf away;

static void leap(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	siglongjmp(away, 1);
}

// A handler may leave by siglongjmp, which restores the mask.
static void longjmp_from_handler(void)
{
	handle(SIGUSR1, leap, 0);
	for (volatile int i = 0; i < 100; i++) {
		if (sigsetjmp(away, 1) == 0) {
			kill(getpid(), SIGUSR1);
			fail(__FILE__, __LINE__, "the handler returned");
		}
		CHECK(!is_masked(SIGUSR1));
	}
}

static const struct test tests[] = {
	TEST(all_numbers),
	TEST(siginfo_of_kill),
	TEST(siginfo_of_sigqueue),
	TEST(kill_errors),
	TEST(masked_is_pending),
	TEST(kill_and_stop_unmaskable),
	TEST(queueing),
	TEST(lowest_first),
	TEST(mask_in_handler),
	TEST(nodefer),
	TEST(resethand),
	TEST(sigaction_tells),
	TEST(restart_read),
	TEST(ignored_does_not_interrupt),
	TEST(restart_wait),
	TEST(never_restarted),
	TEST(stop_does_not_end_sleep),
	TEST(sigsuspend_restores),
	TEST(pause_returns),
	TEST(sigtimedwait_takes),
	TEST(fork_inherits),
	TEST(default_actions),
	TEST(asynchronous),
	TEST(longjmp_from_handler),
};
MAIN(tests)
