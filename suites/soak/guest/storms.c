// The storms.
#include "soak.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { page = 4096 };

static int wait_for(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid: %s", strerror(errno));
	return status;
}

// programs: fork, exec, exit, wait.
static void programs(void)
{
	while (going()) {
		pid_t pid[8];
		for (int i = 0; i < 8; i++) {
			pid[i] = fork_patiently();
			if (pid[i] == 0) {
				// Only a lack of memory may keep the program from running.
				for (;;) {
					execl("/proc/self/exe", "soak", "answer", NULL);
					if (!shortage(errno))
						_exit(1);
					usleep(10000);
				}
			}
		}
		for (int i = 0; i < 8; i++) {
			int status = wait_for(pid[i]);
			// An exec that runs out of memory half-way is killed.
			if (status != 42 << 8 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
				fail("a program ended with %#x", status);
		}
		round_done();
	}
}

// pipes: what one process writes another one reads.
static void pipes(void)
{
	while (going()) {
		int p[2], back[2];
		if (pipe(p) || pipe(back)) {
			if (!shortage(errno))
				fail("pipe: %s", strerror(errno));
			usleep(10000);
			continue;
		}
		pid_t pid = fork_patiently();
		if (pid == 0) {
			close(p[1]);
			uint32_t h = 2166136261u;
			unsigned char b[5000];
			for (ssize_t n; (n = read(p[0], b, 1 + random_number() % sizeof b));)
				if (n < 0)
					fail("read of a pipe: %s", strerror(errno));
				else for (ssize_t i = 0; i < n; i++)
					h = (h ^ b[i]) * 16777619u;
			_exit(write(back[1], &h, sizeof h) != sizeof h);
		}
		close(p[0]);
		close(back[1]);
		uint32_t want = 2166136261u, got = 0;
		for (int i = 0; i < 64; i++) {
			unsigned char b[7000];
			size_t n = 1 + random_number() % sizeof b;
			for (size_t k = 0; k < n; k++)
				want = (want ^ (b[k] = random_number())) * 16777619u;
			for (size_t done = 0; done < n;) {
				ssize_t m = write(p[1], b + done, n - done);
				if (m < 0 && !shortage(errno))
					fail("write to a pipe: %s", strerror(errno));
				if (m < 0)
					usleep(10000);
				else
					done += m;
			}
		}
		close(p[1]);
		ssize_t m = read(back[0], &got, sizeof got);
		int status = wait_for(pid);
		close(back[0]);
		// Who reads may have been killed as its memory was copied, which is not this storm's affair.
		if (status == SIGKILL)
			continue;
		if (status)
			fail("the reader of a pipe ended with %#x: %.100s", status, shared->failure[self]);
		if (m != sizeof got || got != want)
			fail("a pipe changed what went through it");
		round_done();
	}
}

// files: written, mapped, renamed, linked, cut, removed.
static void files(void)
{
	static uint8_t data[24 * page + 123];
	while (going()) {
		size_t n = 1 + random_number() % sizeof data;
		for (size_t i = 0; i < n; i++)
			data[i] = random_number();
		int f = open("new", O_RDWR | O_CREAT | O_TRUNC, 0666);
		if (f < 0) {
			if (!shortage(errno))
				fail("open: %s", strerror(errno));
			usleep(10000);
			continue;
		}
		ssize_t m = pwrite(f, data, n, 0);
		if (m != (ssize_t)n) {
			if (m < 0 && !shortage(errno))
				fail("pwrite: %s", strerror(errno));
			close(f);
			usleep(10000);
			continue;
		}
		uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
		if (p == MAP_FAILED)
			fail("mmap: %s", strerror(errno));
		if (memcmp(p, data, n))
			fail("a mapped file is not what was written");
		size_t at = random_number() % n;
		p[at] ^= 0xff;
		data[at] ^= 0xff;
		munmap(p, n);
		if (rename("new", "old") && !shortage(errno))
			fail("rename: %s", strerror(errno));
		if (link("old", "other") && !shortage(errno) && errno != ENOENT)
			fail("link: %s", strerror(errno));
		static uint8_t again[sizeof data];
		if (pread(f, again, sizeof again, 0) != (ssize_t)n || memcmp(again, data, n))
			fail("a file is not what was written to it");
		if (ftruncate(f, at) || pread(f, again, sizeof again, 0) != (ssize_t)at)
			fail("a file was not cut");
		struct stat s;
		if (fstat(f, &s) || s.st_size != (off_t)at)
			fail("the size of a file: %lld, not %zu", (long long)s.st_size, at);
		close(f);
		unlink("other");
		unlink("old");
		unlink("new");
		round_done();
	}
}

// memory: copy-on-write, mremap, guard pages.
static void memory(void)
{
	while (going()) {
		size_t n = 1 + random_number() % 64;
		uint64_t *p = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			if (!shortage(errno))
				fail("mmap: %s", strerror(errno));
			usleep(10000);
			continue;
		}
		uint64_t mark = random_number();
		for (size_t i = 0; i < n; i++) {
			if (p[i * page / 8])
				fail("new memory is not zero");
			p[i * page / 8] = mark + i;
		}
		pid_t pid = fork_patiently();
		for (size_t i = 0; i < n; i++) {
			if (p[i * page / 8] != mark + i)
				_exit(3);
			if (pid == 0)
				p[i * page / 8] = 0;
		}
		if (pid == 0)
			_exit(0);
		size_t m = 1 + random_number() % 128;
		uint64_t *q = mremap(p, n * page, m * page, MREMAP_MAYMOVE);
		if (q == MAP_FAILED) {
			if (!shortage(errno))
				fail("mremap: %s", strerror(errno));
			q = p;
			m = n;
		}
		for (size_t i = 0; i < m; i++)
			if (q[i * page / 8] != (i < n ? mark + i : 0))
				fail("page %zu of %zu changed as it was moved", i, m);
		munmap(q, m * page);
		int status = wait_for(pid);
		if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			fail("a child saw other memory: %#x", status);
		round_done();
	}
}

