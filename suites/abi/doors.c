// The doors of the processor that lead into the kernel, tried by a program that means harm. Whatever
// it tries ends in a signal or does nothing; the machine lives. Selectors belong to a program.

#include "check.h"

#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { USER_DATA = 0x2b, USER_CODE = 0x33, CODE32 = 0x23 };
enum { SET_GS = 0x1001 };

#define KERNEL_ADDRESS 0xffff888000001000ul

static sigjmp_buf back;
static volatile sig_atomic_t number;

static void note(int n)
{
	number = n;
	siglongjmp(back, 1);
}

static void handle_all(void)
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	CHECK(sigaltstack(&alternate, NULL) == 0);
	int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	for (volatile int i = 0; i < 5; i++) {
		struct sigaction action = {.sa_handler = note, .sa_flags = SA_ONSTACK};
		CHECK(sigaction(numbers[i], &action, NULL) == 0);
	}
}

// ENDS fails unless the statement ends in a signal.
#define ENDS(statement)                                                                            \
	do {                                                                                       \
		number = 0;                                                                        \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			statement;                                                                 \
			fail(__FILE__, __LINE__, "goes on: %s", #statement);                       \
		}                                                                                  \
		CHECK(number != 0);                                                                \
	} while (0)

static unsigned char *low; // a page below 4 GiB, of code, and behind it a stack

static void map_low(void)
{
	low = mmap((void *)0x10000000, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(low != MAP_FAILED);
	memset(low, 0xf4, 4096); // hlt: it faults in every mode
}

struct __attribute__((packed)) far {
	uint32_t offset;
	uint16_t selector;
};

static void far_jump(unsigned selector)
{
	static struct far to;
	to.offset = (uint32_t)(uintptr_t)low;
	to.selector = selector;
	__asm__ volatile("mov %1, %%rsp\n\tljmp *(%0)" : : "b"(&to), "a"(low + 8000) : "memory");
}

static void far_call(unsigned selector)
{
	static struct far to;
	to.offset = (uint32_t)(uintptr_t)low;
	to.selector = selector;
	__asm__ volatile("mov %1, %%rsp\n\tlcall *(%0)" : : "b"(&to), "a"(low + 8000) : "memory");
}

static void far_return(unsigned selector)
{
	__asm__ volatile("mov %2, %%rsp\n\tpush %0\n\tpush %1\n\tlretq" : : "b"((long)selector), "c"(low), "a"(low + 8000) : "memory");
}

static void interrupt_return(unsigned code, unsigned stack, unsigned long to)
{
	__asm__ volatile("mov %3, %%rsp\n\tpush %1\n\tpush %3\n\tpush $0x202\n\tpush %0\n\tpush %2\n\tiretq"
			 :
			 : "b"((long)code), "c"((long)stack), "d"(to), "a"(low + 8000)
			 : "memory");
}

static void system_call_32(const void *code, size_t n)
{
	memset(low, 0xf4, 4096);
	memcpy(low, code, n);
	far_jump(CODE32);
}

// 32-bit code: system calls by each instruction are answered or end in a signal.
static void code_32(void)
{
	handle_all();
	map_low();
	for (volatile int i = 0; i < 20; i++) {
		// mov $20, %eax (getpid), then the call, then hlt
		ENDS(system_call_32("\xb8\x14\0\0\0\x0f\x05", 7));
		ENDS(system_call_32("\xb8\x14\0\0\0\x0f\x34", 7));
		ENDS(system_call_32("\xb8\x14\0\0\0\xcd\x80", 7));
		CHECK(syscall(SYS_arch_prctl, SET_GS, 0x1000ul) == 0);
	}
	EQUAL(getppid() > 0, 1);
}

// SYSENTER and INT 0x80 of 64-bit code too.
static void old_calls(void)
{
	handle_all();
	map_low();
	ENDS(__asm__ volatile("mov %0, %%rsp\n\tmov $20, %%eax\n\tsysenter\n\thlt" : : "b"(low + 8000) : "rax", "memory"));
	ENDS(__asm__ volatile("mov $20, %%eax\n\tint $0x80\n\thlt" : : : "rax", "rcx", "rdx", "memory"));
	for (volatile int i = 0; i < 5; i++)
		ENDS(__asm__ volatile("int $33\n\thlt"));
	ENDS(__asm__ volatile("int $2\n\thlt"));
	ENDS(__asm__ volatile("int $8\n\thlt"));
	ENDS(__asm__ volatile("int $18\n\thlt"));
	ENDS(__asm__ volatile("int $255\n\thlt"));
}

// DIES fails unless a child that runs the statement is killed by a signal. QEMU takes the stack of some
// of these instructions for the kernel's and lets them fault; Linux kills a program for that.
#define DIES(statement)                                                                            \
	do {                                                                                       \
		pid_t pid_ = fork();                                                               \
		CHECK(pid_ >= 0);                                                                  \
		if (pid_ == 0) {                                                                   \
			statement;                                                                 \
			_exit(0);                                                                  \
		}                                                                                  \
		int status_ = end(pid_);                                                           \
		if (!WIFSIGNALED(status_))                                                         \
			fail(__FILE__, __LINE__, "%s ends with wait status %#x", #statement, status_); \
	} while (0)

// Far transfers to every selector of the descriptor tables, and to some behind them.
static void far_transfers(void)
{
	map_low();
	static const unsigned few[] = {0, 3, 4, 7, 8, 0xf, 0x10, 0x20, CODE32, 0x28, USER_DATA, USER_CODE, 0x38, 0x3b, 0x43, 0x4b, 0xffff};
	for (unsigned i = 0; i < sizeof few / sizeof few[0]; i++) {
		DIES(far_call(few[i]));
		DIES(far_return(few[i]));
		DIES(interrupt_return(few[i], USER_DATA, (unsigned long)low));
		DIES(interrupt_return(USER_CODE, few[i], (unsigned long)low));
	}
	DIES(interrupt_return(USER_CODE, USER_DATA, KERNEL_ADDRESS));
	DIES(interrupt_return(USER_CODE, USER_DATA, 1ul << 47));
	handle_all();
	for (volatile unsigned s = 0; s < 0x10000; s = s < 0x180 ? s + 1 : s * 2 + 3)
		ENDS(far_jump(s));
}

static unsigned long selectors(void)
{
	unsigned short ds, es, fs, gs;
	__asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return ds | (unsigned long)es << 16 | (unsigned long)fs << 32 | (unsigned long)gs << 48;
}

static void set_selectors(unsigned ds, unsigned es, unsigned gs)
{
	__asm__ volatile("mov %0, %%ds\n\tmov %1, %%es\n\tmov %2, %%gs" : : "r"(ds), "r"(es), "r"(gs));
}

// A program begins with empty selectors, whatever others have in theirs; a child has its parent's.
static void selectors_fresh(void)
{
	if (strcmp(arguments[0], "fresh") == 0) {
		EQUAL(selectors(), 0);
		return;
	}
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			set_selectors(USER_DATA, USER_CODE, USER_DATA);
			pid_t child = fork();
			EQUAL(selectors(), USER_DATA | USER_CODE << 16 | (unsigned long)USER_DATA << 48);
			if (child == 0) {
				char *argv[] = {"fresh", "selectors-fresh", NULL}, *environment[] = {NULL};
				execve("/proc/self/exe", argv, environment);
				_exit(1);
			}
			PASSES(child);
			_exit(0);
		}
		sched_yield();
		EQUAL(selectors(), 0);
		PASSES(pid);
	}
}

