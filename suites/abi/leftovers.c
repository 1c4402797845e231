// Memory that the kernel gives to a program holds nothing of others.

#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

// mark returns the mark that others leave; it is nowhere in this program as a whole.
static uint64_t mark(void)
{
	volatile uint64_t half = 0x5ec2e75ec2e70000;
	return half ^ 0xa5a5a5a5a5a5a5a5;
}

static void fill(void *p, size_t n)
{
	for (size_t i = 0; i < n / 8; i++)
		((uint64_t *)p)[i] = mark();
}

// leave fills much memory of all kinds with the mark, and ends.
static void leave(void)
{
	size_t n = 24 << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	fill(p, n);
	int fd = open("left", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(write(fd, p, 8 << 20) == 8 << 20);
	CHECK(ftruncate(fd, 100) == 0 && unlink("left") == 0);
	int ends[2];
	CHECK(pipe(ends) == 0 && write(ends[1], p, 65536) == 65536);
	char *text = malloc(100001);
	memset(text, 0, 100001);
	for (int i = 0; i < 100000 / 8; i++) {
		uint64_t m = mark();
		for (int k = 0; k < 8; k++)
			text[i * 8 + k] = (char)(m >> k * 8 | 1);
	}
	pid_t pid = fork();
	if (pid == 0) {
		fill(p, n / 2);
		char *argv[] = {"true", text, NULL}, *environment[] = {text, NULL};
		execve("/bin/true", argv, environment);
		_exit(0);
	}
	end(pid);
}

static void clean(const char *what, const void *p, size_t n)
{
	for (size_t i = 0; i < n / 8; i++) {
		uint64_t v = ((const uint64_t *)p)[i];
		if (v != 0)
			fail(__FILE__, __LINE__, "%s holds %llx at %zu", what, (unsigned long long)v, i * 8);
	}
}

// Fresh memory is zero: anonymous, shared, of the heap, behind the end of files and in their holes.
static void fresh_memory(void)
{
	for (int round = 0; round < 3; round++) {
		PASSES(start(leave));
		size_t n = 16 << 20;
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		for (size_t i = 0; i < n; i += 8192)
			p[i] = 0; // half of it is written to first
		clean("private memory", p, n);
		CHECK(munmap(p, n) == 0);
		p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		clean("shared memory", p, n);
		CHECK(munmap(p, n) == 0);
		p = (char *)syscall(SYS_brk, 0);
		CHECK((char *)syscall(SYS_brk, p + (1 << 20)) == p + (1 << 20));
		clean("the heap", p, 1 << 20);
	}
}

// So is a file where nothing was written: in holes, in the rest of pages, after it was cut and grown.
static void fresh_files(void)
{
	static char buffer[1 << 20];
	PASSES(start(leave));
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	for (int i = 1; i < 200; i++)
		CHECK(pwrite(fd, buffer, 8, i * 5000L & ~7L) == 8); // zeros
	CHECK(ftruncate(fd, sizeof buffer) == 0);
	memset(buffer, 1, sizeof buffer);
	CHECK(pread(fd, buffer, sizeof buffer, 0) == sizeof buffer);
	clean("a file with holes", buffer, sizeof buffer);
	char *p = mmap(NULL, sizeof buffer, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	clean("a file with holes, mapped", p, sizeof buffer);
	fill(p, sizeof buffer);
	CHECK(ftruncate(fd, 4096 * 3 + 104) == 0);
	clean("the page behind the end", p + 4096 * 3 + 104, 4096 - 104);
	CHECK(ftruncate(fd, sizeof buffer) == 0);
	clean("a file that was cut", p + 4096 * 3 + 104, sizeof buffer - 4096 * 3 - 104);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 104, 8000) == 0);
	clean("a hole", p + 104, 8000);
}

// Nowhere in a new program's memory is anything of others: stack, vDSO, data, the rest of its pages.
static void new_program(void)
{
	if (strcmp(arguments[0], "fresh") != 0) {
		PASSES(start(leave));
		char *argv[] = {"fresh", "new-program", NULL}, *environment[] = {NULL};
		execve("/proc/self/exe", argv, environment);
		fail(__FILE__, __LINE__, "exec");
	}
	FILE *maps = fopen("/proc/self/maps", "re");
	CHECK(maps != NULL);
	char line[400];
	int mappings = 0;
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char rights[5];
		CHECK(sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3);
		if (rights[0] != 'r' || strstr(line, "[vsyscall]") || strstr(line, "[vvar"))
			continue;
		mappings++;
		for (unsigned long a = from; a < to; a += 8) {
			uint64_t v = *(volatile uint64_t *)a;
			if ((v ^ mark()) >> 16 == 0)
				fail(__FILE__, __LINE__, "%lx holds %llx: %s", a, (unsigned long long)v, line);
		}
	}
	CHECK(mappings > 4);
}

static const struct test tests[] = {
	TEST(fresh_memory),
	TEST(fresh_files),
	TEST(new_program),
};
MAIN(tests)
