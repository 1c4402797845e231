// The frame that a signal handler runs on: registers, the user context, alternative stacks.

#include "check.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static volatile uint64_t seen[8];

typedef void handler(int, siginfo_t *, void *);

static void handle(int number, handler *run, int flags)
{
	struct sigaction action = {.sa_sigaction = run, .sa_flags = SA_SIGINFO | flags};
	CHECK(sigaction(number, &action, NULL) == 0);
}

static uint64_t kernel_mask(void)
{
	uint64_t set = 0;
	CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &set, 8) == 0);
	return set;
}

static void look_at_alignment(int number, siginfo_t *info, void *context)
{
	(void)number;
	ucontext_t *u = context;
	uint64_t flags;
	__asm__("pushfq; pop %0" : "=r"(flags));
	seen[0] = (uint64_t)__builtin_frame_address(0) & 15;
	seen[1] = flags & 0x400;
	seen[2] = (uint64_t)info > (uint64_t)context;
	seen[3] = (uint64_t)u->uc_mcontext.fpregs & 63;
	seen[4] = u->uc_mcontext.gregs[REG_EFL] & 0x400;
	count++;
}

// The stack of a handler is aligned for calls, the direction flag is clear in it and is put back behind it.
static void alignment(void)
{
	uint64_t flags;
	handle(SIGUSR1, look_at_alignment, 0);
	for (int shift = 0; shift < 64; shift += 8) {
		__asm__ volatile("mov %%rsp, %%rbx\n\t"
				 "sub $512, %%rsp\n\t"
				 "sub %1, %%rsp\n\t"
				 "mov $39, %%eax\n\t" // getpid
				 "syscall\n\t"
				 "mov %%rax, %%rdi\n\t"
				 "mov $10, %%esi\n\t"
				 "mov $62, %%eax\n\t" // kill
				 "std\n\t"
				 "syscall\n\t"
				 "mov %%rbx, %%rsp\n\t"
				 "pushfq\n\t"
				 "pop %0\n\t"
				 "cld"
				 : "=r"(flags)
				 : "r"((uint64_t)shift)
				 : "rax", "rbx", "rcx", "rdi", "rsi", "r11", "memory");
		EQUAL(seen[0], 0); // rbp was pushed: the stack was 16 * n + 8 at the entry
		EQUAL(seen[1], 0);
		EQUAL(seen[3], 0);
		EQUAL(seen[4], 0x400);
		EQUAL(flags & 0x400, 0x400);
	}
	EQUAL(count, 8);
}

static void scribble(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	volatile char stack[2000];
	for (unsigned i = 0; i < sizeof stack; i++)
		stack[i] = 0x55;
	count++;
}

// The 128 bytes below the stack pointer survive a handler.
static void red_zone(void)
{
	uint64_t differ;
	handle(SIGUSR1, scribble, 0);
	pid_t pid = getpid();
	__asm__ volatile("mov $16, %%ecx\n"
			 "1:\tmov %%rcx, -128-8(%%rsp,%%rcx,8)\n\t"
			 "dec %%ecx\n\t"
			 "jnz 1b\n\t"
			 "mov $10, %%esi\n\t"
			 "mov $62, %%eax\n\t"
			 "syscall\n\t"
			 "xor %%eax, %%eax\n\t"
			 "mov $16, %%ecx\n"
			 "2:\tmov -128-8(%%rsp,%%rcx,8), %%rdx\n\t"
			 "sub %%rcx, %%rdx\n\t"
			 "or %%rdx, %%rax\n\t"
			 "dec %%ecx\n\t"
			 "jnz 2b"
			 : "=&a"(differ)
			 : "D"((uint64_t)pid)
			 : "rcx", "rdx", "rsi", "r11", "memory");
	EQUAL(count, 1);
	EQUAL(differ, 0);
}

