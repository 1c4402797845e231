// Memory that can be executed and not be read, where the processor has protection keys, and the rights to
// keys as a part of a program's state.

#include "check.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#define INITIAL_RIGHTS 0x55555554u

static sigjmp_buf back;
static siginfo_t info;
static greg_t registers[NGREG];

static void note(int number, siginfo_t *i, void *context)
{
	(void)number;
	info = *i;
	memcpy(registers, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof registers);
	siglongjmp(back, 1);
}

// has_keys tells whether the kernel uses the protection keys of the processor.
static int has_keys(void)
{
	unsigned a, b, c = 0, d;
	__cpuid_count(7, 0, a, b, c, d);
	return c >> 4 & 1;
}

static unsigned rights(void)
{
	unsigned v, d;
	__asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(v), "=d"(d) : "c"(0));
	return v;
}

static void set_rights(unsigned v) { __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(v), "c"(0), "d"(0) : "memory"); }

// FAULTS fails unless the statement is a SIGSEGV with the code.
#define FAULTS(statement, code)                                                                    \
	do {                                                                                       \
		struct sigaction action_ = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};         \
		CHECK(sigaction(SIGSEGV, &action_, NULL) == 0);                                    \
		memset(&info, 0, sizeof info);                                                     \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			statement;                                                                 \
			fail(__FILE__, __LINE__, "no fault: %s", #statement);                      \
		}                                                                                  \
		EQUAL(info.si_signo, SIGSEGV);                                                     \
		EQUAL(info.si_code, code);                                                         \
	} while (0)

static char *executable(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	memcpy(p, "\xb8\x2a\0\0\0\xc3", 6); // mov $42, %eax; ret
	CHECK(mprotect(p, 8192, PROT_EXEC) == 0);
	return p;
}

// Memory with PROT_EXEC alone runs; where there are keys neither the program nor the kernel reads it.
static void execute_only(void)
{
	char *p = executable();
	int ends[2];
	CHECK(pipe(ends) == 0);
	EQUAL(((int (*)(void))p)(), 42);
	FAULTS(*(volatile char *)p = 1, has_keys() ? SEGV_PKUERR : SEGV_ACCERR);
	if (!has_keys()) {
		EQUAL(*(volatile unsigned char *)p, 0xb8);
		EQUAL(write(ends[1], p, 1), 1);
		return;
	}
	FAULTS(*(volatile char *)p, SEGV_PKUERR);
	CHECK(info.si_addr == p);
	EQUAL(registers[REG_ERR] & ~2, 1 | 4 | 32); // present, user, key
	int key = *(int *)((char *)&info + 32);
	CHECK(key > 0 && key < 16);
	FAULTS(*(volatile char *)(p + 4096), SEGV_PKUERR); // never touched
	for (int i = 0; i < 3; i++)
		FAILS(write(ends[1], p, 1), EFAULT);
	FAILS(open(p, O_RDONLY), EFAULT);
	EQUAL(((int (*)(void))p)(), 42);
	CHECK(mprotect(p, 8192, PROT_READ | PROT_EXEC) == 0);
	EQUAL(*(volatile unsigned char *)p, 0xb8);
	EQUAL(write(ends[1], p, 8192), 8192);
	CHECK(mprotect(p, 8192, PROT_EXEC) == 0);
	FAULTS(*(volatile char *)p, SEGV_PKUERR);
	CHECK(mprotect(p, 8192, PROT_NONE) == 0);
	FAULTS(*(volatile char *)p, SEGV_ACCERR);
	CHECK(mprotect(p, 8192, PROT_READ | PROT_WRITE) == 0);
	*p = 1;
}

// A child of fork cannot read it either, nor a mapping of a file.
static void execute_only_inherited(void)
{
	char *p = executable();
	int fd = open("/proc/self/exe", O_RDONLY);
	char *file = mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, fd, 0);
	CHECK(file != MAP_FAILED);
	if (!has_keys())
		return;
	FAULTS(*(volatile char *)file, SEGV_PKUERR);
	pid_t pid = fork();
	if (pid == 0) {
		EQUAL(((int (*)(void))p)(), 42);
		FAULTS(*(volatile char *)p, SEGV_PKUERR);
		FAULTS(*(volatile char *)file, SEGV_PKUERR);
		FAULTS(*(volatile char *)p = 1, SEGV_PKUERR);
		_exit(0);
	}
	PASSES(pid);
}

static volatile unsigned rights_of_handler;

