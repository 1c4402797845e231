// Waiting for many descriptors: poll, select, epoll, and the descriptors made for it.

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static int ends[2];

static void open_pipe(void)
{
	CHECK(pipe2(ends, O_NONBLOCK) == 0);
}

static void fill_pipe(void)
{
	static char block[4096];
	while (write(ends[1], block, sizeof block) > 0)
		;
	CHECK(errno == EAGAIN);
}

static int poll_one(int fd, int events)
{
	struct pollfd p = {fd, events, 0x5555};
	int n = poll(&p, 1, 0);
	CHECK(n >= 0);
	EQUAL(n, p.revents != 0);
	return p.revents;
}

// poll tells what a pipe is ready for; its end is POLLHUP, a lost reader POLLERR.
static void poll_pipe(void)
{
	char c;
	open_pipe();
	EQUAL(poll_one(ends[0], POLLIN), 0);
	EQUAL(poll_one(ends[1], POLLOUT | POLLIN), POLLOUT);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(poll_one(ends[0], POLLIN | POLLOUT), POLLIN);
	EQUAL(poll_one(ends[0], 0), 0);
	EQUAL(poll_one(ends[0], POLLRDNORM), POLLRDNORM);
	fill_pipe();
	EQUAL(poll_one(ends[1], POLLOUT), 0);
	close(ends[1]);
	EQUAL(poll_one(ends[0], POLLIN), POLLIN | POLLHUP);
	while (read(ends[0], &c, 1) == 1)
		;
	EQUAL(poll_one(ends[0], POLLIN), POLLHUP);
	EQUAL(poll_one(ends[0], 0), POLLHUP);
	open_pipe();
	close(ends[0]);
	EQUAL(poll_one(ends[1], 0), POLLERR);
	EQUAL(poll_one(ends[1], POLLOUT), POLLERR | POLLOUT);
}

// A closed descriptor is POLLNVAL, a negative one is passed over, a file is always ready.
static void poll_others(void)
{
	EQUAL(poll_one(99, POLLIN), POLLNVAL);
	EQUAL(poll_one(-1, POLLIN), 0);
	EQUAL(poll_one(-5, POLLIN), 0);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	EQUAL(poll_one(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	EQUAL(poll_one(open("/dev/null", O_RDONLY), POLLIN | POLLOUT), POLLIN | POLLOUT);
	EQUAL(poll_one(open("/dev/zero", O_RDONLY), POLLIN), POLLIN);
	struct pollfd p[3] = {{-1, POLLIN, 0}, {fd, POLLIN, 0}, {99, 0, 0}};
	EQUAL(poll(p, 3, -1), 2);
	EQUAL(p[0].revents, 0);
	EQUAL(p[1].revents, POLLIN);
	EQUAL(p[2].revents, POLLNVAL);
	FAILS(syscall(SYS_poll, 8, 1, 0), EFAULT);
	struct rlimit limit = {10, 10};
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	FAILS(syscall(SYS_poll, p, 11, 0), EINVAL);
}

// poll waits for its time, not less, and wakes when something happens.
static void poll_waits(void)
{
	open_pipe();
	struct pollfd p = {ends[0], POLLIN, 0};
	int64_t begin = now();
	EQUAL(poll(&p, 1, 150), 0);
	CHECK(now() - begin >= 150 * MS);
	begin = now();
	EQUAL(poll(NULL, 0, 50), 0);
	CHECK(now() - begin >= 50 * MS);
	pid_t pid = fork();
	if (pid == 0) {
		pause_ms(100);
		CHECK(write(ends[1], "x", 1) == 1);
		_exit(0);
	}
	begin = now();
	EQUAL(poll(&p, 1, 20000), 1);
	CHECK(now() - begin < 15000 * MS);
	PASSES(pid);
}

static volatile sig_atomic_t count;

static void note(int number)
{
	(void)number;
	count++;
}

// ppoll and pselect wait with another mask, so that no signal is lost.
static void other_mask(void)
{
	sigset_t blocked, none;
	struct timespec t = {20, 0};
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	signal(SIGUSR1, note);
	CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	FAILS(ppoll(NULL, 0, &t, &none), EINTR);
	EQUAL(count, 1);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	FAILS(pselect(0, NULL, NULL, NULL, &t, &none), EINTR);
	EQUAL(count, 2);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	int ep = epoll_create1(0);
	struct epoll_event e;
	FAILS(epoll_pwait(ep, &e, 1, 20000, &none), EINTR);
	EQUAL(count, 3);
	t.tv_sec = 0;
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(ppoll(NULL, 0, &t, NULL), 0);
	EQUAL(count, 3);
	t.tv_nsec = -1;
	FAILS(ppoll(NULL, 0, &t, NULL), EINVAL);
}

// select works on three sets, refuses closed descriptors, and tells the time that is left.
static void select_sets(void)
{
	fd_set in, out, except;
	open_pipe();
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	FD_SET(ends[0], &except);
	struct timeval t = {5, 0};
	EQUAL(select(20, &in, &out, &except, &t), 1);
	CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out) && !FD_ISSET(ends[0], &except));
	CHECK(write(ends[1], "x", 1) == 1);
	FD_SET(ends[0], &in);
	EQUAL(select(20, &in, &out, NULL, NULL), 2);
	close(ends[1]);
	FD_ZERO(&in);
	FD_SET(ends[1], &in);
	FAILS(select(20, &in, NULL, NULL, NULL), EBADF);
	FAILS(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	t = (struct timeval){-1, 0};
	FAILS(syscall(SYS_select, 0, NULL, NULL, NULL, &t), EINVAL);
	t = (struct timeval){0, 100000};
	int64_t begin = now();
	EQUAL(syscall(SYS_select, 0, NULL, NULL, NULL, &t), 0);
	CHECK(now() - begin >= 100 * MS);
	EQUAL(t.tv_sec + t.tv_usec, 0);
	t = (struct timeval){50, 0};
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	EQUAL(syscall(SYS_select, ends[0] + 1, &in, NULL, NULL, &t), 1);
	CHECK(t.tv_sec >= 30 && t.tv_sec <= 50);
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	EQUAL(select(ends[0], &in, NULL, NULL, &(struct timeval){0, 0}), 0); // not below the count
}

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {events, {.u64 = 0x1234567800000000 | fd}};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static uint32_t look(int ep, int fd)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, 0);
	CHECK(n >= 0 && n <= 1);
	if (n == 0)
		return 0;
	EQUAL(e[0].data.u64, 0x1234567800000000 | fd);
	return e[0].events;
}

