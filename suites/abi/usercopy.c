// Copies between the kernel and programs: whole, in part and not at all, when pages are missing.

#include "check.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

#define PAGE 4096L
#define LARGEST (PAGE + 16)

static char *area; // six pages
static int file;   // of LARGEST bytes, see byte_of_file

static char byte_of_file(long i)
{
	return 'A' + i % 53;
}

static void remap(long first, long count, int protection)
{
	CHECK(mmap(area + first * PAGE, count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}

static void prepare(void)
{
	area = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	char text[LARGEST];
	for (long i = 0; i < LARGEST; i++)
		text[i] = byte_of_file(i);
	file = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(write(file, text, LARGEST) == LARGEST);
}

// Lengths that matter: 0 to 64, and a page less and more 16.
static long next_length(long length)
{
	return length < 64 ? length + 1 : length == 64 ? PAGE - 16 : length + 1;
}

// Places of the fault in a buffer: on the first byte, the second, a middle and the last one.
static long fault_offset(int place, long length)
{
	long offsets[] = {0, 1, length / 2, length - 1};
	return offsets[place];
}

// The page behind this boundary is bad: not mapped, without any access, or only for reading.
enum badness { UNMAPPED, NO_ACCESS, READ_ONLY };

static char *make_bad(enum badness how)
{
	char *boundary = area + 3 * PAGE;
	remap(0, 6, PROT_READ | PROT_WRITE);
	if (how == UNMAPPED)
		CHECK(munmap(boundary, 2 * PAGE) == 0);
	else
		CHECK(mprotect(boundary, 2 * PAGE, how == NO_ACCESS ? PROT_NONE : PROT_READ) == 0);
	return boundary;
}

// Reading /dev/zero up to a bad page clears what is before it and tells how much, to a word of eight bytes.
static void zeros_up_to_bad_page(void)
{
	prepare();
	int zero = open("/dev/zero", O_RDONLY);
	for (enum badness how = UNMAPPED; how <= READ_ONLY; how++) {
		char *boundary = make_bad(how);
		for (long length = 1; length <= LARGEST; length = next_length(length)) {
			for (int place = 0; place < 4; place++) {
				long good = fault_offset(place, length);
				char *buffer = boundary - good;
				memset(buffer - 16, 0x55, good + 16);
				ssize_t n = read(zero, buffer, length);
				if (n == -1) {
					EQUAL(errno, EFAULT);
					CHECK(good < 8);
					n = 0;
				} else {
					CHECK(n <= good && n > good - 8);
				}
				for (long i = -16; i < n; i++)
					EQUAL(buffer[i], i < 0 ? 0x55 : 0);
			}
		}
	}
}

// Reading /dev/zero into pages that were never touched works for every length and start.
static void zeros_into_untouched_pages(void)
{
	prepare();
	int zero = open("/dev/zero", O_RDONLY);
	for (long length = 0; length <= LARGEST; length = next_length(length)) {
		for (long start = PAGE - 20; start <= PAGE + 4; start++) {
			remap(0, 6, PROT_READ | PROT_WRITE);
			EQUAL(read(zero, area + start, length), length);
			if (length % 16 == 0) {
				memset(area, 0x55, 4 * PAGE);
				EQUAL(read(zero, area + start, length), length);
				EQUAL(area[start - 1], 0x55);
				EQUAL(area[start + length], 0x55);
				for (long i = 0; i < length; i++)
					EQUAL(area[start + i], 0);
			}
		}
	}
}

// Reading a file up to a bad page gives the bytes before it and their exact number.
static void read_up_to_bad_page(void)
{
	prepare();
	for (enum badness how = UNMAPPED; how <= READ_ONLY; how++) {
		char *boundary = make_bad(how);
		for (long length = 1; length <= LARGEST; length = next_length(length)) {
			for (int place = 0; place < 4; place++) {
				long good = fault_offset(place, length);
				char *buffer = boundary - good;
				memset(buffer - 16, 0x55, good + 16);
				CHECK(lseek(file, 0, SEEK_SET) == 0);
				ssize_t n = read(file, buffer, length);
				if (good == 0) {
					EQUAL(n, -1);
					EQUAL(errno, EFAULT);
					n = 0;
				} else {
					EQUAL(n, good);
				}
				EQUAL(lseek(file, 0, SEEK_CUR), n);
				for (long i = -16; i < n; i++)
					EQUAL(buffer[i], i < 0 ? 0x55 : byte_of_file(i));
			}
		}
	}
}

// Reading a file into untouched and into shared pages gives all of it, and not a byte more.
static void read_into_fresh_pages(void)
{
	prepare();
	for (long length = 0; length <= LARGEST; length = next_length(length)) {
		for (int way = 0; way < 2; way++) {
			char *buffer = area + 2 * PAGE - length / 2;
			remap(0, 6, PROT_READ | PROT_WRITE);
			pid_t pid = 0;
			if (way == 1) {
				if (length % 8 != 0)
					continue;
				memset(area, 0x55, 6 * PAGE);
				pid = fork();
				if (pid == 0) {
					pause();
					_exit(0);
				}
			}
			EQUAL(pread(file, buffer, length, 0), length);
			for (long i = 0; i < length; i++)
				EQUAL(buffer[i], byte_of_file(i));
			EQUAL(buffer[-1], way ? 0x55 : 0);
			EQUAL(buffer[length], way ? 0x55 : 0);
			if (pid != 0) {
				kill(pid, SIGKILL);
				KILLED(pid, SIGKILL);
			}
		}
	}
}

// Writing a file up to a bad page writes the bytes before it and tells their exact number.
static void write_up_to_bad_page(void)
{
	prepare();
	int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (enum badness how = UNMAPPED; how <= NO_ACCESS; how++) {
		char *boundary = make_bad(how);
		for (long length = 1; length <= LARGEST; length = next_length(length)) {
			for (int place = 0; place < 4; place++) {
				char check[LARGEST];
				long good = fault_offset(place, length);
				char *buffer = boundary - good;
				for (long i = 0; i < good; i++)
					buffer[i] = byte_of_file(i);
				CHECK(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
				ssize_t n = write(out, buffer, length);
				if (good == 0) {
					EQUAL(n, -1);
					EQUAL(errno, EFAULT);
					n = 0;
				} else {
					EQUAL(n, good);
				}
				EQUAL(lseek(out, 0, SEEK_END), n);
				EQUAL(pread(out, check, LARGEST, 0), n);
				for (long i = 0; i < n; i++)
					EQUAL(check[i], byte_of_file(i));
			}
		}
	}
}

// Writing from read-only and from untouched pages works: the latter are zeros.
static void write_from_any_page(void)
{
	prepare();
	char check[LARGEST];
	int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (long length = 0; length <= LARGEST; length = next_length(length)) {
		char *buffer = area + 2 * PAGE - length / 2;
		remap(0, 6, PROT_READ);
		EQUAL(pwrite(out, buffer, length, 0), length);
		EQUAL(pread(out, check, length, 0), length);
		for (long i = 0; i < length; i++)
			EQUAL(check[i], 0);
		remap(0, 6, PROT_READ | PROT_WRITE);
		for (long i = 0; i < length; i++)
			buffer[i] = byte_of_file(i);
		CHECK(mprotect(area, 6 * PAGE, PROT_READ) == 0);
		EQUAL(pwrite(out, buffer, length, 0), length);
		EQUAL(pread(out, check, length, 0), length);
		for (long i = 0; i < length; i++)
			EQUAL(check[i], byte_of_file(i));
	}
}

// A pipe's read or write whose buffer is bad is EFAULT, and nothing is taken or given.
static void pipe_with_bad_page(void)
{
	int ends[2];
	char check[LARGEST];
	prepare();
	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	for (enum badness how = UNMAPPED; how <= READ_ONLY; how++) {
		char *boundary = make_bad(how);
		for (long length = 1; length <= PAGE; length = next_length(length)) {
			for (int place = 0; place < 4; place++) {
				long good = fault_offset(place, length);
				if (good == length)
					continue;
				if (how != READ_ONLY) {
					FAILS(write(ends[1], boundary - good, length), EFAULT);
					FAILS(read(ends[0], check, 1), EAGAIN);
				}
				for (long i = 0; i < length; i++)
					check[i] = byte_of_file(i);
				EQUAL(write(ends[1], check, length), length);
				FAILS(read(ends[0], boundary - good, length), EFAULT);
				memset(check, 0, length);
				EQUAL(read(ends[0], check, length), length);
				for (long i = 0; i < length; i++)
					EQUAL(check[i], byte_of_file(i));
			}
		}
	}
}

struct call {
	const char *name;
	long size;
	long (*run)(char *to);
};

static long call_uname(char *to) { return syscall(SYS_uname, to); }
static long call_stat(char *to) { return syscall(SYS_stat, "/", to); }
static long call_statfs(char *to) { return syscall(SYS_statfs, "/", to); }
static long call_statx(char *to) { return syscall(SYS_statx, AT_FDCWD, "/", 0, 0x7ff, to); }
static long call_sysinfo(char *to) { return syscall(SYS_sysinfo, to); }
static long call_getrusage(char *to) { return syscall(SYS_getrusage, 0, to); }
static long call_getrlimit(char *to) { return syscall(SYS_getrlimit, RLIMIT_NOFILE, to); }
static long call_prlimit(char *to) { return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, to); }
static long call_times(char *to) { return syscall(SYS_times, to); }
static long call_clock_gettime(char *to) { return syscall(SYS_clock_gettime, 1, to); }
static long call_gettimeofday(char *to) { return syscall(SYS_gettimeofday, to, NULL); }
static long call_getitimer(char *to) { return syscall(SYS_getitimer, 0, to); }
static long call_sigprocmask(char *to) { return syscall(SYS_rt_sigprocmask, 0, NULL, to, 8); }
static long call_sigpending(char *to) { return syscall(SYS_rt_sigpending, to, 8); }
static long call_sigaction(char *to) { return syscall(SYS_rt_sigaction, SIGUSR1, NULL, to, 8); }
static long call_sigaltstack(char *to) { return syscall(SYS_sigaltstack, NULL, to); }
static long call_pipe(char *to)
{
	long result = syscall(SYS_pipe, to);
	if (result == 0) {
		int ends[2];
		memcpy(ends, to, sizeof ends);
		close(ends[0]);
		close(ends[1]);
	}
	return result;
}
static long call_getresuid(char *to) { return syscall(SYS_getresuid, to, to, to); }

static const struct call calls[] = {
	{"uname", 390, call_uname},
	{"stat", 144, call_stat},
	{"statfs", 120, call_statfs},
	{"statx", 256, call_statx},
	{"sysinfo", 112, call_sysinfo},
	{"getrusage", 144, call_getrusage},
	{"getrlimit", 16, call_getrlimit},
	{"prlimit64", 16, call_prlimit},
	{"times", 32, call_times},
	{"clock_gettime", 16, call_clock_gettime},
	{"gettimeofday", 16, call_gettimeofday},
	{"getitimer", 32, call_getitimer},
	{"rt_sigprocmask", 8, call_sigprocmask},
	{"rt_sigpending", 8, call_sigpending},
	{"rt_sigaction", 32, call_sigaction},
	{"sigaltstack", 24, call_sigaltstack},
	{"pipe", 8, call_pipe},
	{"getresuid", 4, call_getresuid},
};

// A call writes its structure, and not a byte behind it; up to a page's end is enough, a byte beyond is EFAULT.
static void structures_end_at_page(void)
{
	prepare();
	for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		const struct call *c = &calls[i];
		char *boundary = make_bad(UNMAPPED);
		if (c->run(boundary - c->size) < 0)
			fail(__FILE__, __LINE__, "%s at the end of a page", c->name);
		for (long beyond = 1; beyond <= c->size; beyond += c->size > 40 ? 13 : 1) {
			errno = 0;
			if (c->run(boundary - c->size + beyond) != -1 || errno != EFAULT)
				fail(__FILE__, __LINE__, "%s with %ld bytes beyond", c->name, beyond);
		}
		remap(0, 6, PROT_READ | PROT_WRITE);
		char first[512];
		memset(area, 0x55, PAGE);
		CHECK(c->run(area + 64) >= 0);
		memcpy(first, area + 64, c->size);
		for (long k = 0; k < 64; k++)
			EQUAL(area[k], 0x55);
		for (long k = c->size; k < 600; k++) {
			if (area[64 + k] != 0x55)
				fail(__FILE__, __LINE__, "%s writes byte %ld", c->name, k);
		}
	}
}

// A path may end with the last byte of a page; without an end before a bad page it is EFAULT.
static void paths_end_at_page(void)
{
	prepare();
	char *boundary = make_bad(UNMAPPED);
	char *path = boundary - 6;
	memcpy(path, "/proc", 6);
	struct stat s;
	CHECK(stat(path, &s) == 0);
	path = boundary - 5;
	memcpy(path, "/proc", 5);
	FAILS(syscall(SYS_stat, path, &s), EFAULT);
	FAILS(syscall(SYS_stat, boundary, &s), EFAULT);
	for (long length = 1; length < 300; length += 7) {
		path = boundary - length - 1;
		memset(path, '/', length);
		path[length] = 0;
		CHECK(stat(path, &s) == 0);
		path[length] = '/';
		FAILS(stat(path, &s), EFAULT);
	}
	// 4096 bytes and the end are too long, wherever a page is missing behind.
	remap(0, 6, PROT_READ | PROT_WRITE);
	memset(area, '/', 2 * PAGE);
	area[PAGE - 1] = 0;
	CHECK(stat(area, &s) == 0);
	area[PAGE - 1] = '/';
	area[PAGE] = 0;
	FAILS(stat(area, &s), ENAMETOOLONG);
	CHECK(munmap(area + PAGE, PAGE) == 0);
	FAILS(stat(area, &s), ENAMETOOLONG);
}

// Addresses of the kernel, addresses that are none, and lengths that wrap around are EFAULT.
static void kernel_addresses(void)
{
	uint64_t addresses[] = {0xffff800000000000, 0xffffffff80000000, 0xffffffffff600000, 0xfffffffffffffff0,
				0x0000800000000000, 0x8000000000000000, 0xffff7ffffffffff0, 0};
	struct stat s;
	prepare();
	int zero = open("/dev/zero", O_RDWR), ends[2];
	CHECK(pipe2(ends, O_NONBLOCK) == 0);
	for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		uint64_t a = addresses[i];
		for (long length = 1; length <= 4097; length += 128) {
			FAILS(syscall(SYS_read, zero, a, length), EFAULT);
			FAILS(syscall(SYS_pread64, file, a, length, 0L), EFAULT);
			FAILS(syscall(SYS_pwrite64, file, a, length, 0L), EFAULT);
			FAILS(syscall(SYS_write, ends[1], a, length), EFAULT);
		}
		FAILS(syscall(SYS_stat, a, &s), EFAULT);
		FAILS(syscall(SYS_stat, "/", a), EFAULT);
		FAILS(syscall(SYS_uname, a), EFAULT);
	}
	FAILS(syscall(SYS_read, zero, area, -1L), EFAULT);
	FAILS(syscall(SYS_read, zero, area, 1L << 62), EFAULT);
	FAILS(syscall(SYS_write, file, area, -1L), EFAULT);
	EQUAL(lseek(file, 0, SEEK_END), LARGEST);
}

// A long copy over many fresh pages, with one missing in the midst, stops there.
static void missing_in_the_midst(void)
{
	long pages = 64;
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int out = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(p != MAP_FAILED);
	CHECK(ftruncate(out, pages * PAGE) == 0);
	for (long missing = 1; missing < pages; missing += 7) {
		CHECK(munmap(p + missing * PAGE, PAGE) == 0);
		EQUAL(pread(out, p + 100, pages * PAGE - 100, 0), missing * PAGE - 100);
		EQUAL(pwrite(out, p + 100, pages * PAGE - 100, 0), missing * PAGE - 100);
		CHECK(mmap(p + missing * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	}
	EQUAL(pread(out, p, pages * PAGE, 0), pages * PAGE);
}

static const struct test tests[] = {
	TEST(zeros_up_to_bad_page),
	TEST(zeros_into_untouched_pages),
	TEST(read_up_to_bad_page),
	TEST(read_into_fresh_pages),
	TEST(write_up_to_bad_page),
	TEST(write_from_any_page),
	TEST(pipe_with_bad_page),
	TEST(structures_end_at_page),
	TEST(paths_end_at_page),
	TEST(kernel_addresses),
	TEST(missing_in_the_midst),
};
MAIN(tests)