static void clobber(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	__asm__ volatile("xor %%ebx, %%ebx\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n\txor %%esi, %%esi\n\t"
			 "xor %%edi, %%edi\n\txor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\t"
			 "xor %%r11d, %%r11d\n\txor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\txor %%r14d, %%r14d\n\t"
			 "xor %%r15d, %%r15d\n\tpxor %%xmm0, %%xmm0"
			 ::: "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			     "xmm0", "cc");
	count++;
}

// Every register and flag is what it was after a handler that interrupts a computation.
static void registers_survive(void)
{
	struct itimerval interval = {{0, 1000}, {0, 1000}};
	uint64_t wrong = 0;
	handle(SIGALRM, clobber, 0);
	CHECK(setitimer(ITIMER_REAL, &interval, NULL) == 0);
	int64_t limit = now() + 20000 * MS;
	while (count < 100 && wrong == 0) {
		CHECK(now() < limit);
		__asm__ volatile("push %%rbp\n\t"
				 "mov $0x1111, %%rbx\n\tmov $0x2222, %%rdx\n\tmov $0x3333, %%rsi\n\t"
				 "mov $0x4444, %%rdi\n\tmov $0x5555, %%rbp\n\tmov $0x6666, %%r8\n\t"
				 "mov $0x7777, %%r9\n\tmov $0x8888, %%r10\n\tmov $0x9999, %%r11\n\t"
				 "mov $0xaaaa, %%r12\n\tmov $0xbbbb, %%r13\n\tmov $0xcccc, %%r14\n\t"
				 "mov $0xdddd, %%r15\n\tmovq %%r15, %%xmm0\n\t"
				 "mov $200000, %%ecx\n\t"
				 "stc\n" // dec leaves the carry alone
				 "1:\tdec %%ecx\n\t"
				 "jnz 1b\n\t"
				 "setnc %%al\n\t"
				 "movzx %%al, %%eax\n\t"
				 "xor $0x1111, %%rbx\n\txor $0x2222, %%rdx\n\txor $0x3333, %%rsi\n\t"
				 "xor $0x4444, %%rdi\n\txor $0x5555, %%rbp\n\txor $0x6666, %%r8\n\t"
				 "xor $0x7777, %%r9\n\txor $0x8888, %%r10\n\txor $0x9999, %%r11\n\t"
				 "xor $0xaaaa, %%r12\n\txor $0xbbbb, %%r13\n\txor $0xcccc, %%r14\n\t"
				 "xor $0xdddd, %%r15\n\t"
				 "or %%rbx, %%rax\n\tor %%rdx, %%rax\n\tor %%rsi, %%rax\n\tor %%rdi, %%rax\n\t"
				 "or %%rbp, %%rax\n\tor %%r8, %%rax\n\tor %%r9, %%rax\n\tor %%r10, %%rax\n\t"
				 "or %%r11, %%rax\n\tor %%r12, %%rax\n\tor %%r13, %%rax\n\tor %%r14, %%rax\n\t"
				 "or %%r15, %%rax\n\t"
				 "movq %%xmm0, %%rbx\n\txor $0xdddd, %%rbx\n\tor %%rbx, %%rax\n\t"
				 "pop %%rbp"
				 : "=&a"(wrong)
				 :
				 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
				   "xmm0", "cc", "memory");
	}
	EQUAL(wrong, 0);
}

static void change(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;
	seen[0] = r[REG_RBX];
	seen[1] = r[REG_R15];
	seen[2] = r[REG_RAX];
	seen[3] = r[REG_CSGSFS] & 0xffff;
	r[REG_RBX] = 0x77;
	r[REG_R15] = 0x88;
	r[REG_RAX] = 0x99;
	r[REG_EFL] |= 1;
	r[REG_RIP] += 2; // the ud2
	count++;
}

// What a handler changes in the user context holds when it has returned.
static void context_can_be_changed(void)
{
	uint64_t a = 0x33, b, c;
	uint8_t carry;
	handle(SIGILL, change, 0);
	__asm__ volatile("mov $0x11, %%rbx\n\t"
			 "mov $0x22, %%r15\n\t"
			 "clc\n\t"
			 "ud2\n\t"
			 "setc %3\n\t"
			 "mov %%rbx, %1\n\t"
			 "mov %%r15, %2"
			 : "+a"(a), "=&r"(b), "=&r"(c), "=&r"(carry)
			 :
			 : "rbx", "r15", "cc", "memory");
	EQUAL(seen[0], 0x11);
	EQUAL(seen[1], 0x22);
	EQUAL(seen[2], 0x33);
	EQUAL(seen[3], 0x33); // user code segment
	EQUAL(a, 0x99);
	EQUAL(b, 0x77);
	EQUAL(c, 0x88);
	EQUAL(carry, 1);
}

static void change_mask(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	ucontext_t *u = context;
	seen[0] = *(uint64_t *)&u->uc_sigmask;
	*(uint64_t *)&u->uc_sigmask = UINT64_MAX & ~(1 << (SIGTERM - 1));
	count++;
}

// The mask in the user context is the one from before, and becomes the one after.
static void context_mask(void)
{
	uint64_t set = 1 << (SIGHUP - 1);
	CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8) == 0);
	handle(SIGUSR1, change_mask, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(seen[0], 1 << (SIGHUP - 1));
	EQUAL(kernel_mask(), UINT64_MAX & ~(1 << (SIGTERM - 1)) & ~(1 << (SIGKILL - 1)) & ~(1 << (SIGSTOP - 1)));
}

