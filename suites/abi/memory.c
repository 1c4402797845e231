// Address spaces: mapping, protection, moving, growing, copy-on-write, sharing.

#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGE 4096L

static char *map(long pages, int protection)
{
	char *p = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

static int make_file(long size)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	for (long i = 0; i < size; i++) {
		char c = 'a' + i / PAGE;
		if (i % PAGE < 16 || i == size - 1)
			CHECK(pwrite(fd, &c, 1, i) == 1);
	}
	return fd;
}

static sigjmp_buf back;
static int code;

static void leap(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	code = info->si_code;
	siglongjmp(back, 1);
}

// access_code returns 0 if an access works, and the code of the signal if it does not.
static int access_code(volatile char *p, int writes)
{
	struct sigaction action = {.sa_sigaction = leap, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
	if (sigsetjmp(back, 1) != 0)
		return code;
	char c = *p;
	if (writes)
		*p = c;
	return 0;
}

static int readable(char *p) { return access_code(p, 0) == 0; }
static int writable(char *p) { return access_code(p, 1) == 0; }

// Anonymous memory is zero, page by page, and can be written to its end.
static void anonymous_is_zero(void)
{
	char *p = map(300, PROT_READ | PROT_WRITE);
	for (long i = 0; i < 300 * PAGE; i += 511)
		EQUAL(p[i], 0);
	memset(p, 7, 300 * PAGE);
	CHECK(munmap(p, 300 * PAGE) == 0);
	CHECK(!readable(p));
	char *q = mmap(p, 300 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p);
	for (long i = 0; i < 300 * PAGE; i += 511)
		EQUAL(p[i], 0);
}

// The arguments that mmap refuses.
static void mmap_errors(void)
{
	int fd = make_file(10);
	int read_only = open("file", O_RDONLY), write_only = open("file", O_WRONLY);
	int private = MAP_PRIVATE | MAP_ANONYMOUS;
	CHECK(mmap(NULL, 0, PROT_READ, private, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_mmap, 1, PAGE, PROT_READ, private | MAP_FIXED, -1, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_mmap, 1L << 62, PAGE, PROT_READ, private | MAP_FIXED, -1, 0) == -1 && errno == ENOMEM);
	CHECK(syscall(SYS_mmap, NULL, 1L << 47, PROT_READ, private, -1, 0) == -1 && errno == ENOMEM);
	CHECK(syscall(SYS_mmap, NULL, -1L, PROT_READ, private, -1, 0) == -1 && errno == ENOMEM);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, read_only, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, read_only, 0) != MAP_FAILED);
	int ends[2];
	CHECK(pipe(ends) == 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0) == MAP_FAILED && errno == ENODEV);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/proc/meminfo", O_RDONLY), 0) == MAP_FAILED && errno == EIO);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/proc/self/maps", O_RDONLY), 0) == MAP_FAILED && errno == ENODEV);
	int directory = open(".", O_RDONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0) == MAP_FAILED && errno == ENODEV);
}

