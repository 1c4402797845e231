// The first process of a machine that counts instructions: under QEMU's -icount shift=0,sleep=off
// the time-stamp counter advances by one for every instruction of the guest. It prints lines "NAME
// TICKS PER" on the console: PER operations took that many instructions. Without an argument it
// tells only when it began; with the arguments "operations PATTERN" it measures those, with "interrupts"
// how long Kevlar takes from an interrupt that finds its CPU idle to the goroutine that serves it.
//
// cflags: -Wl,-e,first_instruction

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

// programs measure operations, each those of one kind.
static char *const programs[] = {"calls", "files", "pipes", "memory", "processes", "busybox"};

// measure_operations runs the programs with the pattern of the rows that are wanted.
static void measure_operations(char *pattern)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/tmp", 0755);
	mount("dev", "/dev", "devtmpfs", 0, 0);
	if (mount("proc", "/proc", "proc", 0, 0) || mount("tmp", "/tmp", "tmpfs", 0, 0))
		fail("mount");
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		char path[40];
		char *const argv[] = { path, pattern, 0 }, *const none[] = { 0 };
		int status;
		snprintf(path, sizeof path, "/bench/%s", programs[i]);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			execve(path, argv, none);
			fail(path);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			fail("fork");
		if (status != 0)
			end();
	}
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
	if (argc > 2 && strcmp(argv[1], "operations") == 0)
		measure_operations(argv[2]);
	if (argc > 1 && strcmp(argv[1], "interrupts") == 0)
		measure_interrupts();
	printf("end 0 1\n");
	end();
}