// A level-triggered descriptor is told as long as it is ready.
static void epoll_level(void)
{
	char c;
	open_pipe();
	int ep = epoll_create1(EPOLL_CLOEXEC);
	EQUAL(fcntl(ep, F_GETFD), FD_CLOEXEC);
	CHECK(add(ep, ends[0], EPOLLIN) == 0);
	EQUAL(look(ep, ends[0]), 0);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	CHECK(read(ends[0], &c, 1) == 1);
	EQUAL(look(ep, ends[0]), 0);
	close(ends[1]);
	EQUAL(look(ep, ends[0]), EPOLLHUP);
}

// An edge-triggered descriptor is told once for each time that something comes.
static void epoll_edge(void)
{
	char c;
	open_pipe();
	int ep = epoll_create1(0);
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(add(ep, ends[0], EPOLLIN | EPOLLET) == 0);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	EQUAL(look(ep, ends[0]), 0);
	CHECK(write(ends[1], "y", 1) == 1);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	CHECK(read(ends[0], &c, 1) == 1);
	EQUAL(look(ep, ends[0]), 0);
	CHECK(read(ends[0], &c, 1) == 1);
	CHECK(write(ends[1], "z", 1) == 1);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	struct epoll_event e = {EPOLLIN | EPOLLET, {.u64 = 0x1234567800000000 | ends[0]}};
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e) == 0);
	EQUAL(look(ep, ends[0]), EPOLLIN);
}

// A one-shot descriptor is told once, until it is armed again.
static void epoll_oneshot(void)
{
	open_pipe();
	int ep = epoll_create1(0);
	CHECK(add(ep, ends[0], EPOLLIN | EPOLLONESHOT) == 0);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(look(ep, ends[0]), 0);
	struct epoll_event e = {EPOLLIN | EPOLLONESHOT, {.u64 = 0x1234567800000000 | ends[0]}};
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e) == 0);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	EQUAL(look(ep, ends[0]), 0);
}