static stack_t in_handler;

static void look_at_stack(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	ucontext_t *u = context;
	seen[0] = (uint64_t)__builtin_frame_address(0);
	seen[1] = (uint64_t)u->uc_stack.ss_sp;
	seen[2] = u->uc_stack.ss_size;
	seen[3] = u->uc_stack.ss_flags;
	CHECK(sigaltstack(NULL, &in_handler) == 0);
	stack_t other = {.ss_sp = (void *)seen[1], .ss_size = seen[2]};
	seen[4] = sigaltstack(&other, NULL) == -1 && errno == EPERM;
	count++;
}

// With SA_ONSTACK a handler runs on the alternative stack, which cannot be changed meanwhile.
static void alternative_stack(void)
{
	static char memory[65536];
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, old;
	CHECK(sigaltstack(&stack, &old) == 0);
	EQUAL(old.ss_flags, SS_DISABLE);
	handle(SIGUSR1, look_at_stack, SA_ONSTACK);
	handle(SIGUSR2, look_at_stack, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(seen[0] > (uint64_t)memory && seen[0] < (uint64_t)memory + sizeof memory);
	EQUAL(seen[1], (uint64_t)memory);
	EQUAL(seen[2], sizeof memory);
	EQUAL(seen[3], 0);
	EQUAL(in_handler.ss_flags, SS_ONSTACK);
	EQUAL(seen[4], 1);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(seen[0] < (uint64_t)memory || seen[0] > (uint64_t)memory + sizeof memory);
	EQUAL(in_handler.ss_flags, 0);
	EQUAL(count, 2);
}

// The rules of sigaltstack: sizes, flags, and what it tells.
static void sigaltstack_rules(void)
{
	static char memory[65536];
	stack_t stack = {.ss_sp = memory, .ss_size = 1000}, old;
	FAILS(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
	stack.ss_size = sizeof memory;
	stack.ss_flags = 0x100;
	FAILS(syscall(SYS_sigaltstack, &stack, NULL), EINVAL);
	stack.ss_flags = SS_ONSTACK;
	CHECK(syscall(SYS_sigaltstack, &stack, NULL) == 0);
	CHECK(sigaltstack(NULL, &old) == 0);
	CHECK(old.ss_sp == memory);
	EQUAL(old.ss_size, sizeof memory);
	EQUAL(old.ss_flags, 0);
	stack.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&stack, NULL) == 0);
	CHECK(sigaltstack(NULL, &old) == 0);
	EQUAL(old.ss_flags, SS_DISABLE);
	FAILS(syscall(SYS_sigaltstack, (void *)8, NULL), EFAULT);
}

static void report_overflow(int number, siginfo_t *info, void *context)
{
	(void)context;
	_exit(number == SIGSEGV && info->si_addr != NULL ? 33 : 1);
}

static __attribute__((noinline)) int recurse(int n)
{
	volatile char room[4096];
	room[n & 4095] = n;
	return n < 0 ? 0 : recurse(n + 1) + room[(n * 7) & 4095];
}

// A stack that overflows can be handled on the alternative stack.
static void overflow_on_alternative_stack(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		static char memory[65536];
		stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
		CHECK(sigaltstack(&stack, NULL) == 0);
		handle(SIGSEGV, report_overflow, SA_ONSTACK);
		_exit(recurse(0) & 1);
	}
	int status = end(pid);
	CHECK(WIFEXITED(status));
	EQUAL(WEXITSTATUS(status), 33);
}

// A signal whose frame does not fit anywhere kills.
static void no_room_kills(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		handle(SIGUSR1, clobber, 0);
		handle(SIGSEGV, clobber, 0);
		__asm__ volatile("xor %%esp, %%esp\n\tmov $10, %%esi\n\tmov $62, %%eax\n\tsyscall\n\tud2"
				 ::"D"((uint64_t)getpid())
				 : "rax", "rcx", "rsi", "r11", "memory");
	}
	KILLED(pid, SIGSEGV);
}

static void leave_at(uint64_t rip, uint64_t rsp)
{
	// sigreturn takes the frame at the stack pointer as it is.
	static struct {
		uint64_t flags, link;
		stack_t stack;
		uint64_t registers[23];
		uint64_t fpstate, reserved[8];
		uint64_t mask;
	} frame;
	frame.registers[REG_RIP] = rip;
	frame.registers[REG_RSP] = rsp;
	frame.registers[REG_CSGSFS] = 0x2b000000000033;
	frame.registers[REG_EFL] = 0x202;
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\tud2" ::"r"(&frame) : "memory");
}

