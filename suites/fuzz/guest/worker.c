// A worker: a process with threads that make calls until one of these ends it.
#include "fuzz.h"

#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { threads = 3, calls_each = 3000, alarm_us = 10000 };

static struct progress *mine;
static uint64_t first_seed;

static void nothing(int sig) { (void)sig; }

// prepare undoes what calls may have done to the worker's way of getting out of blocking calls.
static void prepare(void)
{
	struct sigaction a = {.sa_handler = nothing};
	sigaction(SIGALRM, &a, NULL);
	sigaction(SIGUSR1, &a, NULL);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaction(i, &a, NULL);
	a.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &a, NULL);
	sigaction(SIGTTIN, &a, NULL);
	sigaction(SIGTTOU, &a, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	struct itimerval t = {{0, alarm_us}, {0, alarm_us}};
	setitimer(ITIMER_REAL, &t, NULL);
}

static void *work(void *arg)
{
	struct rng r = {first_seed + (uintptr_t)arg * 77777};
	for (int i = 0; i < 16; i++)
		files_refresh(&r);
	for (int i = 0; i < calls_each && !shared->stop; i++) {
		if (i % 32 == 0) {
			prepare();
			files_refresh(&r);
		}
		call_random(&r, mine, 0);
	}
	return NULL;
}

// bound keeps the worker from needing more than a small machine has.
static void bound(void)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_AS, 64 << 20}, {RLIMIT_DATA, 16 << 20}, {RLIMIT_STACK, 1 << 20}, {RLIMIT_FSIZE, 1 << 20},
		{RLIMIT_NOFILE, 128}, {RLIMIT_MEMLOCK, 1 << 20}, {RLIMIT_CORE, 0}, {RLIMIT_SIGPENDING, 256},
		{RLIMIT_CPU, 120},
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit l = {limits[i].value, limits[i].value};
		setrlimit(limits[i].resource, &l);
	}
	signal(SIGXFSZ, SIG_IGN);
}

_Noreturn void worker(int id, uint64_t seed, int unprivileged)
{
	mine = &shared->worker[id];
	first_seed = seed;
	setpgid(0, 0);
	files_make(id);
	bound();
	if (unprivileged) {
		struct rlimit l = {256, 256};
		setrlimit(RLIMIT_NPROC, &l);
		if (chown(".", 1000, 1000) || setgroups(0, NULL) || setgid(1000) || setuid(1000))
			_exit(1);
	}
	arena_make();
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (int i = 1; i < threads; i++) {
		pthread_t t;
		pthread_create(&t, &small, work, (void *)(uintptr_t)i);
	}
	work(NULL);
	_exit(0);
}