// The errors of epoll.
static void epoll_errors(void)
{
	struct epoll_event e = {EPOLLIN, {0}};
	open_pipe();
	int ep = epoll_create1(0), other = epoll_create1(0), file = open("f", O_RDWR | O_CREAT, 0600);
	FAILS(epoll_create1(1), EINVAL);
	FAILS(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK(add(ep, ends[0], EPOLLIN) == 0);
	FAILS(add(ep, ends[0], EPOLLIN), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, ends[1], &e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, ends[1], &e), ENOENT);
	FAILS(add(ep, file, EPOLLIN), EPERM);
	FAILS(add(ep, 99, EPOLLIN), EBADF);
	FAILS(add(ep, ep, EPOLLIN), EINVAL);
	FAILS(add(ends[0], ends[1], EPOLLIN), EINVAL);
	FAILS(epoll_ctl(ep, 9, ends[0], &e), EINVAL);
	FAILS(epoll_wait(ep, &e, 0, 0), EINVAL);
	FAILS(epoll_wait(ends[0], &e, 1, 0), EINVAL);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL) == 0);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(look(ep, ends[0]), 0);
	CHECK(add(ep, other, EPOLLIN) == 0);
	FAILS(add(other, ep, EPOLLIN), ELOOP);
}

// An epoll descriptor can be polled and be in another one.
static void epoll_nested(void)
{
	open_pipe();
	int inner = epoll_create1(0), outer = epoll_create1(0);
	CHECK(add(inner, ends[0], EPOLLIN) == 0);
	CHECK(add(outer, inner, EPOLLIN) == 0);
	EQUAL(poll_one(inner, POLLIN), 0);
	EQUAL(look(outer, inner), 0);
	CHECK(write(ends[1], "x", 1) == 1);
	EQUAL(poll_one(inner, POLLIN), POLLIN);
	EQUAL(poll_one(outer, POLLIN), POLLIN);
	EQUAL(look(outer, inner), EPOLLIN);
	EQUAL(look(inner, ends[0]), EPOLLIN);
}

// Closing the last descriptor of a file takes it out; a duplicate keeps it in.
static void epoll_close(void)
{
	open_pipe();
	int ep = epoll_create1(0);
	CHECK(add(ep, ends[0], EPOLLIN) == 0);
	CHECK(write(ends[1], "x", 1) == 1);
	int copy = dup(ends[0]);
	close(ends[0]);
	EQUAL(look(ep, ends[0]), EPOLLIN);
	close(copy);
	EQUAL(look(ep, ends[0]), 0);
	struct pollfd p = {ep, POLLIN, 0};
	EQUAL(poll(&p, 1, 0), 0);
}

// With room for one event at a time every ready descriptor has its turn.
static void epoll_fair(void)
{
	int fds[8], seen[8] = {0};
	int ep = epoll_create1(0);
	for (int i = 0; i < 8; i++) {
		fds[i] = eventfd(1, 0);
		CHECK(add(ep, fds[i], EPOLLIN) == 0);
	}
	for (int i = 0; i < 16; i++) {
		struct epoll_event e;
		EQUAL(epoll_wait(ep, &e, 1, 0), 1);
		for (int k = 0; k < 8; k++)
			seen[k] += (int)(e.data.u64 & 0xffff) == fds[k];
	}
	for (int i = 0; i < 8; i++)
		EQUAL(seen[i], 2);
	struct epoll_event all[20];
	EQUAL(epoll_wait(ep, all, 20, 0), 8);
}

// epoll_wait waits for its time and wakes for an event of another process.
static void epoll_waits(void)
{
	struct epoll_event e;
	open_pipe();
	int ep = epoll_create1(0);
	CHECK(add(ep, ends[0], EPOLLIN) == 0);
	int64_t begin = now();
	EQUAL(epoll_wait(ep, &e, 1, 100), 0);
	CHECK(now() - begin >= 100 * MS);
	pid_t pid = fork();
	if (pid == 0) {
		pause_ms(100);
		CHECK(write(ends[1], "x", 1) == 1);
		_exit(0);
	}
	EQUAL(epoll_wait(ep, &e, 1, -1), 1);
	PASSES(pid);
}

