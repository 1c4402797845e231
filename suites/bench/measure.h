// What the programs of this folder share: a table of rows, and the loop that counts instructions.
//
// A program measures the rows whose names, or whose names with that of the program before them, match a pattern
// of fnmatch(3), its argument, and prints for each
//
//	row PROGRAM/NAME OPERATIONS INSTRUCTIONS LEAST
//
// so many operations took so many instructions in a round on average, and so many in the cheapest runs. Under QEMU's -icount shift=0,sleep=off the time-stamp
// counter advances by one for every instruction of the guest.

#ifndef MEASURE_H
#define MEASURE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A row is one operation. Run does it n times; what happens in a run once, however large n is, does not count:
// a round is a run of many operations less one of few. In a row with count, that says what took how long
// itself. What prepare makes, cleanup takes away.
struct row {
	const char *name;
	void (*prepare)(void);
	void (*run)(long n);
	void (*cleanup)(void);
	long few, many;
	uint64_t (*count)(long n);
	const char *command; // for a program whose rows are commands
};

// rounds is how often every row is measured. The mean counts: what a kernel does now and then is in it.
enum { rounds = 9 };

static const char *program, *measured = "the beginning"; // the name of the row

static void fail(const char *what)
{
	printf("failed %s: %s: %s\n", measured, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

// NEED fails unless the condition holds.
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail(#condition);                                                          \
	} while (0)

static inline uint64_t ticks(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

// call makes a system call and returns what the kernel does, without the library in between.
static inline long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}
#define CALL6(nr, a, b, c, d, e, f, ...) call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define call(nr, ...) CALL6(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline void close_fd(long fd) { NEED(fd >= 0 && call(SYS_close, fd) == 0); }

__attribute__((unused)) static void await(pid_t pid)
{
	int status;
	NEED(pid > 0);
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
}

// REPEAT defines a run that does the statement n times.
#define REPEAT(name, statement)                                                                    \
	static void name(long n)                                                                   \
	{                                                                                          \
		while (n-- > 0) {                                                                  \
			statement;                                                                 \
		}                                                                                  \
	}

static const struct row *current;

// count returns what n operations took.
static uint64_t count(long n)
{
	if (current->count)
		return current->count(n);
	uint64_t begin = ticks();
	current->run(n);
	return ticks() - begin;
}

static void measure(const struct row *r)
{
	int64_t sum = 0, least[2] = {INT64_MAX, INT64_MAX};
	current = r;
	measured = r->name;
	if (r->prepare)
		r->prepare();
	count(r->few);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++) {
			int64_t took = count(i ? r->many : r->few);
			sum += i ? took : -took;
			if (took < least[i])
				least[i] = took;
		}
	}
	if (r->cleanup)
		r->cleanup();
	printf("row %s/%s %ld %lld %lld\n", program, r->name, r->many - r->few, (long long)(sum / rounds), (long long)(least[1] - least[0]));
	fflush(stdout);
}

// chosen reports whether the row's name, alone or with the program's, matches.
static int chosen(const struct row *r, const char *pattern)
{
	char whole[100];
	snprintf(whole, sizeof whole, "%s/%s", program, r->name);
	return fnmatch(pattern, r->name, 0) == 0 || fnmatch(pattern, whole, 0) == 0;
}

static int measure_all(const struct row *rows, size_t n, int argc, char **argv)
{
	program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	for (size_t i = 0; i < n; i++)
		if (argc < 2 || chosen(&rows[i], argv[1]))
			measure(&rows[i]);
	return 0;
}

#define MEASURE(rows)                                                                              \
	int main(int argc, char **argv) { return measure_all(rows, sizeof rows / sizeof rows[0], argc, argv); }

#endif