// threads: a counter behind a mutex, and a condition that hands it round.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int whose, count;

static void *take_turns(void *arg)
{
	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		while (whose != (int)(intptr_t)arg)
			pthread_cond_wait(&turn, &mutex);
		whose = (whose + 1) % 4;
		count++;
		pthread_cond_broadcast(&turn);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void threads(void)
{
	while (going()) {
		pthread_t t[4];
		pthread_attr_t a;
		pthread_attr_init(&a);
		pthread_attr_setstacksize(&a, 32768);
		whose = count = 0;
		for (int i = 0; i < 4; i++)
			for (int e; (e = pthread_create(&t[i], &a, take_turns, (void *)(intptr_t)i));) {
				if (!shortage(e))
					fail("pthread_create: %s", strerror(e));
				usleep(10000);
			}
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		if (count != 200)
			fail("%d turns, not 200", count);
		round_done();
	}
}

// signals: each one that was queued arrives, with its value, in order.
static void signals(void)
{
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (going()) {
		pid_t parent = getpid(), pid = fork_patiently();
		if (pid == 0) {
			for (int i = 0; i < 40; i++)
				while (sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i})) {
					if (errno != EAGAIN)
						_exit(1);
					usleep(1000);
				}
			_exit(0);
		}
		for (int i = 0; i < 40; i++) {
			siginfo_t info;
			struct timespec limit = {50, 0};
			if (sigtimedwait(&set, &info, &limit) != SIGRTMIN)
				fail("signal %d did not come: %s", i, strerror(errno));
			if (info.si_value.sival_int != i || info.si_pid != pid)
				fail("signal %d came in place of %d", info.si_value.sival_int, i);
		}
		if (wait_for(pid) != 0)
			fail("sigqueue failed");
		round_done();
	}
}