// An eventfd is a counter that can be waited for, or a semaphore.
static void event_counter(void)
{
	uint64_t value;
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(fd >= 0);
	EQUAL(poll_one(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	EQUAL(read(fd, &value, 8), 8);
	EQUAL(value, 3);
	FAILS(read(fd, &value, 8), EAGAIN);
	EQUAL(poll_one(fd, POLLIN | POLLOUT), POLLOUT);
	value = 0xfffffffffffffffe;
	EQUAL(write(fd, &value, 8), 8);
	EQUAL(poll_one(fd, POLLIN | POLLOUT), POLLIN);
	value = 1;
	FAILS(write(fd, &value, 8), EAGAIN);
	value = -1;
	FAILS(write(fd, &value, 8), EINVAL);
	FAILS(read(fd, &value, 7), EINVAL);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	EQUAL(read(fd, &value, 8), 8);
	EQUAL(value, 1);
	EQUAL(read(fd, &value, 8), 8);
	FAILS(read(fd, &value, 8), EAGAIN);
	FAILS(eventfd(0, 0x40000000), EINVAL);
}

// A timerfd counts its expirations; it can be absolute, periodic and off.
static void timer_descriptor(void)
{
	uint64_t value;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	CHECK(fd >= 0);
	struct itimerspec t = {{0, 20 * MS}, {0, 50 * MS}}, old;
	FAILS(read(fd, &value, 8), EAGAIN);
	int64_t begin = now();
	CHECK(timerfd_settime(fd, 0, &t, NULL) == 0);
	struct pollfd p = {fd, POLLIN, 0};
	EQUAL(poll(&p, 1, 20000), 1);
	CHECK(now() - begin >= 50 * MS);
	pause_ms(100);
	EQUAL(read(fd, &value, 8), 8);
	CHECK(value >= 4);
	CHECK(timerfd_gettime(fd, &old) == 0);
	EQUAL(old.it_interval.tv_nsec, 20 * MS);
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20 * MS);
	memset(&t, 0, sizeof t);
	CHECK(timerfd_settime(fd, 0, &t, &old) == 0);
	CHECK(timerfd_gettime(fd, &old) == 0);
	EQUAL(old.it_value.tv_nsec, 0);
	t.it_value.tv_sec = 1; // in the past
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) == 0);
	EQUAL(poll(&p, 1, 20000), 1);
	EQUAL(read(fd, &value, 8), 8);
	EQUAL(value, 1);
	t.it_value.tv_nsec = 1000000000;
	FAILS(timerfd_settime(fd, 0, &t, NULL), EINVAL);
	FAILS(timerfd_create(77, 0), EINVAL);
}

// A signalfd reads signals that are masked.
static void signal_descriptor(void)
{
	struct signalfd_siginfo info[3];
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	FAILS(read(fd, info, sizeof info), EAGAIN);
	EQUAL(poll_one(fd, POLLIN), 0);
	CHECK(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 42}) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	EQUAL(poll_one(fd, POLLIN), POLLIN);
	EQUAL(read(fd, info, sizeof info), 2 * sizeof info[0]);
	EQUAL(info[0].ssi_signo, SIGUSR1);
	EQUAL(info[0].ssi_pid, getpid());
	EQUAL(info[0].ssi_code, SI_USER);
	EQUAL(info[1].ssi_signo, SIGRTMIN + 2);
	EQUAL(info[1].ssi_int, 42);
	FAILS(read(fd, info, 100), EINVAL);
	CHECK(sigpending(&set) == 0);
	CHECK(!sigismember(&set, SIGUSR1));
}

static char *info(int fd)
{
	static char text[8192];
	char path[64];
	sprintf(path, "/proc/self/fdinfo/%d", fd);
	int f = open(path, O_RDONLY), n = 0, m;
	CHECK(f >= 0);
	while ((m = read(f, text + n, sizeof text - 1 - n)) > 0)
		n += m;
	text[n] = 0;
	close(f);
	return text;
}

