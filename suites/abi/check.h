// What the programs of this suite share: a table of tests, checks, and helpers for children.
//
// A program runs the test that its argument names. The test prints nothing and the status is 0 if
// all that its name says holds; otherwise it prints the check that failed and the status is 1.
// The status is LACKING if the kernel says that it does not have what the test is about; only cases
// that call themselves optional are let pass with that.

#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// arguments are those of the program.
__attribute__((unused)) static char **arguments;

enum { LACKING = 77 };

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) {#name, name}

// fail ends the test, or the child of a test.
__attribute__((noreturn, unused)) static void fail(const char *file, int line, const char *format, ...)
{
	int error = errno;
	va_list args;
	char text[512];
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	const char *base = strrchr(file, '/');
	dprintf(1, "%s:%d: %s (errno: %s)\n", base ? base + 1 : file, line, text, strerror(error));
	_exit(1);
}

// CHECK fails unless the condition holds. It does not change errno.
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail(__FILE__, __LINE__, "%s", #condition);                                \
	} while (0)

// EQUAL fails unless two numbers are equal; it prints them.
#define EQUAL(value, expected)                                                                     \
	do {                                                                                       \
		long long value_ = (long long)(value), expected_ = (long long)(expected);          \
		if (value_ != expected_)                                                           \
			fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %s = %lld", #value,      \
			     value_, value_, #expected, expected_);                                \
	} while (0)

// FAILS fails unless a call returns -1 with the error in errno.
#define FAILS(call, error)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		long long result_ = (long long)(call);                                             \
		if (result_ != -1 || errno != (error))                                             \
			fail(__FILE__, __LINE__, "%s returns %lld, not -1 with %s", #call,         \
			     result_, #error);                                                     \
	} while (0)

// start runs a function in a child, which ends with status 0 when the function returns.
__attribute__((unused)) static pid_t start(void (*run)(void))
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	return pid;
}

// end waits for a child and returns its wait status.
__attribute__((unused)) static int end(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	return status;
}

// PASSES fails unless the child ends with status 0.
#define PASSES(pid)                                                                                \
	do {                                                                                       \
		int status_ = end(pid);                                                            \
		if (status_ != 0)                                                                  \
			fail(__FILE__, __LINE__, "%s ends with wait status %#x", #pid, status_);   \
	} while (0)

// KILLED fails unless the child is killed by the signal.
#define KILLED(pid, signal)                                                                        \
	do {                                                                                       \
		int status_ = end(pid);                                                            \
		if (!WIFSIGNALED(status_) || WTERMSIG(status_) != (signal))                        \
			fail(__FILE__, __LINE__, "%s ends with wait status %#x, not by %s", #pid,  \
			     status_, #signal);                                                    \
	} while (0)

// now returns the monotonic clock in nanoseconds.
__attribute__((unused)) static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#define MS 1000000LL // nanoseconds in a millisecond

// pause_ms sleeps, through signals, for a number of milliseconds.
__attribute__((unused)) static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	while (nanosleep(&t, &t) != 0)
		CHECK(errno == EINTR);
}

// state returns the letter that /proc tells for the state of a process, 0 if there is no such one.
__attribute__((unused)) static char state(pid_t pid)
{
	char name[40], text[200] = "";
	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	if (n == 0)
		return 0;
	char *end = strrchr(text, ')');
	return end ? end[2] : 0;
}

// await returns when a process is in a state, such as 'S' for a process that sleeps in a call.
__attribute__((unused)) static void await(pid_t pid, char wanted)
{
	for (int i = 0; i < 2000; i++) {
		if (state(pid) == wanted)
			return;
		pause_ms(10);
	}
	fail(__FILE__, __LINE__, "process %d is in state %c, not %c", pid, state(pid), wanted);
}

// is_named tells whether an argument names a test; it has dashes where the function has underscores.
__attribute__((unused)) static int is_named(const char *name, const char *argument)
{
	for (; *name != 0; name++, argument++) {
		if (*argument != (*name == '_' ? '-' : *name))
			return 0;
	}
	return *argument == 0;
}

// MAIN runs the test that the argument names, or prints the names of all.
#define MAIN(tests)                                                                                \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		arguments = argv;                                                                  \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests)[0]; i++) {                    \
			if (argc < 2) {                                                            \
				for (const char *c = (tests)[i].name; *c; c++)                     \
					putchar(*c == '_' ? '-' : *c);                             \
				putchar('\n');                                                     \
			} else if (is_named((tests)[i].name, argv[1])) {                           \
				(tests)[i].run();                                                  \
				return 0;                                                          \
			}                                                                          \
		}                                                                                  \
		return argc < 2 ? 0 : 2;                                                           \
	}

#endif
