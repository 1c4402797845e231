// cflags: -pthread
// The system-call fuzzer: several processes with several threads each make system calls with
// arguments that are half right, as root and as an ordinary user. The kernel must live, kill what it is
// told to kill, and give everything back.
//
// usage: fuzz SEED CALLS WORKERS UNPRIVILEGED
//
// The supervisor (this file) starts workers again when they die, which they often do, until CALLS calls
// have been made. Worker number i in its incarnation n draws its numbers from (SEED, i, n), so a run can
// be repeated, up to how its threads interleave.
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared *shared;
pid_t supervisor;

enum {
	tick_ms = 5,
	stalled_ticks = 2000 / tick_ms, // a worker that makes no call for so long is killed
	dead_ticks = 30000 / tick_ms,	// and must have ended after so long
};

struct slot {
	pid_t pid;
	uint64_t incarnation, calls;
	int idle; // ticks without a call
	int killed;
};

static struct slot slots[MAX_WORKERS];

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void start(int id, uint64_t seed, int unprivileged)
{
	struct slot *s = &slots[id];
	struct rng r = {seed * 1000003 + id * 8191 + s->incarnation++};
	uint64_t mine = rng_next(&r);
	s->idle = s->killed = 0;
	fflush(stdout);
	s->pid = fork();
	if (s->pid == 0)
		worker(id, mine, unprivileged);
	if (s->pid < 0) {
		// Others may hold what the process would need; they will be reaped.
		if (errno != EAGAIN && errno != ENOMEM) {
			perror("fork");
			exit(1);
		}
		s->pid = 0;
	}
}

// reap collects everybody who has ended; orphans come here, for the supervisor is a subreaper.
static void reap(void)
{
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
		for (int i = 0; i < MAX_WORKERS; i++)
			if (slots[i].pid == pid)
				slots[i].pid = 0;
}

// children calls f for every child of the supervisor and returns how many there are.
static int children(void (*f)(pid_t))
{
	int n = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		pid_t pid = atoi(e->d_name);
		if (pid <= 0)
			continue;
		char path[64], line[512];
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		int parent = 0;
		// The name is in parentheses and may have any character.
		if (fgets(line, sizeof line, file)) {
			char *end = strrchr(line, ')');
			if (end)
				sscanf(end + 1, " %*c %d", &parent);
		}
		fclose(file);
		if (parent == getpid()) {
			n++;
			if (f)
				f(pid);
		}
	}
	if (d)
		closedir(d);
	return n;
}

static void end(pid_t pid) { kill(pid, SIGKILL); }

static int is_worker(pid_t pid)
{
	for (int i = 0; i < MAX_WORKERS; i++)
		if (slots[i].pid == pid)
			return 1;
	return 0;
}

static void end_orphan(pid_t pid)
{
	if (!is_worker(pid))
		kill(pid, SIGKILL);
}

static void describe(int id)
{
	struct progress *p = &shared->worker[id];
	printf("worker %d, incarnation %llu: call %d(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx)\n", id,
	       (unsigned long long)slots[id].incarnation, p->number, (unsigned long long)p->args[0],
	       (unsigned long long)p->args[1], (unsigned long long)p->args[2], (unsigned long long)p->args[3],
	       (unsigned long long)p->args[4], (unsigned long long)p->args[5]);
}

// watch kills a worker that is stuck, as blocking calls with all signals blocked are. That must help.
static void watch(int id)
{
	struct slot *s = &slots[id];
	uint64_t calls = shared->worker[id].calls;
	if (calls != s->calls) {
		s->calls = calls;
		s->idle = 0;
		return;
	}
	s->idle++;
	if (s->idle > stalled_ticks && !s->killed) {
		s->killed = 1;
		kill(-s->pid, SIGKILL);
		kill(s->pid, SIGKILL);
	}
	if (s->idle > stalled_ticks + dead_ticks) {
		printf("FAIL: a killed worker does not end\n");
		describe(id);
		exit(1);
	}
}

static uint64_t total(void)
{
	uint64_t n = 0;
	for (int i = 0; i < MAX_WORKERS; i++)
		n += shared->worker[i].calls;
	return n;
}

static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: fuzz SEED CALLS WORKERS UNPRIVILEGED\n");
		return 2;
	}
	uint64_t seed = strtoull(argv[1], NULL, 0), calls = strtoull(argv[2], NULL, 0);
	int workers = atoi(argv[3]), unprivileged = atoi(argv[4]);
	if (workers < 1 || workers > MAX_WORKERS)
		return 2;
	supervisor = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	arena_make(); // for the pages that all workers share
	umask(0);
	mkdir("/tmp/fuzz", 0777);

	uint64_t before = 0;
	int quiet = 0;
	for (int t = 0; total() < calls; t++) {
		reap();
		if (t % 200 == 199)
			children(end_orphan);
		for (int i = 0; i < workers; i++)
			if (slots[i].pid == 0)
				start(i, seed, unprivileged);
			else
				watch(i);
		// Somebody has to get on.
		quiet = total() == before ? quiet + 1 : 0;
		before = total();
		if (quiet > stalled_ticks + dead_ticks) {
			printf("FAIL: no calls are made any more\n");
			for (int i = 0; i < workers; i++)
				describe(i);
			return 1;
		}
		pause_ms(tick_ms);
	}

	shared->stop = 1;
	for (int t = 0; children(end) > 0; t++) {
		reap();
		pause_ms(tick_ms);
		if (t > dead_ticks) {
			printf("FAIL: %d processes do not end\n", children(NULL));
			return 1;
		}
	}
	if (getenv("FUZZ_VERBOSE"))
		for (int i = 0; i < MAX_CALL; i++)
			if (shared->made[i])
				printf("%d %u %u\n", i, shared->made[i], shared->worked[i]);
	int tried = 0, worked = 0;
	uint64_t succeeded = 0, incarnations = 0;
	for (int i = 0; i < MAX_CALL; i++) {
		tried += shared->made[i] > 0;
		worked += shared->worked[i] > 0;
	}
	for (int i = 0; i < MAX_WORKERS; i++) {
		succeeded += shared->worker[i].worked;
		incarnations += slots[i].incarnation;
	}
	printf("fuzz: %llu calls by %llu processes, %llu without an error; %d numbers tried, %d of them worked\n",
	       (unsigned long long)total(), (unsigned long long)incarnations, (unsigned long long)succeeded, tried, worked);
	return 0;
}
