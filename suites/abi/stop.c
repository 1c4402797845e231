// Stopping and continuing processes, and what their parents are told.

#include "check.h"

static volatile sig_atomic_t count;
static volatile siginfo_t got;

static void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	got = *info;
	count++;
}

static void handle(int number, int flags)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
	CHECK(sigaction(number, &action, NULL) == 0);
}

static void mask(int how, int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK(sigprocmask(how, &set, NULL) == 0);
}

static void wait_for_count(int wanted)
{
	for (int i = 0; i < 2000 && count < wanted; i++)
		pause_ms(10);
	EQUAL(count, wanted);
}

static void sleep_forever(void)
{
	for (;;)
		pause();
}

// wait4 tells of a stop with WUNTRACED and of a continuation with WCONTINUED, each once.
static void wait_for_stop(void)
{
	int status;
	pid_t pid = start(sleep_forever);
	EQUAL(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
	CHECK(kill(pid, SIGSTOP) == 0);
	EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	EQUAL(WSTOPSIG(status), SIGSTOP);
	EQUAL(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
	EQUAL(state(pid), 'T');
	CHECK(kill(pid, SIGCONT) == 0);
	EQUAL(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	EQUAL(waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED), 0);
	CHECK(kill(pid, SIGTERM) == 0);
	KILLED(pid, SIGTERM);
}

// A parent gets SIGCHLD when a child stops, goes on and ends, with a code for each.
static void sigchld_of_stop(void)
{
	handle(SIGCHLD, 0);
	pid_t pid = start(sleep_forever);
	await(pid, 'S');
	CHECK(kill(pid, SIGSTOP) == 0);
	wait_for_count(1);
	EQUAL(got.si_code, CLD_STOPPED);
	EQUAL(got.si_pid, pid);
	EQUAL(got.si_status, SIGSTOP);
	CHECK(kill(pid, SIGCONT) == 0);
	wait_for_count(2);
	EQUAL(got.si_code, CLD_CONTINUED);
	EQUAL(got.si_status, SIGCONT);
	CHECK(kill(pid, SIGTERM) == 0);
	wait_for_count(3);
	EQUAL(got.si_code, CLD_KILLED);
	EQUAL(got.si_status, SIGTERM);
	KILLED(pid, SIGTERM);
}

// With SA_NOCLDSTOP there is no SIGCHLD for stops, but one for the end.
static void nocldstop(void)
{
	int status;
	handle(SIGCHLD, SA_NOCLDSTOP);
	pid_t pid = start(sleep_forever);
	CHECK(kill(pid, SIGSTOP) == 0);
	while (waitpid(pid, &status, WUNTRACED) != pid)
		CHECK(errno == EINTR);
	CHECK(kill(pid, SIGCONT) == 0);
	while (waitpid(pid, &status, WCONTINUED) != pid)
		CHECK(errno == EINTR);
	EQUAL(count, 0);
	CHECK(kill(pid, SIGKILL) == 0);
	KILLED(pid, SIGKILL);
	EQUAL(count, 1);
}

// A stopped process handles nothing but SIGKILL until it goes on.
static void stopped_handles_nothing(void)
{
	int ends[2];
	char c;
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		handle(SIGUSR1, 0);
		CHECK(write(ends[1], "r", 1) == 1);
		while (count == 0)
			pause_ms(1);
		CHECK(write(ends[1], "h", 1) == 1);
		sleep_forever();
	}
	EQUAL(read(ends[0], &c, 1), 1);
	CHECK(kill(pid, SIGSTOP) == 0);
	await(pid, 'T');
	CHECK(kill(pid, SIGUSR1) == 0);
	CHECK(kill(pid, SIGTERM) == 0);
	pause_ms(100);
	EQUAL(state(pid), 'T');
	CHECK(kill(pid, SIGCONT) == 0);
	KILLED(pid, SIGTERM);

	pid = start(sleep_forever);
	CHECK(kill(pid, SIGSTOP) == 0);
	await(pid, 'T');
	CHECK(kill(pid, SIGKILL) == 0);
	KILLED(pid, SIGKILL);
}

// SIGCONT takes away pending stops, a stop takes away a pending SIGCONT.
static void stop_and_continue_cancel(void)
{
	sigset_t set;
	mask(SIG_BLOCK, SIGTSTP);
	mask(SIG_BLOCK, SIGTTIN);
	mask(SIG_BLOCK, SIGCONT);
	CHECK(kill(getpid(), SIGTSTP) == 0);
	CHECK(kill(getpid(), SIGTTIN) == 0);
	CHECK(sigpending(&set) == 0);
	CHECK(sigismember(&set, SIGTSTP) && sigismember(&set, SIGTTIN));
	handle(SIGCONT, 0);
	CHECK(kill(getpid(), SIGCONT) == 0);
	CHECK(sigpending(&set) == 0);
	CHECK(!sigismember(&set, SIGTSTP) && !sigismember(&set, SIGTTIN));
	CHECK(sigismember(&set, SIGCONT));
	CHECK(kill(getpid(), SIGTSTP) == 0);
	CHECK(sigpending(&set) == 0);
	CHECK(!sigismember(&set, SIGCONT));
}

// SIGCONT continues a process that masks or ignores it.
static void continues_even_if_masked(void)
{
	for (int way = 0; way < 2; way++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			if (way == 0)
				mask(SIG_BLOCK, SIGCONT);
			else
				signal(SIGCONT, SIG_IGN);
			kill(getpid(), SIGSTOP);
			_exit(5);
		}
		EQUAL(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		CHECK(kill(pid, SIGCONT) == 0);
		status = end(pid);
		CHECK(WIFEXITED(status));
		EQUAL(WEXITSTATUS(status), 5);
	}
}

// SIGTSTP, SIGTTIN and SIGTTOU stop a process of a group that somebody watches, and can be caught.
static void terminal_stops(void)
{
	int numbers[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	for (int i = 0; i < 3; i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			kill(getpid(), numbers[i]);
			handle(numbers[i], 0);
			kill(getpid(), numbers[i]);
			_exit(count);
		}
		EQUAL(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		EQUAL(WSTOPSIG(status), numbers[i]);
		CHECK(kill(pid, SIGCONT) == 0);
		status = end(pid);
		CHECK(WIFEXITED(status));
		EQUAL(WEXITSTATUS(status), 1);
	}
}

// A group that becomes orphaned with a stopped process in it gets SIGHUP and SIGCONT.
static void orphaned_group(void)
{
	int ends[2];
	char c = 0;
	CHECK(pipe(ends) == 0);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			handle(SIGHUP, 0);
			handle(SIGCONT, 0);
			kill(getpid(), SIGSTOP);
			while (count < 2)
				pause_ms(1);
			CHECK(write(ends[1], "c", 1) == 1);
			_exit(0);
		}
		int status;
		CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		_exit(0); // and so leaves the group without a parent in its session
	}
	PASSES(parent);
	close(ends[1]);
	EQUAL(read(ends[0], &c, 1), 1);
	EQUAL(c, 'c');
}

// In an orphaned group the stops of a terminal are ignored, SIGSTOP is not.
static void orphan_is_not_stopped(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setsid() > 0);
		kill(getpid(), SIGTSTP);
		kill(getpid(), SIGTTIN);
		_exit(0);
	}
	PASSES(pid);
}

static const struct test tests[] = {
	TEST(wait_for_stop),
	TEST(sigchld_of_stop),
	TEST(nocldstop),
	TEST(stopped_handles_nothing),
	TEST(stop_and_continue_cancel),
	TEST(continues_even_if_masked),
	TEST(terminal_stops),
	TEST(orphaned_group),
	TEST(orphan_is_not_stopped),
};
MAIN(tests)
