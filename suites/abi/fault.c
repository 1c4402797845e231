// Faults of a program: which signal they are, with which code, address and error code.

#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

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

static void handle_all(void)
{
	int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	for (int i = 0; i < 5; i++) {
		struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
		CHECK(sigaction(numbers[i], &action, NULL) == 0);
	}
}

// FAULTS fails unless the statement raises the signal with the code.
#define FAULTS(statement, number, code)                                                            \
	do {                                                                                       \
		handle_all();                                                                      \
		memset(&info, 0, sizeof info);                                                     \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			statement;                                                                 \
			fail(__FILE__, __LINE__, "no fault: %s", #statement);                      \
		}                                                                                  \
		EQUAL(info.si_signo, number);                                                      \
		EQUAL(info.si_code, code);                                                         \
	} while (0)

// TRAP and ERR as the processor tells them.
enum { TRAP_DIVIDE = 0, TRAP_DEBUG = 1, TRAP_BREAKPOINT = 3, TRAP_OPCODE = 6, TRAP_PROTECTION = 13, TRAP_PAGE = 14 };
enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_USER = 4, ERROR_FETCH = 16 };

static char *map(int protection)
{
	char *p = mmap(NULL, 3 * 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

// What is not mapped is SEGV_MAPERR, with the address.
static void unmapped(void)
{
	char *p = map(PROT_READ | PROT_WRITE);
	CHECK(munmap(p + 4096, 4096) == 0);
	FAULTS(*(volatile char *)(p + 4096 + 123), SIGSEGV, SEGV_MAPERR);
	CHECK(info.si_addr == p + 4096 + 123);
	EQUAL(registers[REG_TRAPNO], TRAP_PAGE);
	EQUAL(registers[REG_ERR], ERROR_USER);
	EQUAL(registers[REG_CR2], (uint64_t)p + 4096 + 123);
	FAULTS(*(volatile char *)(p + 4096) = 1, SIGSEGV, SEGV_MAPERR);
	EQUAL(registers[REG_ERR], ERROR_USER | ERROR_WRITE);
	volatile char *volatile low = (volatile char *)16;
	FAULTS(*low, SIGSEGV, SEGV_MAPERR);
	CHECK(info.si_addr == low);
}

// A mapping whose protection forbids the access is SEGV_ACCERR.
static void protected(void)
{
	char *p = map(PROT_READ);
	CHECK(*p == 0);
	FAULTS(*(volatile char *)(p + 5) = 1, SIGSEGV, SEGV_ACCERR);
	CHECK(info.si_addr == p + 5);
	EQUAL(registers[REG_ERR] & (ERROR_USER | ERROR_WRITE), ERROR_USER | ERROR_WRITE);
	p = map(PROT_NONE);
	FAULTS(*(volatile char *)p, SIGSEGV, SEGV_ACCERR);
	FAULTS(*(volatile char *)p = 1, SIGSEGV, SEGV_ACCERR);
	CHECK(info.si_addr == p);
}

// Data is not executed.
static void no_execute(void)
{
	char *p = map(PROT_READ | PROT_WRITE);
	*p = (char)0xc3; // ret
	FAULTS(((void (*)(void))p)(), SIGSEGV, SEGV_ACCERR);
	CHECK(info.si_addr == p);
	EQUAL(registers[REG_RIP], (uint64_t)p);
	EQUAL(registers[REG_ERR], ERROR_PRESENT | ERROR_USER | ERROR_FETCH);
	CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
	((void (*)(void))p)();
	FAULTS(((void (*)(void))0)(), SIGSEGV, SEGV_MAPERR);
	EQUAL(registers[REG_RIP], 0);
}

// The kernel's half of the address space is not there for programs.
static void kernel_addresses(void)
{
	uint64_t addresses[] = {0xffff800000000000, 0xffffffff80000000, 0xfffffffffffffff8, 0xffffc00000000000,
				0xffffffff81001000, 0xffff888000001000, 0xffffffff82000000, 0xfffffe0000000000};
	for (volatile int i = 0; i < 8; i++) {
		// The error code does not tell what is there.
		FAULTS(*(volatile char *)addresses[i], SIGSEGV, SEGV_MAPERR);
		CHECK(info.si_addr == (void *)addresses[i]);
		EQUAL(registers[REG_ERR], ERROR_PRESENT | ERROR_USER);
		FAULTS(*(volatile char *)addresses[i] = 1, SIGSEGV, SEGV_MAPERR);
		EQUAL(registers[REG_ERR], ERROR_PRESENT | ERROR_USER | ERROR_WRITE);
	}
}

// An address that is not canonical is a SIGSEGV; a processor that checks that tells no address.
static void not_canonical(void)
{
	volatile char *volatile addresses[] = {(char *)0x8000000000000000, (char *)0x0000800000000000};
	for (int i = 0; i < 2; i++) {
		handle_all();
		if (sigsetjmp(back, 1) == 0) {
			*addresses[i] = 1;
			fail(__FILE__, __LINE__, "no fault");
		}
		EQUAL(info.si_signo, SIGSEGV);
		if (registers[REG_TRAPNO] == TRAP_PROTECTION) {
			EQUAL(info.si_code, SI_KERNEL);
			CHECK(info.si_addr == NULL);
		} else { // QEMU's emulation
			EQUAL(info.si_code, SEGV_MAPERR);
		}
	}
}

// Privileged instructions are a SIGSEGV of the kernel's.
static void privileged(void)
{
	FAULTS(__asm__ volatile("hlt"), SIGSEGV, SI_KERNEL);
	EQUAL(registers[REG_TRAPNO], TRAP_PROTECTION);
	FAULTS(__asm__ volatile("cli"), SIGSEGV, SI_KERNEL);
	FAULTS(__asm__ volatile("in $0x60, %%al" ::: "al"), SIGSEGV, SI_KERNEL);
	FAULTS(__asm__ volatile("mov %%cr0, %%rax" ::: "rax"), SIGSEGV, SI_KERNEL);
	FAULTS(__asm__ volatile("rdmsr" ::"c"(0xc0000080) : "rax", "rdx"), SIGSEGV, SI_KERNEL);
	FAULTS(__asm__ volatile("int $0x20"), SIGSEGV, SI_KERNEL);
	FAULTS(__asm__ volatile("mov %0, %%ds" ::"r"(0x1234)), SIGSEGV, SI_KERNEL);
}

// A division by zero is SIGFPE with FPE_INTDIV at the instruction.
static void divide(void)
{
	FAULTS(__asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\txor %%ecx, %%ecx\n\tdiv %%ecx" ::: "rax", "rcx", "rdx"),
	       SIGFPE, FPE_INTDIV);
	CHECK(info.si_addr == (void *)registers[REG_RIP]);
	EQUAL(registers[REG_TRAPNO], TRAP_DIVIDE);
	FAULTS(__asm__ volatile("mov $-1, %%ecx\n\tmov $0x80000000, %%eax\n\tcltd\n\tidiv %%ecx" ::: "rax", "rcx", "rdx"),
	       SIGFPE, FPE_INTDIV);
}

// An exception of the x87 that is unmasked is SIGFPE with a code, at the next instruction that waits for it.
static void floating_point(void)
{
	uint16_t control = 0x37f & ~4; // divide by zero
	FAULTS(__asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control)), SIGFPE, FPE_FLTDIV);
	control = 0x37f & ~1; // invalid
	FAULTS(__asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control)), SIGFPE, FPE_FLTINV);
}

