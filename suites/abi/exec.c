// Executing programs: what a program is given, what it keeps, and what cannot be executed.

#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

extern char **environ;

// is_inner tells whether this program was executed by itself, as "inner TEST", to look from inside.
static int is_inner(void)
{
	return strcmp(arguments[0], "inner") == 0;
}

static int run_inner(const char *name, char *const environment[])
{
	pid_t pid = fork();
	if (pid == 0) {
		char *argv[] = {"inner", (char *)name, "two words", "", NULL};
		execve("/proc/self/exe", argv, environment);
		fail(__FILE__, __LINE__, "execve");
	}
	return end(pid);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, mode) == 0);
	close(fd);
}

static int status_of(const char *path, char *const argv[])
{
	pid_t pid = fork();
	if (pid == 0) {
		execve(path, argv, environ);
		_exit(200 + errno);
	}
	int status = end(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int refusal(const char *path)
{
	char *argv[] = {"x", NULL};
	return status_of(path, argv) - 200;
}

// The arguments and the environment arrive as they were given, and end with null pointers.
static void arguments_arrive(void)
{
	if (is_inner()) {
		CHECK(strcmp(arguments[0], "inner") == 0);
		CHECK(strcmp(arguments[2], "two words") == 0);
		CHECK(strcmp(arguments[3], "") == 0);
		CHECK(arguments[4] == NULL);
		CHECK(strcmp(environ[0], "A=1") == 0);
		CHECK(strcmp(environ[1], "B=") == 0);
		CHECK(environ[2] == NULL);
		// Below the name of the program at the end of the stack, in order.
		CHECK(arguments[1] == arguments[0] + strlen(arguments[0]) + 1);
		CHECK(environ[0] == arguments[3] + 1);
		CHECK(environ[1] == environ[0] + 4);
		return;
	}
	char *environment[] = {"A=1", "B=", NULL};
	EQUAL(run_inner("arguments-arrive", environment), 0);
}

// The auxiliary vector describes the program, the machine and the user.
static void auxiliary_vector(void)
{
	EQUAL(getauxval(AT_PAGESZ), 4096);
	EQUAL(getauxval(AT_UID), getuid());
	EQUAL(getauxval(AT_EUID), geteuid());
	EQUAL(getauxval(AT_GID), getgid());
	EQUAL(getauxval(AT_EGID), getegid());
	EQUAL(getauxval(AT_SECURE), 0);
	EQUAL(getauxval(AT_CLKTCK), 100);
	EQUAL(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	CHECK(getauxval(AT_HWCAP) & 1); // CPUID edx: FPU
	CHECK(strstr((char *)getauxval(AT_EXECFN), "exec") != NULL);
	uint8_t *random = (uint8_t *)getauxval(AT_RANDOM);
	int zeros = 0;
	for (int i = 0; i < 16; i++)
		zeros += random[i] == 0;
	CHECK(zeros < 8);
	Elf64_Phdr *headers = (Elf64_Phdr *)getauxval(AT_PHDR);
	int loads = 0;
	for (unsigned i = 0; i < getauxval(AT_PHNUM); i++)
		loads += headers[i].p_type == PT_LOAD;
	CHECK(loads >= 2);
	extern char _start[];
	EQUAL(getauxval(AT_ENTRY), (uint64_t)_start);
	Elf64_Ehdr *vdso = (Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	CHECK(vdso != NULL && memcmp(vdso->e_ident, ELFMAG, SELFMAG) == 0);
	EQUAL(vdso->e_type, ET_DYN);
}

enum { STACK, MAPPING, HEAP, VDSO, PLACES };

static void get_addresses(uint64_t addresses[PLACES])
{
	addresses[STACK] = (uint64_t)__builtin_frame_address(0);
	addresses[MAPPING] = (uint64_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	addresses[HEAP] = syscall(SYS_brk, 0);
	addresses[VDSO] = getauxval(AT_SYSINFO_EHDR);
}

// The stack, the mappings, the heap and the vDSO lie elsewhere at every start, by as many bits as on Linux: 22 of the
// stack's page and what aligning leaves within it, 28 of mappings' pages, 18 of the heap's. The vDSO follows the stack.
static void address_randomization(void)
{
	static const uint64_t random_bits[PLACES] = {
		[STACK] = 0x3fffffff0, [MAPPING] = 0xfffffff000, [HEAP] = 0x3ffff000, [VDSO] = 0x3fffff000,
	};
	// A bit that is random is the same at every start once in 2^47 times.
	enum { STARTS = 48 };
	uint64_t first[PLACES], other[PLACES], differ[PLACES] = {0};
	int ends[2];
	if (is_inner()) {
		get_addresses(other);
		CHECK(write(5, other, sizeof other) == sizeof other);
		return;
	}
	CHECK(pipe(ends) == 0);
	CHECK(dup2(ends[1], 5) == 5);
	for (int i = 0; i < STARTS; i++) {
		EQUAL(run_inner("address-randomization", environ), 0);
		CHECK(read(ends[0], other, sizeof other) == sizeof other);
		for (int place = 0; i > 0 && place < PLACES; place++)
			differ[place] |= first[place] ^ other[place];
		if (i == 0)
			memcpy(first, other, sizeof first);
		EQUAL(other[MAPPING] & 4095, 0);
		CHECK(other[VDSO] > other[STACK] && other[VDSO] - other[STACK] < 4 << 20);
	}
	for (int place = 0; place < PLACES; place++)
		EQUAL(differ[place] & random_bits[place], random_bits[place]);
}

static volatile int handled;

static void note(int number)
{
	handled = number;
}

// Ignored signals stay ignored, caught ones are back to their default; mask and pending signals are kept.
static void signals_across_exec(void)
{
	sigset_t set;
	struct sigaction action;
	if (is_inner()) {
		CHECK(sigaction(SIGUSR1, NULL, &action) == 0);
		CHECK(action.sa_handler == SIG_DFL);
		EQUAL(action.sa_flags, 0);
		CHECK(sigaction(SIGUSR2, NULL, &action) == 0);
		CHECK(action.sa_handler == SIG_IGN);
		CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
		CHECK(sigismember(&set, SIGHUP));
		CHECK(!sigismember(&set, SIGTERM));
		CHECK(sigpending(&set) == 0);
		CHECK(sigismember(&set, SIGHUP));
		stack_t stack;
		CHECK(sigaltstack(NULL, &stack) == 0);
		EQUAL(stack.ss_flags, SS_DISABLE);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		static char memory[65536];
		stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
		CHECK(sigaltstack(&stack, NULL) == 0);
		signal(SIGUSR1, note);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		kill(getpid(), SIGHUP);
		execl("/proc/self/exe", "inner", "signals-across-exec", NULL);
		_exit(1);
	}
	PASSES(pid);
}

// Descriptors stay open but for those with FD_CLOEXEC.
static void close_on_exec(void)
{
	if (is_inner()) {
		CHECK(fcntl(20, F_GETFD) == 0);
		FAILS(fcntl(21, F_GETFD), EBADF);
		FAILS(fcntl(22, F_GETFD), EBADF);
		FAILS(fcntl(23, F_GETFD), EBADF);
		CHECK(fcntl(24, F_GETFD) == 0);
		return;
	}
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(dup2(fd, 20) == 20); // dup2 clears it
	CHECK(dup2(fd, 21) == 21 && fcntl(21, F_SETFD, FD_CLOEXEC) == 0);
	CHECK(dup3(fd, 22, O_CLOEXEC) == 22);
	CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 23) == 23);
	CHECK(fcntl(fd, F_DUPFD, 24) == 24);
	EQUAL(run_inner("close-on-exec", environ), 0);
	EQUAL(fcntl(21, F_GETFD), FD_CLOEXEC);
}

// The process stays the same: number, parent, group, session, directory, mask for new files, time limit.
static void identity_across_exec(void)
{
	if (is_inner()) {
		char expected[100];
		snprintf(expected, sizeof expected, "%d %d %d %d", getpid(), getppid(), getpgrp(), getsid(0));
		CHECK(strcmp(getenv("IDENTITY"), expected) == 0);
		EQUAL(umask(0), 031);
		CHECK(access("here", F_OK) == 0);
		CHECK(alarm(0) > 50);
		return;
	}
	write_file("here", "", 0600);
	pid_t pid = fork();
	if (pid == 0) {
		char identity[100];
		snprintf(identity, sizeof identity, "IDENTITY=%d %d %d %d", getpid(), getppid(), getpgrp(), getsid(0));
		putenv(identity);
		umask(031);
		alarm(100);
		execl("/proc/self/exe", "inner", "identity-across-exec", NULL);
		_exit(1);
	}
	PASSES(pid);
}

// What cannot be executed is refused with its error, and the process goes on.
static void refusals(void)
{
	EQUAL(refusal("missing"), ENOENT);
	EQUAL(refusal(""), ENOENT);
	CHECK(mkdir("dir", 0755) == 0);
	EQUAL(refusal("dir"), EACCES);
	write_file("text", "no program", 0755);
	EQUAL(refusal("text"), ENOEXEC);
	EQUAL(refusal("text/x"), ENOTDIR);
	write_file("empty", "", 0755);
	EQUAL(refusal("empty"), ENOEXEC);
	write_file("not-executable", "#!/bin/true\n", 0644);
	EQUAL(refusal("not-executable"), EACCES);
	write_file("no-interpreter", "#!/no/such/interpreter\n", 0755);
	EQUAL(refusal("no-interpreter"), ENOENT);
	write_file("nothing-after", "#!   \n", 0755);
	EQUAL(refusal("nothing-after"), ENOEXEC);
	CHECK(symlink("loop", "loop") == 0);
	EQUAL(refusal("loop"), ELOOP);
	EQUAL(refusal("/dev/null"), EACCES);
	FAILS(syscall(SYS_execve, 8, arguments, environ), EFAULT);
	FAILS(syscall(SYS_execve, "text", 8, environ), EFAULT);
	char *bad[] = {"x", (char *)8, NULL};
	FAILS(execve("/bin/true", bad, environ), EFAULT);
	int fd = open("text", O_WRONLY);
	EQUAL(refusal("text"), ETXTBSY);
	close(fd);
}

// Scripts: the interpreter gets its argument, the path and the arguments; four deep, not more.
static void scripts(void)
{
	char *argv[] = {"ignored", "arg", NULL};
	write_file("args", "#!/bin/sh -f\n[ \"$0\" = ./args ] && [ \"$*\" = arg ] && case $- in *f*) exit 5 ;; esac\n", 0755);
	EQUAL(status_of("./args", argv), 5);
	write_file("one", "#!/bin/echo a  b c \n", 0755);
	write_file("check", "#!/bin/sh\n[ \"$(./one d)\" = 'a  b c ./one d' ] && exit 6\n", 0755);
	EQUAL(status_of("./check", argv), 6);
	char name[20], text[40];
	write_file("s0", "#!/bin/sh\nexit 7\n", 0755);
	for (int i = 1; i <= 6; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(text, sizeof text, "#!./s%d\n", i - 1);
		write_file(name, text, 0755);
	}
	EQUAL(status_of("./s4", argv), 7);
	EQUAL(status_of("./s5", argv), 200 + ELOOP);
	// The interpreter cannot read what is open only in the caller.
	int fd = open("s0", O_RDONLY | O_CLOEXEC);
	FAILS(syscall(SYS_execveat, fd, "", argv, environ, 0x1000 /* AT_EMPTY_PATH */), ENOENT);
	CHECK(close(fd) == 0);
	// The line may have 255 bytes.
	char line[300];
	memset(line, ' ', sizeof line);
	memcpy(line, "#!/bin/true", 11);
	line[250] = '\n';
	line[251] = 0;
	write_file("long", line, 0755);
	EQUAL(status_of("./long", argv), 0);
}

// An argument may have 128 KiB, all of them together a quarter of the stack's limit.
static void too_many_arguments(void)
{
	static char big[131072 + 1];
	memset(big, 'x', sizeof big - 1);
	char *argv[] = {"true", big, NULL};
	FAILS(execve("/bin/true", argv, environ), E2BIG);
	big[131071] = 0;
	EQUAL(status_of("/bin/true", argv), 0);
	char *many[40] = {"true"};
	for (int i = 1; i < 39; i++)
		many[i] = big;
	many[39] = NULL;
	FAILS(execve("/bin/true", many, environ), E2BIG);
	many[10] = NULL;
	EQUAL(status_of("/bin/true", many), 0);
}

// A broken ELF file is refused or its process killed; the kernel and the caller go on.
static void broken_programs(void)
{
	static char image[1 << 20];
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t size = read(fd, image, sizeof image);
	CHECK(size > 4096);
	close(fd);
	Elf64_Ehdr *e = (Elf64_Ehdr *)image;
	Elf64_Phdr *p = (Elf64_Phdr *)(image + e->e_phoff);
	Elf64_Ehdr original = *e;
	Elf64_Phdr first = *p;
	for (int way = 0; way < 13; way++) {
		ssize_t length = size;
		*e = original;
		*p = first;
		switch (way) {
		case 0: e->e_machine = EM_386; break;
		case 1: e->e_phnum = 0; break;
		case 2: e->e_phentsize = 3; break;
		case 3: e->e_phoff = 0xffffffffffffff00; break;
		case 4: e->e_type = ET_REL; break;
		case 5: length = 70; break;
		case 6: p->p_vaddr = 0xffff800000000000; break;
		case 7: p->p_memsz = 0x7fffffffffffffff; break;
		case 8: p->p_filesz = p->p_memsz + 4096; break;
		case 9: p->p_offset = 1; break;
		case 10: e->e_entry = 0xffffffff81000000; break;
		case 11: e->e_entry = 0; break;
		case 12: e->e_phnum = 0xffff; break;
		}
		int out = open("broken", O_WRONLY | O_CREAT | O_TRUNC, 0755);
		CHECK(write(out, image, length) == length);
		close(out);
		pid_t pid = fork();
		if (pid == 0) {
			char *argv[] = {"broken", NULL};
			execve("./broken", argv, environ);
			_exit(99);
		}
		int status = end(pid);
		if (status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) != 99))
			fail(__FILE__, __LINE__, "way %d ends with %#x", way, status);
		if (way < 6 && !WIFEXITED(status))
			fail(__FILE__, __LINE__, "way %d is not refused: %#x", way, status);
	}
}

// The pages of a new program: nothing of the old memory is left, the heap is empty, flags are clear.
static void fresh_memory(void)
{
	if (is_inner()) {
		uint64_t flags;
		__asm__("pushfq; pop %0" : "=r"(flags));
		EQUAL(flags & 0x400, 0);
		uint32_t mxcsr;
		__asm__("stmxcsr %0" : "=m"(mxcsr));
		EQUAL(mxcsr & ~0x3f, 0x1f80);
		uint16_t control;
		__asm__("fnstcw %0" : "=m"(control));
		EQUAL(control, 0x37f);
		CHECK(mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
		      (void *)0x10000000);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		uint32_t mxcsr = 0x7f80;
		uint16_t control = 0x27f;
		CHECK(mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
		__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(control));
		execl("/proc/self/exe", "inner", "fresh-memory", NULL);
		_exit(1);
	}
	PASSES(pid);
}

static const struct test tests[] = {
	TEST(arguments_arrive),
	TEST(auxiliary_vector),
	TEST(address_randomization),
	TEST(signals_across_exec),
	TEST(close_on_exec),
	TEST(identity_across_exec),
	TEST(refusals),
	TEST(scripts),
	TEST(too_many_arguments),
	TEST(broken_programs),
	TEST(fresh_memory),
};

MAIN(tests)
