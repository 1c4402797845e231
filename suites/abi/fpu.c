// Floating point and vector registers: kept over system calls, faults, signals and other processes.

// cflags: -Wl,-e,entry

#include "check.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

// The state that a program sees. The order is that of the code below.
struct state {
	uint8_t ymm[16][32]; // their lower halves are xmm
	uint8_t x87[8][16];  // ten bytes each
	uint32_t mxcsr;
	uint16_t control;
};

enum action { SYSTEM_CALL, TOUCH, SPIN };

// with_state loads a state, does something that must not change it, and stores it again; it returns the
// result of the call.
// SYSTEM_CALL with number a and arguments b, c, d; TOUCH the byte at a; SPIN a times.
long with_state(const struct state *in, struct state *out, long avx, enum action what, long a, long b, long c, long d);

__asm__(".text\n"
	"with_state:\n\t"
	"push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rdi, %r12\n\tmov %rsi, %r13\n\tmov %rdx, %r14\n\tmov %rcx, %r15\n\t"
	"mov %r8, %rbx\n\tmov %r9, %rbp\n\t"
	"fninit\n\t"
	".irp i, 7, 6, 5, 4, 3, 2, 1, 0\n\t"
	"fldt 512 + \\i * 16(%r12)\n\t"
	".endr\n\t"
	"ldmxcsr 640(%r12)\n\t"
	"fldcw 644(%r12)\n\t"
	"test %r14, %r14\n\t"
	"jz 1f\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"vmovdqu \\i * 32(%r12), %ymm\\i\n\t"
	".endr\n\t"
	"jmp 2f\n"
	"1:\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movdqu \\i * 32(%r12), %xmm\\i\n\t"
	".endr\n"
	"2:\n\t"
	"cmp $1, %r15\n\t"
	"je 3f\n\t"
	"ja 4f\n\t"
	"mov %rbx, %rax\n\tmov %rbp, %rdi\n\tmov 56(%rsp), %rsi\n\tmov 64(%rsp), %rdx\n\tsyscall\n\tmov %rax, %rbx\n\t"
	"jmp 5f\n"
	"3:\tincb (%rbx)\n\t"
	"jmp 5f\n"
	"4:\tdec %rbx\n\t"
	"jnz 4b\n"
	"5:\n\t"
	"test %r14, %r14\n\t"
	"jz 6f\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"vmovdqu %ymm\\i, \\i * 32(%r13)\n\t"
	".endr\n\t"
	"vzeroupper\n\t"
	"jmp 7f\n"
	"6:\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movdqu %xmm\\i, \\i * 32(%r13)\n\t"
	".endr\n"
	"7:\n\t"
	"stmxcsr 640(%r13)\n\t"
	"fnstcw 644(%r13)\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
	"fstpt 512 + \\i * 16(%r13)\n\t"
	".endr\n\t"
	"fninit\n\tmov %rbx, %rax\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\t"
	"ret\n");

static long has_avx(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (1 << 27 | 1 << 28)) != (1 << 27 | 1 << 28))
		return 0;
	uint32_t low, high;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

static long avx;

static void make_state(struct state *s, unsigned seed)
{
	memset(s, 0, sizeof *s);
	for (unsigned i = 0; i < 16; i++) {
		for (unsigned k = 0; k < 32; k++)
			s->ymm[i][k] = seed * 31 + i * 7 + k * 3;
	}
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 8; k++)
			s->x87[i][k] = seed + i * 5 + k;
		s->x87[i][7] |= 0x80; // a normal number
		s->x87[i][8] = i + seed;
		s->x87[i][9] = 0x3f;
	}
	s->mxcsr = 0x1f80 | (seed & 3) << 13; // rounding
	s->control = 0x37f | (seed & 3) << 10;
}