static void handler(int n)
{
	(void)n;
	rights_of_handler = rights();
	set_rights(INITIAL_RIGHTS);
}

// A program gives itself the rights; a handler begins with the initial ones and changes nothing.
static void own_rights(void)
{
	if (!has_keys())
		return;
	EQUAL(rights(), INITIAL_RIGHTS);
	char *p = executable();
	EQUAL(((int (*)(void))p)(), 42);
	set_rights(0);
	EQUAL(*(volatile unsigned char *)p, 0xb8);
	signal(SIGUSR1, handler);
	for (int i = 0; i < 10; i++) {
		set_rights(i << 4);
		rights_of_handler = 1;
		raise(SIGUSR1);
		EQUAL(rights_of_handler, INITIAL_RIGHTS);
		EQUAL(rights(), i << 4);
	}
}

// A child of fork begins with its parent's rights, a program with the initial ones.
static void rights_inherited(void)
{
	if (!has_keys())
		return;
	if (strcmp(arguments[0], "fresh") == 0) {
		EQUAL(rights(), INITIAL_RIGHTS);
		return;
	}
	set_rights(0x10);
	pid_t pid = fork();
	if (pid == 0) {
		EQUAL(rights(), 0x10);
		char *argv[] = {"fresh", "rights-inherited", NULL}, *environment[] = {NULL};
		execve("/proc/self/exe", argv, environment);
		_exit(1);
	}
	PASSES(pid);
}

// Programs that take turns keep each its own rights.
static void rights_kept(void)
{
	if (!has_keys())
		return;
	pid_t pids[4];
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		unsigned mine = i == 3 ? INITIAL_RIGHTS : i << 6;
		set_rights(mine);
		for (int round = 0; round < 300; round++) {
			for (volatile int k = 0; k < 3000; k++)
				;
			sched_yield();
			if (rights() != mine)
				fail(__FILE__, __LINE__, "rights are %x, not %x", rights(), mine);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		PASSES(pids[i]);
}

// A program that has taken all rights from itself is in nobody's way.
static void no_rights_at_all(void)
{
	if (!has_keys())
		return;
	int fd = open("/dev/zero", O_RDONLY);
	pid_t pids[2];
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] == 0)
			__asm__ volatile("1:\n\t.byte 0x0f, 0x01, 0xef\n\tjmp 1b" : : "a"(-1), "c"(0), "d"(0));
	}
	for (int i = 0; i < 300; i++) {
		char buffer[10000];
		memset(buffer, 1, sizeof buffer);
		EQUAL(read(fd, buffer, sizeof buffer), sizeof buffer);
		EQUAL(buffer[9999], 0);
		sched_yield();
	}
	for (int i = 0; i < 2; i++) {
		CHECK(kill(pids[i], SIGKILL) == 0);
		KILLED(pids[i], SIGKILL);
	}
}

// A program that has taken the right to its ordinary memory from itself is told so by a signal.
static void no_ordinary_rights(void)
{
	if (!has_keys())
		return;
	static volatile int word;
	word = 1;
	for (unsigned denied = 1; denied < 4; denied++) {
		pid_t pid = fork();
		if (pid == 0)
			__asm__ volatile(".byte 0x0f, 0x01, 0xef\n\t"
					 "movl $5, (%3)\n\t"
					 "movl $231, %%eax\n\t" // exit_group
					 "xorl %%edi, %%edi\n\t"
					 "syscall"
					 :
					 : "a"(denied), "c"(0), "d"(0), "r"(&word)
					 : "memory");
		KILLED(pid, SIGSEGV);
	}
	EQUAL(word, 1);
	pid_t pid = fork();
	if (pid == 0) {
		int got;
		unsigned given = 2; // no writes
		__asm__ volatile(".byte 0x0f, 0x01, 0xef\n\t"
				 "movl (%2), %0\n\t"
				 "xorl %%eax, %%eax\n\t"
				 ".byte 0x0f, 0x01, 0xef"
				 : "=&r"(got), "+a"(given)
				 : "r"(&word), "c"(0), "d"(0)
				 : "memory");
		EQUAL(got, 1);
		_exit(0);
	}
	PASSES(pid);
}

static const struct test tests[] = {
	TEST(execute_only),
	TEST(execute_only_inherited),
	TEST(own_rights),
	TEST(rights_inherited),
	TEST(rights_kept),
	TEST(no_rights_at_all),
	TEST(no_ordinary_rights),
};
MAIN(tests)