// An instruction that does not exist is SIGILL.
static void illegal(void)
{
	FAULTS(__asm__ volatile("ud2"), SIGILL, ILL_ILLOPN);
	CHECK(info.si_addr == (void *)registers[REG_RIP]);
	EQUAL(registers[REG_TRAPNO], TRAP_OPCODE);
	FAULTS(__asm__ volatile(".byte 0x0f, 0xff, 0xc0"), SIGILL, ILL_ILLOPN);
}

// A breakpoint is SIGTRAP behind the instruction.
static void breakpoint(void)
{
	FAULTS(__asm__ volatile("int3"), SIGTRAP, SI_KERNEL);
	EQUAL(registers[REG_TRAPNO], TRAP_BREAKPOINT);
	CHECK(*(uint8_t *)(registers[REG_RIP] - 1) == 0xcc);
}

static volatile int steps;
static volatile int step_code;

static void step(int number, siginfo_t *i, void *context)
{
	(void)number;
	step_code = i->si_code;
	if (++steps == 5)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

// The trap flag steps through a program, a SIGTRAP for each instruction, over system calls too.
static void single_step(void)
{
	struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"
			 "nop\n\tnop\n\tmov $39, %%eax\n\tsyscall\n\tnop\n\tnop\n\tnop\n\tnop"
			 ::: "rax", "rcx", "r11", "memory", "cc");
	EQUAL(steps, 5);
	EQUAL(step_code, TRAP_TRACE);
}

