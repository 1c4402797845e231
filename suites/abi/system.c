// What the system tells about itself, random numbers, and calls that there are not.

#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

// A call that does not exist is ENOSYS, whatever its number and arguments.
static void unknown_calls(void)
{
	long numbers[] = {335, 400, 423, 500, 511, 512, 1000, 0x7fffffff, -1, 0x40000000 | 39};
	for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		FAILS(syscall(numbers[i], -1, -1, -1, -1, -1, -1), ENOSYS);
	FAILS(syscall(180 /* nfsservctl */, 0, 0, 0), ENOSYS);
	EQUAL(syscall(1L << 40 | SYS_getpid), getpid()); // the number is 32 bits
}

// A system call changes rax, rcx and r11 only.
static void registers_kept(void)
{
	uint64_t wrong, rcx, r11;
	__asm__ volatile("push %%rbp\n\t"
			 "mov $0x1111, %%rbx\n\tmov $0x2222, %%rdx\n\tmov $0x3333, %%rsi\n\tmov $0x4444, %%rdi\n\t"
			 "mov $0x5555, %%rbp\n\tmov $0x6666, %%r8\n\tmov $0x7777, %%r9\n\tmov $0x8888, %%r10\n\t"
			 "mov $0xaaaa, %%r12\n\tmov $0xbbbb, %%r13\n\tmov $0xcccc, %%r14\n\tmov $0xdddd, %%r15\n\t"
			 "mov $39, %%eax\n\t"
			 "stc\n\t"
			 "syscall\n"
			 "1:\n\t"
			 "setnc %%al\n\tmovzx %%al, %%eax\n\t"
			 "xor $0x1111, %%rbx\n\txor $0x2222, %%rdx\n\txor $0x3333, %%rsi\n\txor $0x4444, %%rdi\n\t"
			 "xor $0x5555, %%rbp\n\txor $0x6666, %%r8\n\txor $0x7777, %%r9\n\txor $0x8888, %%r10\n\t"
			 "xor $0xaaaa, %%r12\n\txor $0xbbbb, %%r13\n\txor $0xcccc, %%r14\n\txor $0xdddd, %%r15\n\t"
			 "or %%rbx, %%rax\n\tor %%rdx, %%rax\n\tor %%rsi, %%rax\n\tor %%rdi, %%rax\n\tor %%rbp, %%rax\n\t"
			 "or %%r8, %%rax\n\tor %%r9, %%rax\n\tor %%r10, %%rax\n\tor %%r12, %%rax\n\tor %%r13, %%rax\n\t"
			 "or %%r14, %%rax\n\tor %%r15, %%rax\n\t"
			 "lea 1b(%%rip), %%rbx\n\t"
			 "sub %%rbx, %%rcx\n\t"
			 "pop %%rbp"
			 : "=a"(wrong), "=c"(rcx)
			 :
			 : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory");
	EQUAL(wrong, 0);
	EQUAL(rcx, 0); // the address behind the instruction
	__asm__ volatile("mov $39, %%eax\n\tsyscall\n\tmov %%r11, %0" : "=r"(r11) : : "rax", "rcx", "r11", "memory");
	EQUAL(r11 & 0x202, 0x202); // the flags
}

// uname, sysinfo and sysconf make sense.
static void descriptions(void)
{
	struct utsname u;
	struct sysinfo s;
	CHECK(uname(&u) == 0);
	CHECK(strcmp(u.sysname, "Linux") == 0);
	CHECK(strcmp(u.machine, "x86_64") == 0);
	int major, minor;
	CHECK(sscanf(u.release, "%d.%d", &major, &minor) == 2 && major >= 4);
	CHECK(sysinfo(&s) == 0);
	CHECK(s.uptime > 0 && s.procs > 0 && s.mem_unit >= 1);
	CHECK(s.totalram > 0 && s.freeram <= s.totalram);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	CHECK(cpus >= 1 && cpus <= sysconf(_SC_NPROCESSORS_CONF));
	char old[65];
	strcpy(old, u.nodename);
	CHECK(sethostname("new-name", 8) == 0);
	CHECK(uname(&u) == 0 && strcmp(u.nodename, "new-name") == 0);
	char name[65];
	memset(name, 'n', sizeof name);
	FAILS(sethostname(name, 65), EINVAL);
	CHECK(sethostname(old, strlen(old)) == 0);
	CHECK(setuid(1000) == 0);
	FAILS(sethostname("x", 1), EPERM);
}

// getrandom gives as many bytes as asked for, different ones, and knows its flags.
static void random_bytes(void)
{
	static uint8_t a[100000], b[100000];
	EQUAL(getrandom(a, 256, 0), 256);
	EQUAL(getrandom(b, 256, GRND_NONBLOCK), 256);
	CHECK(memcmp(a, b, 256) != 0);
	EQUAL(getrandom(a, sizeof a, 0), sizeof a);
	int seen[256] = {0}, kinds = 0;
	for (unsigned i = 0; i < sizeof a; i++)
		kinds += seen[a[i]]++ == 0;
	EQUAL(kinds, 256);
	FAILS(getrandom(a, 10, 0x100), EINVAL);
	FAILS(syscall(SYS_getrandom, 8, 10, 0), EFAULT);
	uint64_t before, after;
	CHECK(getrandom(&before, 8, 0) == 8);
	pid_t pid = fork();
	if (pid == 0) { // a child does not continue its parent's numbers
		uint64_t mine;
		CHECK(getrandom(&mine, 8, 0) == 8);
		CHECK(mine != before);
		_exit(0);
	}
	CHECK(getrandom(&after, 8, 0) == 8);
	CHECK(after != before);
	PASSES(pid);
}

// A memfd is a file without a name, which can be read, written, resized and mapped.
static void memory_file(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC);
	CHECK(fd >= 0);
	EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(write(fd, "hello", 5) == 5);
	char path[64], target[100] = "";
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CHECK(readlink(path, target, sizeof target - 1) > 0);
	CHECK(strcmp(target, "/memfd:name (deleted)") == 0);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "hello", 5) == 0);
	CHECK(pwrite(fd, "J", 1, 0) == 1);
	EQUAL(p[0], 'J');
	CHECK(ftruncate(fd, 100000) == 0);
	FAILS(memfd_create("x", 0x40000000), EINVAL);
}

