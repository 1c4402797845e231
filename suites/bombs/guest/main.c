// bombs SECONDS UID KIND...: sets off bombs one after the other, each for some seconds and as a user, and
// tells after each what it has cost: a line
//
//	KIND killed K innocent N missing KIB charged B gap MS
//
// with the processes that the kernel has killed for memory under the bomb's name and under other names,
// the memory that has not come back, what the user is still charged for, and the longest time that another user, who runs a program every
// second, had to wait for one after the bomb had been ended. The first bomb goes off twice, and the first time
// is not told of: with it the kernel makes tables that it keeps.

#include "bombs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OTHER = 2000 }; // the other user

static long milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static void rest(int ms) { poll(NULL, 0, ms); }

// pace is what the other user tells, in memory shared with him.
static volatile struct {
	long last;    // when he had run a program
	long longest; // between two of them, since it was set to 0
} *pace;

// live is the other user's life.
static void live(void)
{
	prctl(PR_SET_NAME, "other");
	if (setresgid(OTHER, OTHER, OTHER) != 0 || setresuid(OTHER, OTHER, OTHER) != 0)
		_exit(1);
	for (pace->last = milliseconds();; rest(1000)) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			continue; // not done
		long now = milliseconds(), gap = now - pace->last;
		pace->last = now;
		if (gap > pace->longest)
			pace->longest = gap;
	}
}

// burn is the first process of a bomb.
static void burn(const struct kind *kind, int uid)
{
	prctl(PR_SET_NAME, COMM);
	setsid();
	if (uid == 0) {
		struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
		for (int i = 0; i < RLIM_NLIMITS; i++)
			setrlimit(i, &all);
		all.rlim_cur = all.rlim_max = 1 << 20;
		setrlimit(RLIMIT_NOFILE, &all);
	} else if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
		_exit(1);
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (;;) {
		// The next one begins when this one is full, or dead.
		int full[2];
		pid_t child = -1;
		if (pipe(full) != 0 || (child = fork()) < 0) {
			close(full[0]);
			close(full[1]);
			rest(20);
			continue;
		}
		if (child == 0) {
			kind->drop();
			if (write(full[1], "", 1) < 0)
				_exit(1);
			for (;;)
				pause();
		}
		close(full[1]);
		char byte;
		while (read(full[0], &byte, 1) < 0 && errno == EINTR)
			;
		close(full[0]);
		rest(1);
	}
}

// killed counts in the kernel's log who was killed for memory, and forgets them.
static void killed(int *bombs, int *innocents)
{
	static char log[1 << 18];
	int n = klogctl(3, log, sizeof log - 1);
	log[n > 0 ? n : 0] = 0;
	*bombs = *innocents = 0;
	for (char *p = log; (p = strstr(p, "Killed process ")) != NULL; p++) {
		char name[20] = "";
		sscanf(p, "Killed process %*d (%19[^)])", name);
		if (strcmp(name, COMM) == 0)
			++*bombs;
		else
			++*innocents, fprintf(stderr, "innocent: %s\n", name);
	}
	klogctl(5, NULL, 0);
}

// number returns the sum of the numbers after the given names in a file; 0 if it has none.
static long number(const char *path, const char *name, const char *other)
{
	FILE *f = fopen(path, "re");
	char line[200], word[40];
	long sum = 0, n;
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "%39s %ld", word, &n) == 2 && (strcmp(word, name) == 0 || strcmp(word, other) == 0))
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

// free_kib is what nobody uses; names that are remembered go when somebody wants their place.
static long free_kib(void) { return number("/proc/meminfo", "MemFree:", "KReclaimable:"); }

// charged is what the kernel's accounts say that a user still has, in bytes, or what they are wrong by.
static long charged(int uid)
{
	char name[20];
	snprintf(name, sizeof name, "%d", uid);
	return number("/proc/sys/kernel/kevlar/accounts", uid != 0 ? name : "underflows", "underflows");
}

static int delete(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type;
	return at->level > 0 ? remove(path) : 0;
}

// end kills all of the bomb's session and removes what it has made.
static void end(pid_t bomb)
{
	// Those that are killed cannot fork any more, and none leaves the process group.
	for (int i = 0; i < 500 && (kill(-bomb, SIGKILL) == 0 || i < 3); i++) {
		waitpid(bomb, NULL, WNOHANG);
		rest(10);
	}
	waitpid(bomb, NULL, 0);
	while (umount2(PLACE, MNT_DETACH) == 0)
		;
	nftw(PLACE, delete, 16, FTW_DEPTH | FTW_PHYS);
}

// missing waits for memory to come back, and returns what has not, in KiB.
static long missing(long before)
{
	long least = before, now = 0;
	for (int i = 0; i < 60 && least > 1024; i++) {
		rest(200);
		now = before - free_kib();
		if (now < least)
			least = now;
	}
	return least;
}

static void run(const struct kind *kind, int seconds, int uid, int tell)
{
	int bombs, innocents;
	killed(&bombs, &innocents);
	long before = free_kib();
	pid_t bomb = fork();
	if (bomb == 0)
		burn(kind, uid);
	rest(seconds * 1000);
	end(bomb);
	pace->last = milliseconds();
	pace->longest = 0;
	long left = missing(before);
	if (!tell)
		return;
	rest(2200); // for the other user's next programs
	killed(&bombs, &innocents);
	long gap = milliseconds() - pace->last;
	if (gap < pace->longest)
		gap = pace->longest;
	printf("%s killed %d innocent %d missing %ld charged %ld gap %ld\n", kind->name, bombs, innocents, left,
	       charged(uid), gap);
	fflush(stdout);
}

static const struct kind *named(const char *name)
{
	for (const struct kind *k = kinds; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	fprintf(stderr, "no bomb %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], AGAIN) == 0) {
		prctl(PR_SET_NAME, COMM);
		for (;;)
			pause();
	}
	if (argc < 4)
		return 2;
	prctl(PR_SET_NAME, "bomber");
	signal(SIGCHLD, SIG_DFL);
	char program[200] = "";
	if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
		return 1;
	mkdir("/tmp/bomb.program", 0755);
	symlink(program, PROGRAM);
	mkdir(PLACE, 0);
	chmod(PLACE, 0777);
	pace = mmap(NULL, sizeof *pace, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t other = fork();
	if (other == 0)
		live();
	run(named(argv[3]), 1, atoi(argv[2]), 0);
	for (int i = 3; i < argc; i++) {
		run(named(argv[i]), atoi(argv[1]), atoi(argv[2]), 1);
		if (waitpid(other, NULL, WNOHANG) != 0) {
			printf("the other user is gone\n");
			return 1;
		}
	}
	kill(other, SIGKILL);
	printf("alive\n");
	return 0;
}