static uint64_t bad_rip;

static void leave_to_bad_rip(void)
{
	leave_at(bad_rip, (uint64_t)__builtin_frame_address(0) & ~0xfULL);
}

// sigreturn to an address that is not canonical, or in the kernel's half, is a SIGSEGV of the program.
static void sigreturn_checks_address(void)
{
	uint64_t addresses[] = {0x800000000000, 0xffff7fffffffffff, 0xffff800000000000, 0xffffffffffffffff,
				0x8000000000000000, 0x7ffffffff000, 0};
	for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		bad_rip = addresses[i];
		KILLED(start(leave_to_bad_rip), SIGSEGV);
	}
}

static void raise_flags(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	ucontext_t *u = context;
	// IOPL, NT, VM, VIF, VIP and a cleared IF are not for programs; AC is.
	u->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000 | 0x20000 | 0x80000 | 0x100000 | 0x40000;
	u->uc_mcontext.gregs[REG_EFL] &= ~0x200;
	count++;
}

// sigreturn keeps the flags that are not the program's as they are.
static void sigreturn_masks_flags(void)
{
	uint64_t flags;
	handle(SIGUSR1, raise_flags, 0);
	__asm__ volatile("mov $10, %%esi\n\tmov $62, %%eax\n\tsyscall\n\tpushfq\n\tpop %0\n\tpushfq\n\t"
			 "andl $~0x40000, (%%rsp)\n\tpopfq"
			 : "=&r"(flags)
			 : "D"((uint64_t)getpid())
			 : "rax", "rcx", "rsi", "r11", "memory", "cc");
	EQUAL(count, 1);
	EQUAL(flags & 0x3000, 0);
	EQUAL(flags & 0x1a0000, 0);
	EQUAL(flags & 0x200, 0x200);
	EQUAL(flags & 0x40000, 0x40000);
}

static void look_at_fpstate(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	ucontext_t *u = context;
	uint8_t *f = (uint8_t *)u->uc_mcontext.fpregs;
	seen[0] = f != NULL;
	memcpy((void *)&seen[1], f + 160 + 7 * 16, 8); // xmm7
	seen[2] = *(uint32_t *)(f + 24);               // mxcsr
	seen[3] = *(uint32_t *)(f + 464);              // FP_XSTATE_MAGIC1
	seen[4] = *(uint32_t *)(f + 468);              // size with the magic number behind
	seen[5] = *(uint64_t *)(f + 472);              // features
	uint32_t size = *(uint32_t *)(f + 480);
	seen[6] = *(uint32_t *)(f + size); // FP_XSTATE_MAGIC2
	seen[7] = u->uc_flags;
	uint64_t other = 0x5566778899aabbcc;
	memcpy(f + 160 + 7 * 16, &other, 8);
	count++;
}

// The floating point state is in the frame, where a handler can see and change it.
static void fpstate_in_frame(void)
{
	uint64_t value = 0x1122334455667788, after;
	uint32_t mxcsr = 0x3f80; // round down
	handle(SIGUSR1, look_at_fpstate, 0);
	__asm__ volatile("ldmxcsr %2\n\t"
			 "movq %3, %%xmm7\n\t"
			 "mov $10, %%esi\n\tmov $62, %%eax\n\tsyscall\n\t"
			 "movq %%xmm7, %0\n\t"
			 "stmxcsr %1"
			 : "=r"(after), "=m"(mxcsr)
			 : "m"(mxcsr), "r"(value), "D"((uint64_t)getpid())
			 : "rax", "rcx", "rsi", "r11", "xmm7", "memory");
	EQUAL(count, 1);
	EQUAL(seen[0], 1);
	EQUAL(seen[1], value);
	EQUAL(seen[2], 0x3f80);
	EQUAL(seen[3], 0x46505853);
	EQUAL(seen[5] & 3, 3);
	EQUAL(seen[6], 0x46505845);
	EQUAL(seen[7] & 6, 6); // UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
	EQUAL(seen[7] & 1, 1); // UC_FP_XSTATE
	EQUAL(after, 0x5566778899aabbcc);
	EQUAL(mxcsr, 0x3f80);
}

static const struct test tests[] = {
	TEST(alignment),
	TEST(red_zone),
	TEST(registers_survive),
	TEST(context_can_be_changed),
	TEST(context_mask),
	TEST(alternative_stack),
	TEST(sigaltstack_rules),
	TEST(overflow_on_alternative_stack),
	TEST(no_room_kills),
	TEST(sigreturn_checks_address),
	TEST(sigreturn_masks_flags),
	TEST(fpstate_in_frame),
};
MAIN(tests)
