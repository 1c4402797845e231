// Pipes: blocking, ends, capacity, atomic writes, errors.

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int ends[2];
static char block[70000];

static void open_pipe(int flags)
{
	CHECK(pipe2(ends, flags) == 0);
}

static int waiting_bytes(void)
{
	int n;
	CHECK(ioctl(ends[0], FIONREAD, &n) == 0);
	return n;
}

// Bytes come out as they went in; a read takes what is there; the end is 0.
static void bytes(void)
{
	char text[20];
	open_pipe(0);
	EQUAL(waiting_bytes(), 0);
	CHECK(write(ends[1], "hello ", 6) == 6);
	CHECK(write(ends[1], "world", 5) == 5);
	EQUAL(waiting_bytes(), 11);
	EQUAL(read(ends[0], text, 3), 3);
	EQUAL(read(ends[0], text + 3, 20), 8);
	CHECK(memcmp(text, "hello world", 11) == 0);
	EQUAL(write(ends[1], text, 0), 0);
	EQUAL(read(ends[0], text, 0), 0);
	CHECK(write(ends[1], "x", 1) == 1);
	close(ends[1]);
	EQUAL(read(ends[0], text, 20), 1);
	EQUAL(read(ends[0], text, 20), 0);
	EQUAL(read(ends[0], text, 20), 0);
}

// Each end goes one way only, and pipe2 knows its flags.
static void ends_and_flags(void)
{
	char c;
	open_pipe(O_CLOEXEC | O_NONBLOCK);
	EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	EQUAL(fcntl(ends[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
	EQUAL(fcntl(ends[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
	FAILS(write(ends[0], "x", 1), EBADF);
	FAILS(read(ends[1], &c, 1), EBADF);
	FAILS(pipe2(ends, 0x40000000), EINVAL);
	FAILS(syscall(SYS_pipe, 8), EFAULT);
	struct stat s;
	CHECK(fstat(ends[0], &s) == 0 && S_ISFIFO(s.st_mode));
}

// A pipe without a reader: SIGPIPE, or EPIPE if that is ignored.
static void no_reader(void)
{
	open_pipe(0);
	close(ends[0]);
	pid_t pid = fork();
	if (pid == 0) {
		write(ends[1], "x", 1);
		_exit(0);
	}
	KILLED(pid, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(ends[1], "x", 1), EPIPE);
}

// A pipe holds 64 KiB; without blocking, what does not fit is EAGAIN or a part.
static void capacity(void)
{
	open_pipe(O_NONBLOCK);
	char c;
	FAILS(read(ends[0], &c, 1), EAGAIN);
	EQUAL(fcntl(ends[1], F_GETPIPE_SZ), 65536);
	EQUAL(write(ends[1], block, 70000), 65536);
	FAILS(write(ends[1], "x", 1), EAGAIN);
	EQUAL(waiting_bytes(), 65536);
	EQUAL(read(ends[0], block, 4096), 4096);
	EQUAL(write(ends[1], block, 4096), 4096);
	FAILS(write(ends[1], block, 4096), EAGAIN);
}

// A write of up to 4096 bytes is whole or not at all, even without blocking.
static void atomic_writes(void)
{
	open_pipe(O_NONBLOCK);
	EQUAL(write(ends[1], block, 61441), 61441);
	while (write(ends[1], block, 4096) == 4096)
		;
	EQUAL(errno, EAGAIN);
	int before = waiting_bytes();
	FAILS(write(ends[1], block, 4096), EAGAIN);
	EQUAL(waiting_bytes(), before);
	CHECK(write(ends[1], block, 5000) > 0);
}

// The capacity can be changed by powers of two pages, not below what is in the pipe.
static void change_capacity(void)
{
	open_pipe(O_NONBLOCK);
	EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 5000), 8192);
	EQUAL(write(ends[1], block, 70000), 8192);
	FAILS(fcntl(ends[1], F_SETPIPE_SZ, 4096), EBUSY);
	EQUAL(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	EQUAL(write(ends[1], block, 70000), 70000);
	CHECK(setuid(1000) == 0);
	FAILS(fcntl(ends[0], F_SETPIPE_SZ, 1 << 21), EPERM);
}

// pipe-max-size limits new pipes and growing ones of users, not those that get smaller or stay.
static void lowered_maximum(void)
{
	open_pipe(O_NONBLOCK);
	int limit = open("/proc/sys/fs/pipe-max-size", O_RDWR), new[2];
	char old[32];
	ssize_t n = read(limit, old, sizeof old);
	CHECK(n > 0);
	CHECK(pwrite(limit, "8192\n", 5, 0) == 5);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setuid(1000) == 0);
		EQUAL(fcntl(ends[0], F_SETPIPE_SZ, 65536), 65536);
		FAILS(fcntl(ends[0], F_SETPIPE_SZ, 65537), EPERM);
		EQUAL(fcntl(ends[0], F_SETPIPE_SZ, 32768), 32768);
		FAILS(fcntl(ends[0], F_SETPIPE_SZ, 65536), EPERM);
		CHECK(pipe(new) == 0);
		EQUAL(fcntl(new[0], F_GETPIPE_SZ), 8192);
		_exit(0);
	}
	int status = end(pid);
	CHECK(pwrite(limit, old, n, 0) == n);
	EQUAL(status, 0);
}

static void write_much(void)
{
	close(ends[0]);
	for (int i = 0; i < 200; i++) {
		memset(block, i, 5000);
		CHECK(write(ends[1], block, 5000) == 5000);
	}
}

// A writer waits for room and a reader for bytes, until everything is through.
static void blocking(void)
{
	open_pipe(0);
	pid_t pid = start(write_much);
	close(ends[1]);
	await(pid, 'S');
	CHECK(waiting_bytes() > 65536 / 2 && waiting_bytes() <= 65536);
	long total = 0;
	static char buffer[777];
	for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) != 0;) {
		CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++)
			EQUAL((unsigned char)buffer[i], (total + i) / 5000);
		total += n;
	}
	EQUAL(total, 1000000);
	PASSES(pid);
}