// Programs that take turns keep each its own selectors.
static void selectors_kept(void)
{
	static const unsigned values[] = {0, USER_DATA, USER_CODE, 0, USER_DATA};
	pid_t pids[5];
	for (volatile int i = 0; i < 5; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		unsigned ds = values[i], es = values[(i + 1) % 5], gs = values[(i + 3) % 5];
		set_selectors(ds, es, gs);
		unsigned long expected = ds | (unsigned long)es << 16 | (unsigned long)gs << 48;
		for (int round = 0; round < 300; round++) {
			for (volatile int k = 0; k < 3000; k++)
				;
			sched_yield();
			if (selectors() != expected)
				fail(__FILE__, __LINE__, "selectors are %lx, not %lx", selectors(), expected);
		}
		_exit(0);
	}
	for (volatile int i = 0; i < 5; i++)
		PASSES(pids[i]);
}

// Selectors of the kernel's cannot be loaded.
static void selectors_refused(void)
{
	handle_all();
	for (volatile unsigned s = 8; s < 0x20; s++) {
		ENDS(__asm__ volatile("mov %0, %%ds\n\thlt" : : "r"(s)));
		ENDS(__asm__ volatile("mov %0, %%gs\n\thlt" : : "r"(s)));
		ENDS(__asm__ volatile("mov %0, %%ss\n\thlt" : : "r"(s)));
	}
	EQUAL(selectors(), 0);
}

static unsigned new_code, new_stack;

static void change_selectors(int n, siginfo_t *info, void *context)
{
	(void)n, (void)info;
	greg_t *words = ((ucontext_t *)context)->uc_mcontext.gregs + REG_CSGSFS;
	*words = (*words & 0x0000ffffffff0000) | new_code | (greg_t)new_stack << 48;
}

static void return_with(unsigned code, unsigned stack)
{
	new_code = code, new_stack = stack;
	raise(SIGUSR1);
}