// A hint is taken where there is room; MAP_FIXED replaces; MAP_FIXED_NOREPLACE does not.
static void mmap_addresses(void)
{
	char *p = map(4, PROT_READ | PROT_WRITE);
	CHECK(munmap(p, 4 * PAGE) == 0);
	int private = MAP_PRIVATE | MAP_ANONYMOUS;
	CHECK(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, private, -1, 0) == p + PAGE);
	p[PAGE] = 5;
	char *elsewhere = mmap(p + PAGE, PAGE, PROT_READ, private, -1, 0);
	CHECK(elsewhere != MAP_FAILED && elsewhere != p + PAGE);
	CHECK(munmap(elsewhere, PAGE) == 0);
	CHECK(mmap(p, 3 * PAGE, PROT_READ, private | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
	EQUAL(p[PAGE], 5);
	CHECK(mmap(p, 3 * PAGE, PROT_READ, private | MAP_FIXED, -1, 0) == p);
	EQUAL(p[PAGE], 0);
	CHECK(mmap(p + 3 * PAGE, PAGE, PROT_READ, private | MAP_FIXED_NOREPLACE, -1, 0) == p + 3 * PAGE);
}

// munmap makes holes, takes parts, and does not mind what is not there.
static void munmap_parts(void)
{
	char *p = map(10, PROT_READ | PROT_WRITE);
	memset(p, 1, 10 * PAGE);
	CHECK(munmap(p + 3 * PAGE, 2 * PAGE) == 0);
	CHECK(munmap(p, PAGE) == 0);
	CHECK(munmap(p + 9 * PAGE, PAGE) == 0);
	for (int i = 0; i < 10; i++)
		EQUAL(readable(p + i * PAGE), i != 0 && i != 3 && i != 4 && i != 9);
	CHECK(munmap(p, 10 * PAGE) == 0);
	CHECK(munmap(p, 10 * PAGE) == 0);
	for (int i = 0; i < 10; i++)
		CHECK(!readable(p + i * PAGE));
	FAILS(munmap(p + 1, PAGE), EINVAL);
	FAILS(munmap(p, 0), EINVAL);
	FAILS(munmap(p, -1L), EINVAL);
	CHECK(munmap(p, 1) == 0);
}

// mprotect changes pages at once, splits mappings, and stops at a gap after the pages before it.
static void mprotect_parts(void)
{
	char *p = map(10, PROT_READ | PROT_WRITE);
	memset(p, 3, 10 * PAGE);
	CHECK(mprotect(p + 2 * PAGE, 3 * PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + 4 * PAGE, PAGE, PROT_NONE) == 0);
	for (int i = 0; i < 10; i++) {
		EQUAL(readable(p + i * PAGE), i != 4);
		EQUAL(writable(p + i * PAGE), i < 2 || i > 4);
	}
	EQUAL(access_code(p + 4 * PAGE, 0), SEGV_ACCERR);
	CHECK(mprotect(p, 10 * PAGE, PROT_READ | PROT_WRITE) == 0);
	for (int i = 0; i < 10; i++) {
		CHECK(writable(p + i * PAGE));
		EQUAL(p[i * PAGE], 3);
	}
	CHECK(munmap(p + 5 * PAGE, PAGE) == 0);
	FAILS(mprotect(p, 10 * PAGE, PROT_READ), ENOMEM);
	CHECK(!writable(p + 4 * PAGE));
	CHECK(writable(p + 6 * PAGE));
	FAILS(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
	CHECK(mprotect(p, 0, PROT_READ) == 0);
	FAILS(syscall(SYS_mprotect, p, PAGE, 0x100), EINVAL);
	make_file(10);
	int fd = open("file", O_RDONLY);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	FAILS(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

// mremap grows, moves with the contents, shrinks, and puts a mapping where it is asked to.
static void mremap_moves(void)
{
	char *p = map(8, PROT_READ | PROT_WRITE);
	CHECK(munmap(p + 6 * PAGE, 2 * PAGE) == 0);
	for (int i = 0; i < 6; i++)
		p[i * PAGE] = i;
	CHECK(mremap(p, 6 * PAGE, 4 * PAGE, 0) == p);
	CHECK(!readable(p + 4 * PAGE));
	CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == p);
	EQUAL(p[3 * PAGE], 3);
	EQUAL(p[4 * PAGE], 0);
	CHECK(mmap(p + 6 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK(mremap(p, 6 * PAGE, 9 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	char *q = mremap(p, 6 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	CHECK(!readable(p));
	EQUAL(q[3 * PAGE], 3);
	EQUAL(q[8 * PAGE], 0);
	char *to = map(3, PROT_READ);
	CHECK(mremap(q + PAGE, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	EQUAL(to[2 * PAGE], 3);
	to[0] = 9;
	CHECK(!readable(q + PAGE));
	CHECK(readable(q) && readable(q + 4 * PAGE));
	CHECK(mremap(q + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mremap(q, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mremap(q + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	CHECK(mremap(to, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == MAP_FAILED && errno == EINVAL);
}

// mremap moves memory to just below where it was, and back up, wherever the borders of page tables are.
static void mremap_nearby(void)
{
	enum { borders = 2 << 20, room = 32 << 20 };
	char *base = map(room / PAGE, PROT_NONE);
	base = (char *)(((uintptr_t)base + borders - 1) & -borders);
	for (long size = 1 << 20; size <= 5 << 20; size += 0x181000) {
		for (long offset = 0; offset < borders; offset += 51 * PAGE) {
			char *high = base + room / 2 + offset, *low = high - size - PAGE;
			CHECK(mmap(high, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == high);
			for (long i = 0; i < size; i += 7 * PAGE)
				high[i] = i / PAGE + 1;
			CHECK(mremap(high, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, low) == low);
			for (long i = 0; i < size; i += 7 * PAGE)
				EQUAL(low[i], (char)(i / PAGE + 1));
			CHECK(!readable(high + size - PAGE));
			CHECK(mremap(low, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, high) == high);
			for (long i = 0; i < size; i += 7 * PAGE)
				EQUAL(high[i], (char)(i / PAGE + 1));
			CHECK(!readable(low));
			CHECK(munmap(high, size) == 0);
		}
	}
}

// The break grows and shrinks by bytes; what is given back is zero when it returns.
static void program_break(void)
{
	char *first = (char *)syscall(SYS_brk, 0);
	CHECK((char *)syscall(SYS_brk, first + 100) == first + 100);
	CHECK((char *)syscall(SYS_brk, first + 10 * PAGE) == first + 10 * PAGE);
	memset(first, 1, 10 * PAGE);
	CHECK((char *)syscall(SYS_brk, first) == first);
	CHECK((char *)syscall(SYS_brk, first + 10 * PAGE) == first + 10 * PAGE);
	char *page = (char *)(((uint64_t)first + PAGE - 1) & ~(PAGE - 1));
	for (long i = page - first; i < 10 * PAGE; i++)
		EQUAL(first[i], 0);
	CHECK((char *)syscall(SYS_brk, 1) == first + 10 * PAGE);
	CHECK((char *)syscall(SYS_brk, 1L << 47) == first + 10 * PAGE);
	CHECK((char *)syscall(SYS_brk, -1L) == first + 10 * PAGE);
	page = (char *)(((uint64_t)first + 10 * PAGE + PAGE - 1) & ~(PAGE - 1));
	CHECK(mmap(page + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK((char *)syscall(SYS_brk, page + 4 * PAGE) == first + 10 * PAGE);
}

// MADV_DONTNEED gives pages back: anonymous ones are zero, private file pages as in the file.
static void madvise_dontneed(void)
{
	char *p = map(4, PROT_READ | PROT_WRITE);
	memset(p, 5, 4 * PAGE);
	CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	EQUAL(p[0], 5);
	EQUAL(p[PAGE], 0);
	EQUAL(p[2 * PAGE], 0);
	EQUAL(p[3 * PAGE], 5);
	p[PAGE] = 6;
	EQUAL(p[PAGE], 6);
	int fd = make_file(2 * PAGE);
	char *f = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	f[0] = 'x';
	CHECK(madvise(f, PAGE, MADV_DONTNEED) == 0);
	EQUAL(f[0], 'a');
	FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	FAILS(madvise(p, PAGE, 999), EINVAL);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	FAILS(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	EQUAL(p[3 * PAGE], 0);
	CHECK(madvise(f, 2 * PAGE, MADV_WILLNEED) == 0);
	CHECK(madvise(f, 2 * PAGE, MADV_RANDOM) == 0);
	CHECK(madvise(f, 0, MADV_DONTNEED) == 0);
}

// After a fork neither side sees what the other writes, over three generations.
static void copy_on_write(void)
{
	long pages = 64;
	char *p = map(pages, PROT_READ | PROT_WRITE);
	for (long i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	pid_t child = fork();
	if (child == 0) {
		for (long i = 0; i < pages; i += 2)
			p[i * PAGE] = 2;
		pid_t grandchild = fork();
		if (grandchild == 0) {
			for (long i = 0; i < pages; i++)
				EQUAL(p[i * PAGE], i % 2 == 0 ? 2 : 1);
			for (long i = 0; i < pages; i += 3)
				p[i * PAGE] = 3;
			for (long i = 0; i < pages; i++)
				EQUAL(p[i * PAGE], i % 3 == 0 ? 3 : i % 2 == 0 ? 2 : 1);
			_exit(0);
		}
		PASSES(grandchild);
		for (long i = 0; i < pages; i++)
			EQUAL(p[i * PAGE], i % 2 == 0 ? 2 : 1);
		_exit(0);
	}
	for (long i = 0; i < pages; i += 5)
		p[i * PAGE] = 4;
	PASSES(child);
	for (long i = 0; i < pages; i++) {
		EQUAL(p[i * PAGE], i % 5 == 0 ? 4 : 1);
		p[i * PAGE] = 5;
	}
}

// The kernel's own writes (read, pipe, getcwd) into a page that is shared after a fork copy it, too.
static void copy_on_write_by_kernel(void)
{
	int ends[2];
	char *p = map(2, PROT_READ | PROT_WRITE);
	memset(p, 1, 2 * PAGE);
	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], "0123456789", 10) == 10);
	pid_t child = fork();
	if (child == 0) {
		CHECK(read(ends[0], p + PAGE - 5, 10) == 10);
		CHECK(memcmp(p + PAGE - 5, "0123456789", 10) == 0);
		_exit(0);
	}
	PASSES(child);
	for (long i = 0; i < 2 * PAGE; i++)
		EQUAL(p[i], 1);
	CHECK(write(ends[1], "abc", 3) == 3);
	child = fork();
	if (child == 0) {
		pause_ms(100);
		for (long i = 0; i < 2 * PAGE; i++)
			EQUAL(p[i], 1);
		_exit(0);
	}
	CHECK(read(ends[0], p, 3) == 3);
	PASSES(child);
}

// A page that only reads have touched is zero for both after a fork, and separate once written.
static void zero_page(void)
{
	char *p = map(16, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 16; i++)
		EQUAL(p[i * PAGE], 0);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 16; i++)
			p[i * PAGE] = 1;
		_exit(0);
	}
	PASSES(child);
	for (int i = 0; i < 16; i++)
		EQUAL(p[i * PAGE], 0);
}

// Shared anonymous memory is the same for parent and child.
static void shared_anonymous(void)
{
	volatile char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 1;
	pid_t child = fork();
	if (child == 0) {
		EQUAL(p[0], 1);
		p[0] = 2;
		p[2 * PAGE] = 3;
		while (p[PAGE] != 7)
			sched_yield();
		_exit(0);
	}
	while (p[2 * PAGE] != 3)
		sched_yield();
	EQUAL(p[0], 2);
	p[PAGE] = 7;
	PASSES(child);
}

// A private mapping shows the file and keeps its own changes.
static void private_file(void)
{
	char text[4];
	int fd = make_file(3 * PAGE + 100);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	EQUAL(p[0], 'a');
	EQUAL(p[2 * PAGE + 5], 'c');
	EQUAL(p[3 * PAGE + 99], 'd');
	EQUAL(p[3 * PAGE + 100], 0);
	memset(p, 'X', 10);
	CHECK(pread(fd, text, 4, 0) == 4);
	CHECK(memcmp(text, "aaaa", 4) == 0);
	pid_t child = fork();
	if (child == 0) {
		EQUAL(p[0], 'X');
		p[0] = 'Y';
		_exit(0);
	}
	PASSES(child);
	EQUAL(p[0], 'X');
	close(fd);
	CHECK(unlink("file") == 0);
	EQUAL(p[PAGE], 'b');
}

// A shared mapping and read and write see the same bytes, at once and in both directions.
static void shared_file(void)
{
	char text[8];
	int fd = make_file(2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	memcpy(p + 100, "mapped", 6);
	CHECK(pread(fd, text, 6, 100) == 6);
	CHECK(memcmp(text, "mapped", 6) == 0);
	CHECK(pwrite(fd, "written", 7, PAGE + 50) == 7);
	CHECK(memcmp(p + PAGE + 50, "written", 7) == 0);
	CHECK(memcmp(q + 50, "written", 7) == 0);
	CHECK(msync(p, 2 * PAGE, MS_SYNC) == 0);
	FAILS(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	FAILS(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	pid_t child = fork();
	if (child == 0) {
		memcpy(p, "child", 5);
		_exit(0);
	}
	PASSES(child);
	CHECK(memcmp(p, "child", 5) == 0);
	CHECK(munmap(p, 2 * PAGE) == 0);
	CHECK(pread(fd, text, 5, 0) == 5);
	CHECK(memcmp(text, "child", 5) == 0);
}

// What is written behind the end of a file in its last page does not become part of the file.
static void tail_of_last_page(void)
{
	char c = 'x';
	int fd = make_file(100);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EQUAL(p[100], 0);
	p[200] = 'z';
	struct stat s;
	CHECK(fstat(fd, &s) == 0);
	EQUAL(s.st_size, 100);
	EQUAL(pread(fd, &c, 1, 200), 0);
	CHECK(ftruncate(fd, 50) == 0);
	EQUAL(p[99], 0);
	CHECK(ftruncate(fd, 300) == 0);
	EQUAL(p[99], 0);
	EQUAL(pread(fd, &c, 1, 99), 1);
	EQUAL(c, 0);
}

// Truncation takes the pages away from mappings: SIGBUS there, and zeros when the file grows again.
static void truncated_mapping(void)
{
	int fd = make_file(3 * PAGE);
	char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EQUAL(shared[PAGE], 'b');
	private[2 * PAGE] = 'P';
	CHECK(ftruncate(fd, PAGE) == 0);
	EQUAL(access_code(shared + PAGE, 0), BUS_ADRERR);
	EQUAL(access_code(private + PAGE, 0), BUS_ADRERR);
	EQUAL(access_code(private + 2 * PAGE, 0), BUS_ADRERR);
	CHECK(ftruncate(fd, 3 * PAGE) == 0);
	EQUAL(shared[PAGE], 0);
	EQUAL(private[2 * PAGE], 0);
}

// mincore tells which pages are in memory.
static void resident_pages(void)
{
	unsigned char present[4];
	char *p = map(4, PROT_READ | PROT_WRITE);
	p[PAGE] = 1;
	p[3 * PAGE] = 1;
	CHECK(mincore(p, 4 * PAGE, present) == 0);
	for (int i = 0; i < 4; i++)
		EQUAL(present[i] & 1, i & 1);
	CHECK(munmap(p, PAGE) == 0);
	FAILS(mincore(p, 4 * PAGE, present), ENOMEM);
	FAILS(mincore(p + 1, PAGE, present), EINVAL);
	char *q = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(mincore(q, 4 * PAGE, present) == 0);
	for (int i = 0; i < 4; i++)
		EQUAL(present[i] & 1, 1);
}

static __attribute__((noinline)) int use_stack(int pages)
{
	volatile char room[PAGE];
	room[0] = pages;
	room[PAGE - 1] = 1;
	return pages <= 1 ? 1 : use_stack(pages - 1) + room[PAGE - 1];
}

static long stack_limit;

static void use_more_stack_than_allowed(void)
{
	struct rlimit limit = {stack_limit, RLIM_INFINITY};
	CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
	use_stack(stack_limit / PAGE - 50);
	CHECK(write(9, "x", 1) == 1);
	use_stack(stack_limit / PAGE + 50);
}

// The stack grows as it is used, up to its limit, and then it is a SIGSEGV.
static void stack_growth(void)
{
	int ends[2];
	char c;
	CHECK(pipe(ends) == 0 && dup2(ends[1], 9) == 9);
	for (int i = 0; i < 3; i++) {
		stack_limit = (1L << 20) << (2 * i);
		KILLED(start(use_more_stack_than_allowed), SIGSEGV);
		EQUAL(read(ends[0], &c, 1), 1);
	}
}

// The stack does not grow into a mapping: a gap stays between them.
static void stack_gap(void)
{
	char *here = (char *)((uint64_t)__builtin_frame_address(0) & ~(PAGE - 1));
	CHECK(mmap(here - 600 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	      MAP_FAILED);
	EQUAL(use_stack(200), 200);
	pid_t pid = fork();
	if (pid == 0)
		_exit(use_stack(590) & 1);
	KILLED(pid, SIGSEGV);
}

// RLIMIT_AS and RLIMIT_DATA limit what can be mapped.
static void memory_limits(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit limit = {64 << 20, 64 << 20};
		CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
		CHECK(mmap(NULL, 65 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
		char *p = mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		CHECK(mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
		CHECK(munmap(p, 40 << 20) == 0);
		CHECK(mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
		_exit(0);
	}
	PASSES(pid);
	struct rlimit limit = {1 << 20, 1 << 20};
	CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
	char *first = (char *)syscall(SYS_brk, 0);
	CHECK((char *)syscall(SYS_brk, first + (2 << 20)) == first);
	CHECK(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

// A thousand mappings and unmappings in any order leave what should be there.
static void many_mappings(void)
{
	enum { SLOTS = 64 };
	char *area = map(SLOTS * 2, PROT_NONE);
	int used[SLOTS] = {0};
	unsigned seed = 12345;
	for (int round = 0; round < 2000; round++) {
		seed = seed * 1103515245 + 12345;
		int slot = seed >> 16 & (SLOTS - 1);
		char *p = area + slot * 2 * PAGE;
		if (used[slot]) {
			EQUAL(p[0], used[slot] & 127);
			EQUAL(p[2 * PAGE - 1], used[slot] & 127);
			CHECK(munmap(p, 2 * PAGE) == 0);
			used[slot] = 0;
		} else {
			CHECK(mmap(p, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
			EQUAL(p[0], 0);
			used[slot] = round + 1;
			p[0] = p[2 * PAGE - 1] = used[slot] & 127;
		}
	}
	CHECK(munmap(area, SLOTS * 2 * PAGE) == 0);
}

// A program that maps and unmaps much memory gives all of it back.
static void memory_comes_back(void)
{
	long available[2];
	for (int i = 0; i < 2; i++) {
		char line[100];
		FILE *f = fopen("/proc/meminfo", "r");
		while (fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %ld", &available[i]) != 1)
			;
		fclose(f);
		for (int round = 0; i == 0 && round < 40; round++) {
			char *p = map(2048, PROT_READ | PROT_WRITE);
			memset(p, 1, 2048 * PAGE);
			pid_t pid = fork();
			if (pid == 0) {
				memset(p, 2, 1024 * PAGE);
				_exit(0);
			}
			PASSES(pid);
			CHECK(munmap(p, 2048 * PAGE) == 0);
		}
	}
	CHECK(available[0] - available[1] < 8 << 10);
}

// move spends most of its time in system calls that copy, where it may be moved to another CPU. Then it
// forks and writes; the child must not see that.
static void move(void)
{
	enum { pages = 256 };
	char *p = map(pages, PROT_READ | PROT_WRITE);
	int zero = open("/dev/zero", O_RDONLY), written[2];
	CHECK(pipe(written) == 0);
	for (int i = 0; i < 20; i++)
		EQUAL(read(zero, p, pages * PAGE), pages * PAGE);
	for (long i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	pid_t pid = fork();
	if (pid == 0) {
		char c;
		CHECK(read(written[0], &c, 1) == 1);
		for (long i = 0; i < pages; i++)
			EQUAL(p[i * PAGE], 1);
		_exit(0);
	}
	for (long i = 0; i < pages; i++)
		p[i * PAGE] = 2;
	CHECK(write(written[1], "", 1) == 1);
	PASSES(pid);
}

// Processes that move from CPU to CPU in the middle of a copy share no memory with their children.
static void copy_on_write_on_the_move(void)
{
	pid_t pids[6];
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 6; i++)
			pids[i] = start(move);
		for (int i = 0; i < 6; i++)
			PASSES(pids[i]);
	}
}

static const struct test tests[] = {
	TEST(anonymous_is_zero),
	TEST(mmap_errors),
	TEST(mmap_addresses),
	TEST(munmap_parts),
	TEST(mprotect_parts),
	TEST(mremap_moves),
	TEST(mremap_nearby),
	TEST(program_break),
	TEST(madvise_dontneed),
	TEST(copy_on_write),
	TEST(copy_on_write_by_kernel),
	TEST(copy_on_write_on_the_move),
	TEST(zero_page),
	TEST(shared_anonymous),
	TEST(private_file),
	TEST(shared_file),
	TEST(tail_of_last_page),
	TEST(truncated_mapping),
	TEST(resident_pages),
	TEST(stack_growth),
	TEST(stack_gap),
	TEST(memory_limits),
	TEST(many_mappings),
	TEST(memory_comes_back),
};
MAIN(tests)