// Information about descriptors in /proc tells what they watch, count and wait for.
static void descriptor_info(void)
{
	int e = epoll_create1(0), p[2];
	char line[256];
	struct stat st;
	CHECK(e >= 0 && pipe(p) == 0);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x1234567890abcdef};
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev) == 0);
	ev = (struct epoll_event){.events = EPOLLOUT | EPOLLONESHOT, .data.u64 = 7};
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev) == 0);
	CHECK(fstat(p[0], &st) == 0);
	sprintf(line, "tfd: %8d events: %8x data: %16llx  pos:0 ino:%lx sdev:%lx\n", p[0], EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP,
		0x1234567890abcdefULL, (long)st.st_ino, (long)st.st_dev);
	CHECK(strstr(info(e), line));
	sprintf(line, "tfd: %8d events: %8x data: %16x  pos:0 ino:%lx sdev:%lx\n", p[1], EPOLLOUT | EPOLLONESHOT | EPOLLERR | EPOLLHUP, 7,
		(long)st.st_ino, (long)st.st_dev);
	CHECK(strstr(info(e), line));
	EQUAL(epoll_wait(e, &ev, 1, 0), 1);
	sprintf(line, "tfd: %8d events: %8x data: %16x", p[1], EPOLLONESHOT, 7);
	CHECK(strstr(info(e), line));
	close(p[1]);
	CHECK(strstr(info(e), "data:                7") == NULL);
	for (int i = 0; i < 300; i++) { // more than one read takes
		ev.data.u64 = i;
		CHECK(epoll_ctl(e, EPOLL_CTL_ADD, dup(p[0]), &ev) == 0);
	}
	sprintf(line, "/proc/self/fdinfo/%d", e);
	FILE *f = fopen(line, "r");
	int count = 0;
	while (fgets(line, sizeof line, f))
		count += !strncmp(line, "tfd:", 4);
	EQUAL(count, 301);

	CHECK(strstr(info(eventfd(17, 0)), "eventfd-count:               11\n"));
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, 2);
	sigaddset(&set, 40);
	CHECK(strstr(info(signalfd(-1, &set, 0)), "sigmask:\t0000008000000002\n"));
	int t = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(strstr(info(t), "clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\nit_interval: (0, 0)\n"));
	struct itimerspec it = {.it_value = {1, 0}, .it_interval = {3, 5}};
	CHECK(timerfd_settime(t, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(strstr(info(t), "ticks: "));
	CHECK(strstr(info(t), "settime flags: 01\n"));
	CHECK(strstr(info(t), "it_interval: (3, 5)\n"));
}

// What can be watched: files of /proc and /sys that are of no process, but neither regular files
// nor those of a process.
static void epoll_files(void)
{
	static const struct {
		const char *path;
		int error;
	} files[] = {
		{"/proc/meminfo", 0}, {"/proc/self/mounts", 0}, {"/proc/version", 0}, {"/proc/sys/kernel/hostname", 0},
		{"/proc/self/status", EPERM}, {"/proc/self/maps", EPERM}, {"/proc/self/fdinfo/0", EPERM},
		{"/dev/null", EPERM}, {"/dev/zero", EPERM}, {"f", EPERM}, {".", EPERM},
	};
	close(open("f", O_RDWR | O_CREAT, 0600));
	int e = epoll_create1(0);
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
		struct epoll_event ev = {.events = EPOLLIN};
		int fd = open(files[i].path, O_RDONLY);
		CHECK(fd >= 0);
		errno = 0;
		epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
		if (errno != files[i].error)
			fail(__FILE__, __LINE__, "%s: not %s", files[i].path, strerror(files[i].error));
	}
}

// A write to an event counter reads eight bytes, however many there are.
static void event_counter_long_write(void)
{
	int fd = eventfd(0, 0);
	size_t size = 1 << 30;
	uint64_t *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), value;
	struct timespec from, to;
	CHECK(mem != MAP_FAILED);
	mem[0] = mem[1] = 5;
	clock_gettime(CLOCK_MONOTONIC, &from);
	EQUAL(write(fd, mem, size), 8);
	EQUAL(write(fd, mem, 12), 8);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 1000);
	EQUAL(read(fd, &value, 8), 8);
	EQUAL(value, 10);
}

static const struct test tests[] = {
	TEST(poll_pipe),
	TEST(poll_others),
	TEST(poll_waits),
	TEST(other_mask),
	TEST(select_sets),
	TEST(epoll_level),
	TEST(epoll_edge),
	TEST(epoll_oneshot),
	TEST(epoll_errors),
	TEST(epoll_nested),
	TEST(epoll_close),
	TEST(epoll_fair),
	TEST(epoll_waits),
	TEST(event_counter),
	TEST(timer_descriptor),
	TEST(signal_descriptor),
	TEST(descriptor_info),
	TEST(epoll_files),
	TEST(event_counter_long_write),
};
MAIN(tests)
