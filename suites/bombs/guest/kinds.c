// The bombs.

#include "bombs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1 << 20)

static void *map(size_t n, int protection, int flags)
{
	return mmap(NULL, n, protection, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// A tree of processes that all fork.
static void drop_fork(void)
{
	for (int failed = 0; failed < 20;)
		if (fork() < 0) {
			failed++;
			usleep(10000);
		}
}

// Children that wait, each with a descriptor table and memory of its own.
static void drop_children(void)
{
	for (;;) {
		pid_t child = fork();
		if (child < 0)
			return;
		if (child == 0)
			for (;;)
				pause();
	}
}

static void drop_zombie(void)
{
	for (;;) {
		pid_t child = fork();
		if (child < 0)
			return;
		if (child == 0)
			_exit(0);
	}
}

static void *sleep_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void drop_thread(void)
{
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (pthread_t thread; pthread_create(&thread, &small, sleep_for_ever, NULL) == 0;)
		;
}

static void drop_open(void)
{
	while (open("/dev/null", O_RDONLY) >= 0)
		;
}

static void drop_eventfd(void)
{
	while (eventfd(0, 0) >= 0)
		;
}

static void drop_timerfd(void)
{
	struct itimerspec often = {{0, 1000000}, {0, 1000000}};
	for (int fd; (fd = timerfd_create(CLOCK_MONOTONIC, 0)) >= 0;)
		timerfd_settime(fd, 0, &often, NULL);
}

// Pipes full of data, as large as they get.
static void drop_pipe(void)
{
	static char data[65536];
	for (int ends[2]; pipe2(ends, O_NONBLOCK) == 0;) {
		fcntl(ends[1], F_SETPIPE_SZ, MIB);
		while (write(ends[1], data, sizeof data) > 0)
			;
	}
}

static void drop_epoll(void)
{
	int watched = eventfd(0, 0);
	for (int fd; (fd = epoll_create1(0)) >= 0;) {
		struct epoll_event event = {EPOLLIN | EPOLLET, {0}};
		if (epoll_ctl(fd, EPOLL_CTL_ADD, watched, &event) != 0)
			return;
	}
}

// Few epolls that watch many files each.
static void drop_watch(void)
{
	int watched[400], n = 0;
	while (n < 400 && (watched[n] = eventfd(0, 0)) >= 0)
		n++;
	for (int fd; (fd = epoll_create1(0)) >= 0;)
		for (int i = 0; i < n; i++) {
			struct epoll_event event = {EPOLLIN, {0}};
			if (epoll_ctl(fd, EPOLL_CTL_ADD, watched[i], &event) != 0)
				return;
		}
}

// Processes that poll as many descriptors as a limit lets.
static void drop_poll(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	int n = limit.rlim_cur < 1 << 19 ? limit.rlim_cur : 1 << 19;
	struct pollfd *table = map(n * sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (table == MAP_FAILED)
		return;
	int fd = eventfd(0, 0);
	for (int i = 0; i < n; i++)
		table[i] = (struct pollfd){fd, POLLIN, 0};
	for (;;) {
		pid_t child = fork();
		if (child < 0)
			return;
		if (child == 0)
			for (;;)
				if (poll(table, n, -1) < 0)
					pause();
	}
}

static void drop_pty(void)
{
	static char data[4096];
	for (int control; (control = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0;) {
		int zero = 0, number;
		char name[30];
		if (ioctl(control, TIOCSPTLCK, &zero) != 0 || ioctl(control, TIOCGPTN, &number) != 0)
			return;
		snprintf(name, sizeof name, "/dev/pts/%d", number);
		int terminal = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
		if (terminal < 0)
			return;
		for (int i = 0; i < 64 && write(control, data, sizeof data) > 0 && write(terminal, data, sizeof data) > 0; i++)
			;
	}
}

// Mappings that do not merge.
static void drop_vma(void)
{
	for (int i = 0; map(4096, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED; i++)
		;
}

// Processes with thousands of mappings each.
static void drop_vmafork(void)
{
	for (int i = 0; i < 10000 && map(4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE) != MAP_FAILED; i++)
		;
	drop_children();
}

// A page read here and there, each with tables of its own.
static void drop_pagetable(void)
{
	volatile char *base = MAP_FAILED;
	for (int bits = 46; bits > 36 && base == MAP_FAILED; bits--)
		base = map(1UL << bits, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (base == MAP_FAILED)
		return;
	for (unsigned long i = 0; i < 1UL << 14; i++)
		(void)base[i << 21];
	for (unsigned long i = 0; i < 1UL << 8; i++)
		(void)base[i << 29];
}

static void drop_memory(void)
{
	for (char *p; (p = map(MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE)) != MAP_FAILED;)
		memset(p, 1, MIB);
}

static void drop_shared(void)
{
	for (char *p; (p = map(MIB, PROT_READ | PROT_WRITE, MAP_SHARED)) != MAP_FAILED;)
		memset(p, 1, MIB);
}

static void drop_memfd(void)
{
	static char data[65536];
	for (int fd; (fd = memfd_create(COMM, 0)) >= 0;)
		for (int i = 0; i < 64; i++)
			if (write(fd, data, sizeof data) <= 0)
				return;
}

// Names that are looked up and are not there.
static void drop_dentry(void)
{
	char name[300];
	struct stat st;
	for (int i = 0; i < 200000; i++) {
		snprintf(name, sizeof name, PLACE "/%d-%0200d", getpid(), i);
		stat(name, &st);
	}
}

static void drop_inode(void)
{
	char name[300];
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, PLACE "/%d-%0200d", getpid(), i);
		int fd = open(name, O_CREAT | O_WRONLY, 0666);
		if (fd < 0)
			return;
		close(fd);
	}
}

static void drop_directory(void)
{
	char name[300];
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, PLACE "/%d-%d", getpid(), i);
		if (mkdir(name, 0777) != 0)
			return;
	}
}

static void drop_symlink(void)
{
	static char target[4000];
	char name[300];
	memset(target, 'a', sizeof target - 1);
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, PLACE "/%d-%d", getpid(), i);
		if (symlink(target, name) != 0)
			return;
	}
}