// Seals forbid to shrink, to grow and to write a memfd, for good. One that is mapped writable cannot be
// sealed against writing.
static void sealing(void)
{
	int fd = memfd_create("name", MFD_ALLOW_SEALING);
	CHECK(fd >= 0);
	CHECK(write(fd, "hello", 5) == 5);
	EQUAL(fcntl(fd, F_GET_SEALS), 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	FAILS(ftruncate(fd, 1), EPERM);
	FAILS(ftruncate(fd, 100), EPERM);
	CHECK(pwrite(fd, "J", 1, 0) == 1);
	FAILS(pwrite(fd, "xyz", 3, 3), EPERM);
	EQUAL(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "Jello", 5) == 0);
	FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK(munmap(p, 4096) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	FAILS(pwrite(fd, "x", 1, 0), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "Jello", 5) == 0);
	FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
	fd = memfd_create("name", 0);
	EQUAL(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
}

// The console level of the kernel log is set, switched off and on.
static void console_level(void)
{
	FAILS(syscall(SYS_syslog, 8, NULL, 0), EINVAL);
	FAILS(syscall(SYS_syslog, 8, NULL, 9), EINVAL);
	EQUAL(syscall(SYS_syslog, 8, NULL, 4), 0);
	EQUAL(syscall(SYS_syslog, 6, NULL, 0), 0);
	EQUAL(syscall(SYS_syslog, 7, NULL, 0), 0);
	EQUAL(syscall(SYS_syslog, 8, NULL, 7), 0);
	CHECK(setuid(1000) == 0);
	FAILS(syscall(SYS_syslog, 6, NULL, 0), EPERM);
	FAILS(syscall(SYS_syslog, 8, NULL, 0), EPERM);
}

// may_read_log tells whether a user may read the kernel log, both ways.
static int may_read_log(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		char line[4096];
		CHECK(setuid(1000) == 0);
		long size = syscall(SYS_syslog, 10, NULL, 0), got = syscall(SYS_syslog, 3, line, sizeof line);
		int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
		if (size > 0 && got > 0 && fd >= 0)
			_exit(0);
		FAILS(syscall(SYS_syslog, 10, NULL, 0), EPERM);
		FAILS(syscall(SYS_syslog, 3, line, sizeof line), EPERM);
		FAILS(open("/dev/kmsg", O_RDONLY), EPERM);
		FAILS(open("/dev/kmsg", O_WRONLY), EACCES);
		_exit(2);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 1);
	return WEXITSTATUS(status) == 0;
}

static void set_restriction(const char *text)
{
	int fd = open("/proc/sys/kernel/dmesg_restrict", O_WRONLY);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

// Users may read the kernel log, in which there may be addresses, only if kernel.dmesg_restrict allows it.
static void log_restriction(void)
{
	CHECK(!may_read_log());
	set_restriction("0\n");
	CHECK(may_read_log());
	set_restriction("1\n");
	CHECK(!may_read_log());
}

static const struct test tests[] = {
	TEST(unknown_calls),
	TEST(registers_kept),
	TEST(descriptions),
	TEST(random_bytes),
	TEST(memory_file),
	TEST(sealing),
	TEST(console_level),
	TEST(log_restriction),
};
MAIN(tests)