// events: two processes wake each other through eventfds and epoll; timers do not come early.
static void events(void)
{
	int there = eventfd(0, EFD_NONBLOCK), back = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int ep = epoll_create1(0);
	if (there < 0 || back < 0 || timer < 0 || ep < 0)
		fail("descriptors: %s", strerror(errno));
	pid_t parent = getpid(), pid = fork_patiently();
	if (pid == 0) {
		struct epoll_event e = {.events = EPOLLIN};
		epoll_ctl(ep, EPOLL_CTL_ADD, there, &e);
		for (uint64_t v; going() && getppid() == parent;)
			if (epoll_wait(ep, &e, 1, 500) == 1 && read(there, &v, 8) == 8 && write(back, &v, 8) != 8)
				_exit(1);
		_exit(0);
	}
	while (going()) {
		uint64_t v = 1 + random_number() % 1000, got = 0;
		struct pollfd p = {.fd = back, .events = POLLIN};
		if (write(there, &v, 8) != 8 || poll(&p, 1, 50000) != 1 || read(back, &got, 8) != 8 || got != v)
			fail("%llu was sent, %llu came back", (unsigned long long)v, (unsigned long long)got);
		if (v % 50 == 0) {
			struct timespec a, b;
			struct itimerspec t = {.it_value = {0, 3000000}};
			clock_gettime(CLOCK_MONOTONIC, &a);
			timerfd_settime(timer, 0, &t, NULL);
			if (read(timer, &got, 8) != 8)
				fail("timerfd: %s", strerror(errno));
			clock_gettime(CLOCK_MONOTONIC, &b);
			if ((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec < 3000000)
				fail("a timer came early");
		}
		round_done();
	}
	wait_for(pid);
}

// terminals: a line goes through a pseudo-terminal and comes back as an echo.
static void terminals(void)
{
	while (going()) {
		int m = posix_openpt(O_RDWR | O_NOCTTY);
		char name[64];
		if (m < 0 || unlockpt(m) || ptsname_r(m, name, sizeof name)) {
			if (!shortage(errno))
				fail("posix_openpt: %s", strerror(errno));
			usleep(10000);
			continue;
		}
		int s = open(name, O_RDWR | O_NOCTTY);
		if (s < 0 && !shortage(errno))
			fail("%s: %s", name, strerror(errno));
		char line[100], got[200];
		int n = snprintf(line, sizeof line, "line %llu\n", (unsigned long long)random_number());
		if (s >= 0) {
			ssize_t r = write(m, line, n);
			if (r < 0 && shortage(errno)) {
				close(s);
				close(m);
				usleep(10000);
				continue;
			}
			if (r != n)
				fail("write of a line: %zd, %s", r, strerror(errno));
			if ((r = read(s, got, sizeof got)) != n || memcmp(line, got, n))
				fail("a terminal changed the line: %zd, %s", r, strerror(errno));
			if ((r = read(m, got, sizeof got)) != n + 1 || memcmp(line, got, n - 1) || memcmp(got + n - 1, "\r\n", 2))
				fail("a terminal changed the echo: %zd, %s", r, strerror(errno));
			close(s);
		}
		close(m);
		round_done();
	}
}

// locks: two processes never hold a lock at once.
static void locks(void)
{
	int f = open("lock", O_RDWR | O_CREAT, 0666);
	_Atomic int *inside = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f < 0 || inside == MAP_FAILED)
		fail("lock: %s", strerror(errno));
	pid_t parent = getpid(), pid = fork_patiently();
	while (going() && (pid || getppid() == parent)) {
		struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
		if (fcntl(f, F_SETLKW, &l)) {
			if (shortage(errno)) {
				usleep(1000);
				continue;
			}
			fail("F_SETLKW: %s", strerror(errno));
		}
		if (++*inside != 1)
			fail("two processes hold one lock");
		--*inside;
		l.l_type = F_UNLCK;
		fcntl(f, F_SETLK, &l);
		round_done();
	}
	if (pid == 0)
		_exit(0);
	wait_for(pid);
}

// looks: what /proc shows of everybody, while they come and go.
static void looks(void)
{
	static const char *const names[] = {"stat", "status", "maps", "smaps", "cmdline", "environ", "wchan", "limits", "mountinfo"};
	while (going()) {
		DIR *d = opendir("/proc");
		int seen = 0;
		for (struct dirent *e; d && (e = readdir(d));) {
			if (e->d_name[0] < '1' || e->d_name[0] > '9')
				continue;
			char path[300], b[3000];
			snprintf(path, sizeof path, "/proc/%s/%s", e->d_name, names[random_number() % (sizeof names / sizeof *names)]);
			int f = open(path, O_RDONLY);
			if (f < 0)
				continue; // it has ended
			while (read(f, b, sizeof b) > 0)
				;
			close(f);
			seen++;
		}
		if (d) {
			closedir(d);
			if (seen < 2)
				fail("/proc shows %d processes", seen);
		}
		round_done();
	}
}

// clocks: time does not go back, whatever CPU reads it.
static void clocks(void)
{
	struct timespec last = {0}, t;
	while (going()) {
		for (int i = 0; i < 1000; i++) {
			clock_gettime(CLOCK_MONOTONIC, &t);
			if (t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec))
				fail("time went back");
			last = t;
		}
		sched_yield();
		round_done();
	}
}

// hog takes memory until it is killed.
static void hog(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			usleep(1000);
			continue;
		}
		for (int i = 0; i < 1 << 20; i += page)
			p[i] = 1;
		round_done();
	}
}

const struct storm storms[] = {
	{"programs", programs, 0}, {"pipes", pipes, 0},		{"files", files, 0},	 {"memory", memory, 0},
	{"threads", threads, 0},   {"signals", signals, 0},	{"events", events, 0},	 {"terminals", terminals, 0},
	{"locks", locks, 0},	   {"looks", looks, 0},		{"clocks", clocks, 0}, {"hog", hog, 1},
};
const int storm_count = sizeof storms / sizeof *storms;
