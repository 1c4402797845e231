// Pipes, and what waits for them.

#include "measure.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static int to[2], from[2];
static pid_t child;
static pthread_t thread;
static char data[64 << 10];

static void open_pipe(void) { NEED(pipe(to) == 0 && pipe(from) == 0); }

static void close_pipe(void)
{
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

// pipe_self sends so many bytes through a pipe within one process.
static void pipe_self(long n, long size)
{
	while (n-- > 0)
		NEED(call(SYS_write, to[1], data, size) == size && call(SYS_read, to[0], data, size) == size);
}

static void pipe_1(long n) { pipe_self(n, 1); }
static void pipe_4k(long n) { pipe_self(n, 4096); }
static void pipe_64k(long n) { pipe_self(n, 65536); }

static void *echo(void *unused)
{
	char c;
	while (call(SYS_read, to[0], &c, 1) == 1 && c == 0 && call(SYS_write, from[1], &c, 1) == 1)
		;
	return unused;
}

static void start_process(void)
{
	open_pipe();
	child = fork();
	NEED(child >= 0);
	if (child == 0) {
		echo(0);
		_exit(0);
	}
}

static void start_thread(void)
{
	open_pipe();
	NEED(pthread_create(&thread, 0, echo, 0) == 0);
}

static void stop_echo(void) { NEED(write(to[1], "e", 1) == 1); }

static void end_process(void)
{
	stop_echo();
	await(child);
	close_pipe();
}

static void end_thread(void)
{
	stop_echo();
	NEED(pthread_join(thread, 0) == 0);
	close_pipe();
}

// ping sends a byte, which comes back.
static void ping(long n)
{
	data[0] = 0;
	while (n-- > 0)
		NEED(call(SYS_write, to[1], data, 1) == 1 && call(SYS_read, from[0], data, 1) == 1);
}

static int event;

static void open_event(void) { NEED((event = eventfd(0, 0)) >= 0); }
static void close_event(void) { close(event); }

static void eventfd_pair(long n)
{
	uint64_t v = 1;
	while (n-- > 0)
		NEED(call(SYS_write, event, &v, 8) == 8 && call(SYS_read, event, &v, 8) == 8);
}

enum { many = 1000 };
static struct pollfd polled[many];
static int epoll;

// open_many makes event counters, the last of which can be read.
static void open_many(void)
{
	struct rlimit l = {2000, 4096};
	NEED(setrlimit(RLIMIT_NOFILE, &l) == 0);
	NEED((epoll = epoll_create1(0)) >= 0);
	for (int i = 0; i < many; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
		polled[i].fd = eventfd(i == many - 1, 0);
		polled[i].events = POLLIN;
		NEED(polled[i].fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, polled[i].fd, &e) == 0);
	}
}

static void close_many(void)
{
	for (int i = 0; i < many; i++)
		close(polled[i].fd);
	close(epoll);
}

static void poll_1(long n)
{
	while (n-- > 0)
		NEED(call(SYS_poll, &polled[many - 1], 1, 0) == 1);
}

static void poll_1000(long n)
{
	while (n-- > 0)
		NEED(call(SYS_poll, polled, many, 0) == 1);
}

static void epoll_wait_call(long n)
{
	struct epoll_event e[16];
	while (n-- > 0)
		NEED(call(SYS_epoll_wait, epoll, e, 16, 0) == 1);
}

static void epoll_ctl_call(long n)
{
	struct epoll_event e = {.events = EPOLLIN};
	while (n-- > 0)
		NEED(call(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, polled[0].fd, &e) == 0);
}

static const struct row rows[] = {
	{"pipe_1", open_pipe, pipe_1, close_pipe, 100, 600},
	{"pipe_4k", open_pipe, pipe_4k, close_pipe, 100, 600},
	{"pipe_64k", open_pipe, pipe_64k, close_pipe, 10, 60},
	{"pingpong_processes", start_process, ping, end_process, 100, 600},
	{"pingpong_threads", start_thread, ping, end_thread, 100, 600},
	{"eventfd", open_event, eventfd_pair, close_event, 100, 600},
	{"poll_1", open_many, poll_1, close_many, 100, 600},
	{"poll_1000", open_many, poll_1000, close_many, 5, 25},
	{"epoll_wait_1000", open_many, epoll_wait_call, close_many, 100, 600},
	{"epoll_ctl", open_many, epoll_ctl_call, close_many, 100, 600},
};

MEASURE(rows)