static void note(int number) { (void)number; }

// A write that a signal interrupts tells how much is written.
static void interrupted_write(void)
{
	struct sigaction action = {.sa_handler = note};
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	open_pipe(0);
	alarm(1);
	EQUAL(write(ends[1], block, 70000), 65536);
	alarm(1);
	FAILS(write(ends[1], "x", 1), EINTR);
}

// Opening a FIFO waits for the other side, or not: without a reader a writer gets ENXIO.
static void opening_fifos(void)
{
	CHECK(mkfifo("fifo", 0600) == 0);
	FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(reader >= 0);
	char c;
	EQUAL(read(reader, &c, 1), 0); // nobody writes
	int writer = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(writer >= 0);
	FAILS(read(reader, &c, 1), EAGAIN);
	struct pollfd p = {reader, POLLIN, 0};
	EQUAL(poll(&p, 1, 0), 0);
	CHECK(write(writer, "x", 1) == 1);
	EQUAL(poll(&p, 1, 0), 1);
	close(writer);
	EQUAL(read(reader, &c, 1), 1);
	EQUAL(read(reader, &c, 1), 0);
	EQUAL(poll(&p, 1, 0), 1);
	EQUAL(p.revents, POLLHUP);
	close(reader);
	pid_t pid = fork();
	if (pid == 0)
		_exit(open("fifo", O_WRONLY) >= 0 ? 0 : 1);
	await(pid, 'S');
	CHECK(open("fifo", O_RDONLY) >= 0);
	PASSES(pid);
	CHECK(open("fifo", O_RDWR) >= 0);
}

static int *numbers;

// guess closes and duplicates onto the descriptors that the next pipe will have.
static void *guess(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		for (int fd = 3; fd < 8; fd++) {
			char c;
			if (write(fd, "x", 1) == 1 || read(fd, &c, 1) == 1)
				return "a descriptor was there before its number was told";
		}
	return NULL;
}

// A pipe whose numbers cannot be stored was never there.
static void numbers_first(void)
{
	int stop = 0, p[2];
	void *what;
	pthread_t thread;
	struct stat st;
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	numbers = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(numbers != MAP_FAILED && munmap(numbers + 1024, 4096) == 0);
	CHECK(pthread_create(&thread, NULL, guess, &stop) == 0);
	for (int i = 0; i < 2000; i++) {
		FAILS(syscall(SYS_pipe2, numbers + 1023, 0), EFAULT);
		FAILS(syscall(SYS_pipe2, NULL, O_CLOEXEC), EFAULT);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	CHECK(pthread_join(thread, &what) == 0);
	if (what)
		fail(__FILE__, __LINE__, "%s", (char *)what);
	for (int fd = 3; fd < 8; fd++)
		FAILS(fstat(fd, &st), EBADF);
	CHECK(pipe(p) == 0);
	EQUAL(p[0], 3);
	EQUAL(p[1], 4);
}

static const struct test tests[] = {
	TEST(bytes),
	TEST(ends_and_flags),
	TEST(no_reader),
	TEST(capacity),
	TEST(atomic_writes),
	TEST(change_capacity),
	TEST(lowered_maximum),
	TEST(blocking),
	TEST(interrupted_write),
	TEST(opening_fifos),
	TEST(numbers_first),
};
MAIN(tests)