static void drop_mount(void)
{
	for (int i = 0; i < 20000; i++)
		if (mount(COMM, PLACE, "tmpfs", 0, NULL) != 0)
			return;
}

// Programs that begin with two megabytes of arguments, and calls of execve under way with as much.
static void drop_argv(void)
{
	static char word[100000];
	memset(word, 'a', sizeof word - 1);
	char *arguments[20] = {PROGRAM, AGAIN};
	for (int i = 2; i < 18; i++)
		arguments[i] = word;
	for (;;) {
		pid_t child = fork();
		if (child < 0)
			return;
		if (child == 0) {
			for (int i = 0; i < 20; i++)
				execve(PROGRAM "/there-is-none", arguments, arguments);
			execve(arguments[0], arguments, arguments);
			_exit(1);
		}
	}
}

static void drop_signal(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; sigqueue(getpid(), SIGRTMIN + i % 8, (union sigval){0}) == 0; i++)
		;
}

static void drop_timer(void)
{
	struct itimerspec often = {{0, 1000000}, {0, 1000000}};
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	for (timer_t timer; timer_create(CLOCK_MONOTONIC, &none, &timer) == 0;)
		timer_settime(timer, 0, &often, NULL);
}

static void drop_lock(void)
{
	char name[100];
	snprintf(name, sizeof name, PLACE "/lock-%d", getpid());
	int fd = open(name, O_CREAT | O_RDWR, 0666);
	for (long i = 0; i < 200000; i++) {
		struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};
		if (fcntl(fd, F_SETLK, &lock) != 0)
			return;
	}
}

// Files of /proc whose texts were begun to be read.
static void drop_proctext(void)
{
	static const char *const names[] = {"smaps", "maps", "environ", "mountinfo", "stat"};
	for (int i = 0; i < 3000; i++)
		map(4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE);
	char path[40], byte;
	for (int i = 0;; i++) {
		snprintf(path, sizeof path, "/proc/self/%s", names[i % 5]);
		int fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, &byte, 1) < 0)
			return;
	}
}

const struct kind kinds[] = {
	{"fork", drop_fork},
	{"children", drop_children},
	{"zombie", drop_zombie},
	{"thread", drop_thread},
	{"open", drop_open},
	{"eventfd", drop_eventfd},
	{"timerfd", drop_timerfd},
	{"pipe", drop_pipe},
	{"epoll", drop_epoll},
	{"watch", drop_watch},
	{"poll", drop_poll},
	{"pty", drop_pty},
	{"vma", drop_vma},
	{"vmafork", drop_vmafork},
	{"pagetable", drop_pagetable},
	{"memory", drop_memory},
	{"shared", drop_shared},
	{"memfd", drop_memfd},
	{"dentry", drop_dentry},
	{"inode", drop_inode},
	{"directory", drop_directory},
	{"symlink", drop_symlink},
	{"mount", drop_mount},
	{"argv", drop_argv},
	{"signal", drop_signal},
	{"timer", drop_timer},
	{"lock", drop_lock},
	{"proctext", drop_proctext},
	{NULL, NULL},
};