// A mapping beyond the end of its file is SIGBUS.
static void beyond_end_of_file(void)
{
	FILE *f = tmpfile();
	CHECK(f != NULL);
	int fd = fileno(f);
	CHECK(ftruncate(fd, 100) == 0);
	char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[4095] = 1;
	FAULTS(*(volatile char *)(p + 4096), SIGBUS, BUS_ADRERR);
	CHECK(info.si_addr == p + 4096);
	CHECK(ftruncate(fd, 8192) == 0);
	p[4096] = 2;
	CHECK(ftruncate(fd, 0) == 0);
	FAULTS(*(volatile char *)p, SIGBUS, BUS_ADRERR);
	FAULTS(*(volatile char *)(p + 4096) = 1, SIGBUS, BUS_ADRERR);
}

// A fault whose signal is ignored or masked kills all the same.
static void cannot_be_ignored(void)
{
	for (int way = 0; way < 2; way++) {
		pid_t pid = fork();
		if (pid == 0) {
			sigset_t set;
			sigfillset(&set);
			if (way == 0)
				signal(SIGSEGV, SIG_IGN);
			else
				sigprocmask(SIG_SETMASK, &set, NULL);
			*(volatile char *)0 = 1;
			_exit(0);
		}
		KILLED(pid, SIGSEGV);
	}
	CHECK(signal(SIGSEGV, SIG_IGN) != SIG_ERR);
	CHECK(kill(getpid(), SIGSEGV) == 0);
}

static int repaired;

static void repair(int number, siginfo_t *i, void *context)
{
	(void)number;
	(void)context;
	CHECK(mprotect((void *)((uint64_t)i->si_addr & ~4095ULL), 4096, PROT_READ | PROT_WRITE) == 0);
	repaired++;
}

// A handler may repair what was wrong; the instruction is run again.
static void repair_and_retry(void)
{
	struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
	volatile char *p = map(PROT_NONE);
	p[10] = 7;
	EQUAL(p[10], 7);
	p[4096 + 10] += 5;
	EQUAL(p[4096 + 10], 5);
	EQUAL(repaired, 2);
}

// logged_as tells whether a line of the kernel log matches one of this process's children: its number,
// then the text, which may end anywhere.
static int logged_as(pid_t pid, const char *before, const char *after)
{
	char record[1024], wanted[200];
	snprintf(wanted, sizeof wanted, "%sfault[%d]%s", before, pid, after);
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), found = 0;
	CHECK(fd >= 0);
	for (;;) {
		ssize_t n = read(fd, record, sizeof record - 1);
		if (n < 0 && errno == EPIPE)
			continue; // it was overwritten
		if (n <= 0)
			break;
		record[n] = 0;
		found |= strstr(record, wanted) != NULL && strstr(record, " in fault[") != NULL;
	}
	close(fd);
	return found;
}

static void read_nothing(void) { (void)*(volatile char *)0x10; }
static void write_nothing(void) { *(volatile char *)0x20 = 1; }
static void halt(void) { __asm__ volatile("hlt"); }

static void handle_and_read(void)
{
	FAULTS((void)*(volatile char *)0x10, SIGSEGV, SEGV_MAPERR);
}

// What kills a program is in the kernel log; what it handles is not.
static void logged(void)
{
	pid_t pid = start(read_nothing);
	KILLED(pid, SIGSEGV);
	CHECK(logged_as(pid, "", ": segfault at 10 ip 00000000004"));
	KILLED(pid = start(write_nothing), SIGSEGV);
	CHECK(logged_as(pid, "", ": segfault at 20 ip 00000000004"));
	KILLED(pid = start(halt), SIGSEGV);
	CHECK(logged_as(pid, "traps: ", " general protection fault ip:4"));
	PASSES(pid = start(handle_and_read));
	CHECK(!logged_as(pid, "", ": segfault"));
}

static const struct test tests[] = {
	TEST(unmapped),
	TEST(protected),
	TEST(no_execute),
	TEST(kernel_addresses),
	TEST(not_canonical),
	TEST(privileged),
	TEST(divide),
	TEST(floating_point),
	TEST(illegal),
	TEST(breakpoint),
	TEST(single_step),
	TEST(beyond_end_of_file),
	TEST(cannot_be_ignored),
	TEST(repair_and_retry),
	TEST(logged),
};
MAIN(tests)
