// cflags: -pthread
// The soak: storms of different kinds at once for a given time, in a machine with too little memory. Each
// checks what it does; none may stall, and none but the victims may be killed.
//
// usage: soak SECONDS
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { stall_seconds = 60, end_seconds = 60 };

struct shared *shared;
int self;

static struct {
	pid_t pid;
	uint64_t rounds;
	time_t since; // when rounds changed
	int deaths;
} state[MAX_STORMS];

static time_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

void round_done(void) { shared->rounds[self]++; }
int going(void) { return !shared->stop; }
int shortage(int error) { return error == ENOMEM || error == EAGAIN || error == ENFILE || error == ENOSPC; }

noreturn void fail(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(shared->failure[self], sizeof shared->failure[self], format, list);
	va_end(list);
	_exit(1);
}

pid_t fork_patiently(void)
{
	for (;;) {
		pid_t pid = fork();
		if (pid >= 0)
			return pid;
		if (!shortage(errno))
			fail("fork: %s", strerror(errno));
		usleep(20000);
	}
}

// checksum is FNV-1a.
uint32_t checksum(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint32_t h = 2166136261u;
	while (n--)
		h = (h ^ *b++) * 16777619u;
	return h;
}

uint64_t random_number(void)
{
	static uint64_t x;
	if (!x)
		x = getpid() * 0x9e3779b97f4a7c15 | 1;
	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static void start(int i)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		self = i;
		setpgid(0, 0);
		int f = open("/proc/self/oom_score_adj", O_WRONLY);
		const char *adjust = storms[i].victim ? "1000" : "-500";
		if (f < 0 || write(f, adjust, strlen(adjust)) < 0)
			fail("oom_score_adj: %s", strerror(errno));
		close(f);
		char dir[64];
		snprintf(dir, sizeof dir, "/tmp/soak/%s", storms[i].name);
		mkdir(dir, 0777);
		if (chdir(dir) < 0)
			fail("%s: %s", dir, strerror(errno));
		storms[i].run();
		_exit(0);
	}
	state[i].pid = pid < 0 ? 0 : pid;
	state[i].since = now();
}

// ended looks at how a storm ended; 0 if that is as it should be. When all are to stop it may have been killed.
static int ended(int i, int status)
{
	state[i].pid = 0;
	if (shared->stop && (status == 0 || status == SIGKILL))
		return 0;
	if (storms[i].victim && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		state[i].deaths++;
		return 0;
	}
	printf("FAIL: %s: status %#x after %llu rounds: %s\n", storms[i].name, status,
	       (unsigned long long)shared->rounds[i], shared->failure[i]);
	return 1;
}

static int reap(void)
{
	int status, bad = 0;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		for (int i = 0; i < storm_count; i++)
			if (state[i].pid == pid)
				bad |= ended(i, status);
	return bad;
}

// stalled tells whether a storm gets nowhere.
static int stalled(int i)
{
	if (shared->rounds[i] != state[i].rounds) {
		state[i].rounds = shared->rounds[i];
		state[i].since = now();
	}
	if (now() - state[i].since < stall_seconds)
		return 0;
	printf("FAIL: %s: no round in %d seconds, after %llu\n", storms[i].name, stall_seconds,
	       (unsigned long long)shared->rounds[i]);
	char command[128];
	snprintf(command, sizeof command, "cat /proc/%d/status /proc/%d/stack /proc/%d/wchan", state[i].pid, state[i].pid,
		 state[i].pid);
	fflush(stdout);
	return system(command), 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "answer"))
		return 42; // what the storm of programs executes
	if (argc != 2)
		return 2;
	int seconds = atoi(argv[1]), bad = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir("/tmp/soak", 0777);
	time_t end = now() + seconds;
	while (now() < end && !bad) {
		bad |= reap();
		for (int i = 0; i < storm_count; i++)
			if (!state[i].pid)
				start(i);
			else
				bad |= stalled(i);
		usleep(50000);
	}
	shared->stop = 1;
	// Who does not stop by himself is killed: a victim, mostly.
	for (int t = 0;; t++) {
		bad |= reap();
		int left = 0;
		for (int i = 0; i < storm_count; i++)
			if (state[i].pid) {
				left++;
				if (t > 100 || storms[i].victim)
					kill(-state[i].pid, SIGKILL);
			}
		if (!left && waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD)
			break;
		if (t > end_seconds * 20) {
			printf("FAIL: %d storms do not end\n", left);
			bad = 1;
			break;
		}
		usleep(50000);
	}
	for (int i = 0; i < storm_count; i++) {
		if (shared->rounds[i] == 0 && !bad) {
			printf("FAIL: %s: not one round\n", storms[i].name);
			bad = 1;
		}
		printf("%-10s %8llu rounds", storms[i].name, (unsigned long long)shared->rounds[i]);
		if (storms[i].victim)
			printf(", killed for memory %d times", state[i].deaths);
		printf("\n");
	}
	return bad;
}
