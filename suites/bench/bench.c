// The first process of a machine that counts instructions: under QEMU's -icount shift=0,sleep=off
// the time-stamp counter advances by one for every instruction of the guest. It prints lines "NAME
// TICKS PER" on the console: PER operations took that many instructions. Without an argument it
// tells only when it began; with the argument "operations" it measures those, with "interrupts" how
// long Kevlar takes from an interrupt that finds its CPU idle to the goroutine that serves it.
//
// cflags: -Wl,-e,first_instruction

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The counter when this program began.
static volatile uint64_t began __attribute__((used)) = 1;

// The program's entry: it reads the counter before anything else and goes on as programs do.
__asm__(".globl first_instruction\n"
	"first_instruction:\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n"
	"	or %rdx, %rax\n"
	"	mov %rax, began(%rip)\n"
	"	xor %edx, %edx\n"
	"	jmp _start\n");

static uint64_t ticks(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static void end(void)
{
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *what)
{
	perror(what);
	fprintf(stdout, "failed %s\n", what);
	end();
}

// rounds is how often everything is measured. The least counts: interrupts only add.
enum { rounds = 7 };

// measure prints what the operation costs: the difference between many and few of them, so that
// what happens once does not count.
static void measure(const char *name, void (*operations)(long n), long few, long many)
{
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX };
	operations(few);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++) {
			uint64_t begin = ticks();
			operations(i ? many : few);
			uint64_t took = ticks() - begin;
			if (took < best[i])
				best[i] = took;
		}
	}
	printf("%s %lld %ld\n", name, (long long)(best[1] - best[0]), many - few);
}

// empty_loop has two instructions a turn: it shows that the counter counts instructions.
static void empty_loop(long n)
{
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n)::"cc");
}

// getpid_loop has four instructions a turn in user mode.
static void getpid_loop(long n)
{
	__asm__ volatile("1: mov %1, %%eax\n"
			 "syscall\n"
			 "dec %0\n"
			 "jnz 1b" : "+r"(n) : "i"(SYS_getpid) : "rax", "rcx", "r11", "cc", "memory");
}

static int zero, null, to[2], from[2];
static char byte;

static void read_zero(long n)
{
	while (n-- > 0)
		if (read(zero, &byte, 1) != 1)
			fail("read");
}

static void write_null(long n)
{
	while (n-- > 0)
		if (write(null, &byte, 1) != 1)
			fail("write");
}

static void open_close(long n)
{
	while (n-- > 0)
		if (close(open("/dev/null", O_RDONLY)))
			fail("open");
}

// pipe_self sends a byte through a pipe within one process.
static void pipe_self(long n)
{
	while (n-- > 0)
		if (write(to[1], &byte, 1) != 1 || read(to[0], &byte, 1) != 1)
			fail("pipe");
}

// pipe_other sends a byte to another process, which sends it back.
static void pipe_other(long n)
{
	while (n-- > 0)
		if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
			fail("pipe");
}

static pid_t start_echo(void)
{
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1 && write(from[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	return pid;
}

// touch_pages has n pages of anonymous memory appear, one fault each.
static void touch_pages(long n)
{
	const size_t page = 4096;
	char *p = mmap(0, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	madvise(p, n * page, MADV_NOHUGEPAGE);
	for (long i = 0; i < n; i++)
		p[i * page] = 1;
	munmap(p, n * page);
}

static void await(pid_t pid)
{
	int status;
	if (pid < 0)
		fail("fork");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("child");
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

static void fork_exec(long n)
{
	static char *const argv[] = { "true", 0 }, *const none[] = { 0 };
	while (n-- > 0) {
		pid_t pid = fork();
		if (pid == 0) {
			execve("/bin/busybox", argv, none);
			_exit(1);
		}
		await(pid);
	}
}

static void measure_operations(void)
{
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, 0);
	zero = open("/dev/zero", O_RDWR);
	null = open("/dev/null", O_RDWR);
	if (zero < 0 || null < 0 || pipe(to) || pipe(from))
		fail("open");
	measure("loop", empty_loop, 1000, 101000);
	measure("getpid", getpid_loop, 100, 1100);
	measure("read-zero", read_zero, 100, 1100);
	measure("write-null", write_null, 100, 1100);
	measure("open-close", open_close, 100, 600);
	measure("pipe-self", pipe_self, 100, 600);
	pid_t echo = start_echo();
	measure("pipe-other", pipe_other, 100, 600);
	kill(echo, SIGKILL);
	waitpid(echo, 0, 0);
	measure("page-fault", touch_pages, 64, 1024);
	measure("fork-exit", fork_exit, 2, 22);
	measure("fork-exec", fork_exec, 2, 22);
}

// measure_interrupts asks for keys at the console and sleeps until they come. A nanosecond is an
// instruction.
static void measure_interrupts(void)
{
	const char *file = "/proc/sys/kernel/kevlar/idle_interrupts";
	enum { keys = 20 };
	char key[10];
	unsigned long long count, worst;
	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, 0))
		fail("mount");
	FILE *f = fopen(file, "w");
	if (!f || fputs("0", f) < 0 || fclose(f))
		fail(file);
	for (int i = 0; i < keys; i++) {
		printf("press\n");
		fflush(stdout);
		if (read(0, key, sizeof key) <= 0)
			fail("read");
	}
	f = fopen(file, "r");
	if (!f || fscanf(f, "%llu %llu", &count, &worst) != 2)
		fail(file);
	if (count < keys / 2)
		fail("too few interrupts found their CPU idle");
	printf("idle-interrupt %llu 1\n", worst);
}

// print_boot tells when this program began, and when the kernel's clock did if it started with the
// kernel.
static void print_boot(void)
{
	struct timespec up;
	uint64_t now = ticks();
	if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &up))
		fail("clock_gettime");
	uint64_t clock_began = now - (up.tv_sec * 1000000000ull + up.tv_nsec);
	printf("began %llu 1\nclock-began %llu 1\n", (unsigned long long)began, (unsigned long long)clock_began);
}

int main(int argc, char **argv)
{
	print_boot();
	if (argc > 1 && strcmp(argv[1], "operations") == 0)
		measure_operations();
	if (argc > 1 && strcmp(argv[1], "interrupts") == 0)
		measure_interrupts();
	printf("end 0 1\n");
	end();
}
