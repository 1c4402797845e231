// The files of /proc: what others may see, and texts that are read in pieces.

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

// text reads all of a file from its start on, in pieces of n bytes.
static size_t text(int fd, char *b, size_t size, size_t n)
{
	size_t total = 0;
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	for (;;) {
		ssize_t got = read(fd, b + total, n < size - total ? n : size - total);
		CHECK(got >= 0);
		if (got == 0)
			return total;
		total += got;
		CHECK(total < size);
	}
}

// Whoever may not trace a process sees neither its descriptors nor its memory.
static void looking_into_others(void)
{
	static const char *const hidden[] = {
		"fd", "fd/0", "fdinfo", "fdinfo/0", "fdinfo/99", "environ", "auxv", "maps", "smaps", "smaps_rollup",
		"io", "stack", "personality", "cwd", "root", "exe",
	};
	static const char *const shown[] = {
		"stat", "statm", "status", "cmdline", "comm", "limits", "mounts", "mountinfo", "oom_score", "wchan", "task",
	};
	char path[100], b[100];
	struct stat st;
	CHECK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	for (unsigned i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		snprintf(path, sizeof path, "/proc/1/%s", hidden[i]);
		if (open(path, O_RDONLY) != -1 || errno != EACCES)
			fail(__FILE__, __LINE__, "%s can be opened", path);
	}
	FAILS(lstat("/proc/1/fdinfo/0", &st), EACCES);
	FAILS(lstat("/proc/1/fdinfo/99", &st), EACCES);
	FAILS(lstat("/proc/1/task/1/fdinfo/0", &st), EACCES);
	for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		snprintf(path, sizeof path, "/proc/1/%s", shown[i]);
		if (open(path, O_RDONLY) == -1)
			fail(__FILE__, __LINE__, "%s cannot be opened", path);
	}
	CHECK(pread(open("/proc/1/wchan", O_RDONLY), b, sizeof b, 0) == 1 && b[0] == '0');
}

// A text that is read in pieces, from anywhere, is the same text.
static void texts_in_pieces(void)
{
	static char whole[1 << 20], again[1 << 20];
	for (int i = 0; i < 300; i++)
		CHECK(mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	static const char *const names[] = {"maps", "mountinfo", "limits", "environ", "cmdline", "auxv"};
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[100];
		snprintf(path, sizeof path, "/proc/self/%s", names[i]);
		int fd = open(path, O_RDONLY);
		CHECK(fd >= 0);
		size_t n = text(fd, whole, sizeof whole, sizeof whole);
		CHECK(n > 0);
		static const size_t pieces[] = {1, 7, 100, 4096};
		for (int k = 0; k < 4; k++) {
			EQUAL(text(fd, again, sizeof again, pieces[k]), n);
			CHECK(memcmp(whole, again, n) == 0);
		}
		for (size_t at = 0; at < n; at += n / 5 + 1) {
			char b[50];
			ssize_t got = pread(fd, b, sizeof b, at);
			CHECK(got > 0 && memcmp(b, whole + at, got) == 0);
		}
		EQUAL(pread(fd, again, 10, n + 1000000), 0);
		CHECK(close(fd) == 0);
	}
}

// Positions in maps are addresses: what is unmapped meanwhile shifts nothing.
static void maps_that_change(void)
{
	static char before[1 << 18], b[1 << 18];
	char *area[100];
	for (int i = 0; i < 100; i++) {
		area[i] = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(area[i] != MAP_FAILED && munmap(area[i], 4096) == 0);
		area[i] += 4096;
	}
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t n = text(fd, before, sizeof before, sizeof before), half = 0;
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	while (half < n / 2) {
		ssize_t got = read(fd, b + half, n / 2 - half);
		CHECK(got > 0);
		half += got;
	}
	char *line = b + half; // of what was read, all areas whose line is complete
	while (line[-1] != '\n')
		line--;
	for (int i = 0; i < 100; i++) {
		char name[20];
		snprintf(name, sizeof name, "%lx-", (long)area[i]);
		char *at = memmem(b, line - b, name, strlen(name));
		if (at)
			CHECK(munmap(area[i], 4096) == 0);
	}
	for (ssize_t got; (got = read(fd, b + half, 1000)) > 0;)
		half += got;
	EQUAL(half, n);
	CHECK(memcmp(b, before, n) == 0);
}

// An open file shows the memory of the program that it was opened for, not of
// what is executed later.
static void opened_before_exec(void)
{
	if (strcmp(arguments[0], "inner") == 0) {
		char c = 0;
		CHECK(write(4, &c, 1) == 1);
		pause();
	}
	int up[2];
	CHECK(pipe(up) == 0);
	pid_t child = fork();
	if (child == 0) {
		char c;
		dup2(up[1], 4);
		CHECK(write(4, &c, 1) == 1);
		usleep(300000);
		execl("/proc/self/exe", "inner", "opened-before-exec", NULL);
		_exit(1);
	}
	static const char *const names[] = {"maps", "smaps", "environ"};
	int fd[3];
	char b[4096];
	CHECK(read(up[0], b, 1) == 1);
	for (int i = 0; i < 3; i++) {
		snprintf(b, sizeof b, "/proc/%d/%s", child, names[i]);
		fd[i] = open(b, O_RDONLY);
		CHECK(fd[i] >= 0 && pread(fd[i], b, sizeof b, 0) > 0);
	}
	CHECK(read(up[0], b, 1) == 1);
	for (int i = 0; i < 3; i++)
		if (pread(fd[i], b, sizeof b, 0) != 0)
			fail(__FILE__, __LINE__, "%s shows the next program", names[i]);
	kill(child, SIGKILL);
	CHECK(waitpid(child, NULL, 0) == child);
}

// A program that overwrites its arguments, and goes on into the environment,
// has a title there.
static void title(void)
{
	extern char **environ;
	char *end = NULL, b[100];
	for (char **e = environ; *e; e++)
		end = *e + strlen(*e) + 1;
	CHECK(end != NULL);
	static const char title[] = "a title longer than the arguments were, by far";
	CHECK(end - arguments[0] > (long)sizeof title);
	memset(arguments[0], 0, end - arguments[0]);
	strcpy(arguments[0], title);
	int fd = open("/proc/self/cmdline", O_RDONLY);
	EQUAL(read(fd, b, sizeof b), sizeof title);
	CHECK(memcmp(b, title, sizeof title) == 0);
	CHECK(pread(fd, b, 5, 2) == 5 && memcmp(b, "title", 5) == 0);
	EQUAL(lseek(fd, 0, SEEK_END), 0);
}

// Thousands of files of /proc can be open, each with a text that was begun.
static void many_open_texts(void)
{
	struct rlimit r;
	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = r.rlim_max < 1500 ? r.rlim_max : 1500;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	for (int i = 0; i < 3000; i++)
		CHECK(mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	for (int i = 0; i < 1000; i++) {
		char c;
		int fd = open("/proc/self/smaps", O_RDONLY);
		CHECK(fd >= 0 && read(fd, &c, 1) == 1);
	}
}

static const struct test tests[] = {
	TEST(looking_into_others),
	TEST(texts_in_pieces),
	TEST(maps_that_change),
	TEST(opened_before_exec),
	TEST(title),
	TEST(many_open_texts),
};
MAIN(tests)