// A frame for sigreturn whose selectors are none of a program's is a SIGSEGV.
static void sigreturn_selectors(void)
{
	handle_all();
	struct sigaction action = {.sa_sigaction = change_selectors, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	return_with(USER_CODE, USER_DATA);
	return_with(USER_CODE & ~3, USER_DATA & ~3); // the level is always the user's
	static const unsigned bad[] = {0, 3, 8, 0x10, 0x18, 0x38, 0x1000, 0xffff};
	for (volatile unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ENDS(return_with(bad[i], USER_DATA));
		EQUAL(number, SIGSEGV);
		ENDS(return_with(USER_CODE, bad[i]));
		EQUAL(number, SIGSEGV);
	}
	ENDS(return_with(USER_DATA, USER_DATA));
	ENDS(return_with(USER_CODE, USER_CODE));
}

static unsigned long gs_base(void)
{
	unsigned long v;
	__asm__ volatile("rdgsbase %0" : "=r"(v));
	return v;
}

// A GS base in the kernel's half changes nothing, however the kernel is entered.
static void enter_with_gs_base(void)
{
	handle_all();
	for (volatile int i = 0; i < 50; i++) {
		unsigned long base = i % 2 ? KERNEL_ADDRESS : 0xfffffffffffff000;
		__asm__ volatile("wrgsbase %0" : : "r"(base));
		ENDS(__asm__ volatile("ud2"));
		ENDS(__asm__ volatile("int3"));
		ENDS(__asm__ volatile(".byte 0xf1")); // ICEBP: a debug exception
		ENDS(__asm__ volatile("hlt"));
		ENDS(*(volatile char *)8 = 1);
		ENDS(*(volatile char *)KERNEL_ADDRESS = 1);
		ENDS(__asm__ volatile("movb $1, %gs:0"));
		ENDS(__asm__ volatile("pushf\n\torl $0x100, (%rsp)\n\tpopf\n\tnop\n\tnop"));
		// A trap that waits behind a load of SS, up to the instruction that enters the kernel.
		ENDS(__asm__ volatile("mov %%ss, %%eax\n\tmov %%eax, %%ss\n\tint3" : : : "rax"));
		ENDS(__asm__ volatile("mov %%ss, %%ecx\n\tmov $39, %%eax\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\t"
				      "mov %%ecx, %%ss\n\tsyscall\n\tnop\n\tnop"
				      :
				      :
				      : "rax", "rcx", "r11", "memory"));
		getpid();
		sched_yield();
		for (volatile int k = 0; k < 20000; k++)
			;
		EQUAL(gs_base(), base);
	}
}

// What only the kernel may do faults; flags that are the kernel's stay as they are.
static void privileges(void)
{
	handle_all();
	ENDS(__asm__ volatile("cli"));
	ENDS(__asm__ volatile("sti"));
	ENDS(__asm__ volatile("in $0x80, %%al" : : : "rax"));
	ENDS(__asm__ volatile("out %%al, $0x80" : : : "rax"));
	ENDS(__asm__ volatile("mov %%dr7, %%rax" : : : "rax"));
	ENDS(__asm__ volatile("mov %%rax, %%dr7" : : "a"(0)));
	ENDS(__asm__ volatile("mov %%cr4, %%rax" : : : "rax"));
	ENDS(__asm__ volatile("rdpmc" : : "c"(0) : "rax", "rdx"));
	ENDS(__asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx"));
	ENDS(__asm__ volatile("swapgs"));
	ENDS(__asm__ volatile("invlpg (%0)" : : "r"(&back)));
	ENDS(__asm__ volatile("xsetbv" : : "a"(3), "d"(0), "c"(0)));
	unsigned long flags;
	__asm__ volatile("pushf\n\torq $0x3000, (%%rsp)\n\tandq $~0x200, (%%rsp)\n\tpopf\n\tpushf\n\tpop %0" : "=r"(flags) : : "cc");
	EQUAL(flags & 0x3200, 0x200);
	// Nested task and alignment check travel with the program and harm nobody.
	__asm__ volatile("pushf\n\torq $0x44000, (%%rsp)\n\tpopf" : : : "cc");
	for (int i = 0; i < 100; i++)
		sched_yield();
	__asm__ volatile("pushf\n\tandq $~0x44000, (%%rsp)\n\tpopf" : : : "cc");
	unsigned low_word, high_word;
	__asm__ volatile("rdtsc" : "=a"(low_word), "=d"(high_word));
	CHECK(low_word | high_word);
}

static const struct test tests[] = {
	TEST(code_32),
	TEST(old_calls),
	TEST(far_transfers),
	TEST(selectors_fresh),
	TEST(selectors_kept),
	TEST(selectors_refused),
	TEST(sigreturn_selectors),
	TEST(enter_with_gs_base),
	TEST(privileges),
};
MAIN(tests)