static const char *difference(const struct state *a, const struct state *b)
{
	for (int i = 0; i < 16; i++) {
		if (memcmp(a->ymm[i], b->ymm[i], 16) != 0)
			return "xmm";
		if (avx && memcmp(a->ymm[i], b->ymm[i], 32) != 0)
			return "ymm";
	}
	for (int i = 0; i < 8; i++) {
		if (memcmp(a->x87[i], b->x87[i], 10) != 0)
			return "x87";
	}
	if ((a->mxcsr & ~0x3f) != (b->mxcsr & ~0x3f))
		return "mxcsr";
	return a->control != b->control ? "control word" : NULL;
}

#define KEEPS(seed, ...)                                                                           \
	do {                                                                                       \
		struct state in_, out_;                                                            \
		make_state(&in_, seed);                                                            \
		memset(&out_, 0, sizeof out_);                                                     \
		with_state(&in_, &out_, avx, __VA_ARGS__);                                         \
		const char *wrong_ = difference(&in_, &out_);                                      \
		if (wrong_)                                                                        \
			fail(__FILE__, __LINE__, "%s is not kept over %s", wrong_, #__VA_ARGS__);  \
	} while (0)

static int ends[2];

// System calls keep every register: short ones, long ones, and such that wait.
static void system_calls(void)
{
	static char buffer[100000];
	avx = has_avx();
	int zero = open("/dev/zero", O_RDONLY);
	CHECK(pipe(ends) == 0);
	for (unsigned seed = 0; seed < 20; seed++) {
		struct timespec t = {0, 2 * MS};
		KEEPS(seed, SYSTEM_CALL, SYS_getpid, 0, 0, 0);
		KEEPS(seed, SYSTEM_CALL, SYS_read, zero, (long)buffer, sizeof buffer);
		KEEPS(seed, SYSTEM_CALL, SYS_write, ends[1], (long)buffer, 3000);
		KEEPS(seed, SYSTEM_CALL, SYS_read, ends[0], (long)buffer, 3000);
		KEEPS(seed, SYSTEM_CALL, SYS_nanosleep, (long)&t, 0, 0);
		KEEPS(seed, SYSTEM_CALL, SYS_sched_yield, 0, 0, 0);
		KEEPS(seed, SYSTEM_CALL, SYS_stat, (long)"/proc/self/status", (long)buffer, 0);
		KEEPS(seed, SYSTEM_CALL, 9999, 0, 0, 0);
	}
}

// Page faults keep every register: fresh pages, copies after a fork.
static void page_faults(void)
{
	long pages = 64;
	avx = has_avx();
	char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (long i = 0; i < pages; i++)
		KEEPS(i, TOUCH, (long)p + i * 4096, 0, 0, 0);
	pid_t pid = fork();
	for (long i = 0; i < pages; i++)
		KEEPS(i + (pid == 0), TOUCH, (long)p + i * 4096, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	PASSES(pid);
}

static volatile sig_atomic_t count;

static void scribble(int number)
{
	(void)number;
	struct state in, out;
	make_state(&in, 99);
	with_state(&in, &out, avx, SYSTEM_CALL, SYS_getpid, 0, 0, 0);
	__asm__ volatile("fninit\n\tfldpi\n\tpcmpeqd %%xmm3, %%xmm3" ::: "xmm3");
	count++;
}

// A handler uses the registers as it likes; afterwards they are what they were.
static void signal_handlers(void)
{
	avx = has_avx();
	signal(SIGUSR1, scribble);
	for (unsigned seed = 0; seed < 50; seed++)
		KEEPS(seed, SYSTEM_CALL, SYS_kill, getpid(), SIGUSR1, 0);
	EQUAL(count, 50);
	struct itimerval t = {{0, 1000}, {0, 1000}};
	signal(SIGALRM, scribble);
	count = 0;
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	int64_t limit = now() + 20000 * MS;
	for (unsigned seed = 0; count < 50; seed++) {
		KEEPS(seed, SPIN, 100000, 0, 0, 0);
		CHECK(now() < limit);
	}
}

// A child of fork starts with the registers of its parent.
static void inherit_over_fork(void)
{
	struct state in, out;
	avx = has_avx();
	for (unsigned seed = 0; seed < 10; seed++) {
		make_state(&in, seed);
		memset(&out, 0, sizeof out);
		pid_t pid = with_state(&in, &out, avx, SYSTEM_CALL, SYS_fork, 0, 0, 0);
		CHECK(difference(&in, &out) == NULL);
		if (pid == 0)
			_exit(0);
		PASSES(pid);
	}
}

static unsigned own_seed;

static void compute(void)
{
	static char buffer[5000];
	int zero = open("/dev/zero", O_RDONLY);
	for (int round = 0; round < 40; round++) {
		unsigned seed = own_seed + round;
		KEEPS(seed, SPIN, 300000, 0, 0, 0);
		KEEPS(seed, SYSTEM_CALL, SYS_sched_yield, 0, 0, 0);
		KEEPS(seed, SYSTEM_CALL, SYS_read, zero, (long)buffer, sizeof buffer);
		KEEPS(seed, SPIN, 1000, 0, 0, 0);
	}
}

// Several processes that compute at the same time keep each its own registers.
static void other_processes(void)
{
	pid_t pids[6];
	avx = has_avx();
	for (int i = 0; i < 6; i++) {
		own_seed = 1000 * i;
		pids[i] = start(compute);
	}
	for (int i = 0; i < 6; i++)
		PASSES(pids[i]);
}

// Processes that wake each other through pipes keep their registers from one call to the next.
static void switches(void)
{
	int there[2], back[2];
	char c;
	avx = has_avx();
	CHECK(pipe(there) == 0 && pipe(back) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (unsigned i = 0; i < 300; i++) {
			KEEPS(i + 7, SYSTEM_CALL, SYS_read, there[0], (long)&c, 1);
			KEEPS(i + 8, SYSTEM_CALL, SYS_write, back[1], (long)&c, 1);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 300; i++) {
		KEEPS(i, SYSTEM_CALL, SYS_write, there[1], (long)&c, 1);
		KEEPS(i + 1, SYSTEM_CALL, SYS_read, back[0], (long)&c, 1);
	}
	PASSES(pid);
}

// What the program found at its entry, which is below.
uint8_t initial_xmm[16][16];
uint32_t initial_environment[7];
uint32_t initial_mxcsr;

__asm__(".globl entry\n"
	"entry:\n\t"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movdqu %xmm\\i, initial_xmm + \\i * 16(%rip)\n\t"
	".endr\n\t"
	"stmxcsr initial_mxcsr(%rip)\n\t"
	"fnstenv initial_environment(%rip)\n\t"
	"fldcw initial_environment(%rip)\n\t"
	"jmp _start\n");

// A program starts with zeros in the vector registers and an empty x87, whatever executed it had there.
static void initial_state(void)
{
	if (strcmp(arguments[0], "fresh") == 0) {
		for (int i = 0; i < 256; i++)
			EQUAL(initial_xmm[i / 16][i % 16], 0);
		EQUAL(initial_mxcsr, 0x1f80);
		EQUAL(initial_environment[0] & 0xffff, 0x37f);
		EQUAL(initial_environment[1] & 0xffff, 0);
		EQUAL(initial_environment[2] & 0xffff, 0xffff);
		return;
	}
	for (unsigned seed = 1; seed < 6; seed++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct state in, out;
			make_state(&in, seed);
			char *argv[] = {"fresh", "initial-state", NULL}, *environment[] = {NULL};
			with_state(&in, &out, has_avx(), SYSTEM_CALL, SYS_execve, (long)"/proc/self/exe", (long)argv,
				   (long)environment);
			_exit(1);
		}
		PASSES(pid);
	}
}

static const struct test tests[] = {
	TEST(system_calls),
	TEST(page_faults),
	TEST(signal_handlers),
	TEST(inherit_over_fork),
	TEST(other_processes),
	TEST(switches),
	TEST(initial_state),
};
MAIN(tests)
