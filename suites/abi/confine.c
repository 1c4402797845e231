// What keeps programs where they belong: the way up, links and files that others have laid out, and
// programs that are being executed.

#include "check.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { BENEATH = 8, IN_ROOT = 16 }; // resolve flags of openat2

static int openat2(int dir, const char *name, uint64_t flags, uint64_t resolve)
{
	uint64_t how[3] = {flags, 0, resolve};
	return syscall(SYS_openat2, dir, name, how, sizeof how);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, mode) == 0);
	close(fd);
}

static void setting(const char *name, int value)
{
	char path[60], text[12];
	snprintf(path, sizeof path, "/proc/sys/fs/%s", name);
	int n = snprintf(text, sizeof text, "%d\n", value);
	int fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	CHECK(write(fd, text, n) == n);
	close(fd);
}

// as runs a function in a child that is another user.
static pid_t as(int id, void (*run)(void))
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setgid(7) == 0 && setuid(id) == 0);
		run();
		_exit(0);
	}
	return pid;
}

// A directory that leaves a bind mount has no way up.
static void moved_out(void)
{
	CHECK(mkdir("src", 0755) == 0 && mkdir("src/in", 0755) == 0 && mkdir("src/in/deep", 0755) == 0);
	CHECK(mkdir("src/in/deep/er", 0755) == 0 && mkdir("show", 0755) == 0);
	write_file("src/secret", "s", 0644);
	CHECK(mount("src/in", "show", NULL, MS_BIND, NULL) == 0);
	int dir = open("show/deep", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0 && openat(dir, "er/../..", O_PATH) >= 0);
	CHECK(rename("src/in/deep", "src/deep") == 0);
	FAILS(openat(dir, "..", O_PATH), ENOENT);
	FAILS(openat(dir, "../secret", O_RDONLY), ENOENT);
	FAILS(openat(dir, "er/..", O_PATH), ENOENT);
	FAILS(openat2(dir, "er/..", O_PATH, IN_ROOT), ENOENT);
	CHECK(openat(dir, "er", O_PATH) >= 0);
	FAILS(mkdirat(dir, "../new", 0755), ENOENT);
	CHECK(rename("src/deep", "src/in/deep") == 0);
	CHECK(openat(dir, "..", O_PATH) >= 0);
	CHECK(umount2("show", MNT_DETACH) == 0);
}

// A walk that may not leave its base says EAGAIN, and nothing else, when names move on the way.
static void moving(void)
{
	CHECK(mkdir("base", 0755) == 0 && mkdir("base/a", 0755) == 0 && mkdir("base/a/b", 0755) == 0);
	int base = open("base", O_RDONLY | O_DIRECTORY);
	CHECK(base >= 0);
	CHECK(openat2(base, "a/b/../../a", O_PATH, BENEATH) >= 0);
	FAILS(openat2(base, "a/../..", O_PATH, BENEATH), EXDEV);
	pid_t mover = fork();
	if (mover == 0) {
		for (;;) {
			rename("base/a/b", "b");
			rename("b", "base/a/b");
		}
	}
	for (int i = 0; i < 3000; i++) {
		int fd = openat2(base, i % 2 ? "a/b/../../a" : "a/b/../../../../../..", O_PATH, i % 3 ? BENEATH : IN_ROOT);
		if (fd < 0) {
			CHECK(errno == EAGAIN || errno == ENOENT || errno == EXDEV);
			continue;
		}
		struct stat in, s;
		CHECK(fstat(fd, &s) == 0);
		CHECK(stat(i % 2 ? "base/a" : "base", &in) == 0 && s.st_ino == in.st_ino);
		close(fd);
	}
	kill(mover, SIGKILL);
	KILLED(mover, SIGKILL);
}

static void lay_out_links(void)
{
	CHECK(symlink("/etc", "tmp/theirs") == 0);
	CHECK(symlink("none", "tmp/dangling") == 0);
	CHECK(symlink("tmp/theirs", "open/theirs") == 0 || errno == EEXIST);
}

static void follow_links(void)
{
	FAILS(open("tmp/theirs", O_RDONLY), EACCES);
	FAILS(chdir("tmp/theirs"), EACCES);
	FAILS(open("tmp/dangling", O_RDWR | O_CREAT, 0600), EACCES);
	CHECK(open("tmp/theirs/.", O_RDONLY) >= 0);
	CHECK(open("tmp/theirs", O_PATH | O_NOFOLLOW) >= 0);
	CHECK(open("tmp/root", O_RDONLY) >= 0);
	struct stat s;
	FAILS(stat("tmp/theirs", &s), EACCES);
	CHECK(lstat("tmp/theirs", &s) == 0);
}

// Links in a sticky directory that everybody may write to are followed for their owner only.
static void symlinks(void)
{
	setting("protected_symlinks", 1);
	CHECK(chmod(".", 0755) == 0);
	CHECK(mkdir("tmp", 0700) == 0 && chmod("tmp", 01777) == 0);
	CHECK(mkdir("open", 0700) == 0 && chmod("open", 0777) == 0);
	CHECK(symlink("/etc", "tmp/root") == 0);
	PASSES(as(1001, lay_out_links));
	PASSES(as(1002, follow_links));
	PASSES(start(follow_links)); // the superuser too
	setting("protected_symlinks", 0);
	CHECK(open("tmp/theirs", O_RDONLY) >= 0);
	setting("protected_symlinks", 1);
	FAILS(open("/proc/sys/fs/protected_symlinks", O_RDONLY | O_DIRECTORY), ENOTDIR);
}

static void link_files(void)
{
	CHECK(link("plain", "l1") == 0);
	FAILS(link("unreadable", "l2"), EPERM);
	FAILS(link("unwritable", "l2"), EPERM);
	FAILS(link("setuid", "l2"), EPERM);
	FAILS(link("setgid", "l2"), EPERM);
	FAILS(link("fifo", "l2"), EPERM);
	FAILS(link("symlink", "l2"), EPERM);
}

// Names are given to others' files only if they hold no danger.
static void hard_links(void)
{
	setting("protected_hardlinks", 1);
	CHECK(chmod(".", 0777) == 0);
	write_file("plain", "", 0666);
	write_file("unreadable", "", 0622);
	write_file("unwritable", "", 0644);
	write_file("setuid", "", 04777);
	write_file("setgid", "", 02777);
	CHECK(mkfifo("fifo", 0666) == 0 && chmod("fifo", 0666) == 0);
	CHECK(symlink("plain", "symlink") == 0);
	PASSES(as(1001, link_files));
	CHECK(link("setuid", "l3") == 0);
	setting("protected_hardlinks", 0);
	CHECK(unlink("l1") == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setuid(1001) == 0 && link("setuid", "l1") == 0);
		_exit(0);
	}
	PASSES(pid);
	setting("protected_hardlinks", 1);
}

static void lay_out_files(void)
{
	static const char *names[] = {"tmp/f", "team/f", "open/f"};
	umask(0);
	for (int i = 0; i < 3; i++)
		write_file(names[i], "", 0666);
	CHECK(mkfifo("tmp/p", 0666) == 0 && mkfifo("team/p", 0666) == 0);
}

enum { CREATE = O_RDWR | O_CREAT | O_NONBLOCK };

static void create_strictly(void)
{
	FAILS(open("tmp/f", CREATE, 0600), EACCES);
	FAILS(open("team/f", CREATE, 0600), EACCES);
	CHECK(open("open/f", CREATE, 0600) >= 0);
	FAILS(open("tmp/p", CREATE, 0600), EACCES);
	CHECK(open("team/p", CREATE, 0600) >= 0);
	CHECK(open("tmp/f", O_RDWR) >= 0);
	FAILS(open("tmp/f", CREATE | O_EXCL, 0600), EEXIST);
	CHECK(open("tmp/root", CREATE, 0600) >= 0);
}

static void create_less_strictly(void)
{
	FAILS(open("tmp/f", CREATE, 0600), EACCES);
	CHECK(open("team/f", CREATE, 0600) >= 0);
	CHECK(open("tmp/p", CREATE, 0600) >= 0);
}

// O_CREAT does not open files and FIFOs that others have laid out in sticky directories.
static void files_and_fifos(void)
{
	setting("protected_regular", 2);
	setting("protected_fifos", 1);
	CHECK(chmod(".", 0755) == 0);
	CHECK(mkdir("tmp", 0700) == 0 && chmod("tmp", 01777) == 0);
	CHECK(mkdir("team", 0700) == 0 && chown("team", 0, 7) == 0 && chmod("team", 01775) == 0);
	CHECK(mkdir("open", 0700) == 0 && chmod("open", 0777) == 0);
	write_file("tmp/root", "", 0666);
	PASSES(as(1001, lay_out_files));
	PASSES(as(1002, create_strictly));
	FAILS(open("tmp/f", CREATE, 0600), EACCES);
	setting("protected_regular", 1);
	setting("protected_fifos", 0);
	PASSES(as(1002, create_less_strictly));
	setting("protected_regular", 2);
	setting("protected_fifos", 1);
}

// A program that runs is not made shorter, whatever way is tried.
static void running(void)
{
	char buffer[4096];
	int from = open("/proc/self/exe", O_RDONLY), to = open("prog", O_RDWR | O_CREAT, 0755);
	CHECK(from >= 0 && to >= 0);
	for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
		CHECK(write(to, buffer, n) == n);
	close(to);
	int ends[2];
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		char *argv[] = {"prog", "sleeper", NULL};
		execv("./prog", argv);
		fail(__FILE__, __LINE__, "execv");
	}
	close(ends[1]);
	CHECK(read(ends[0], buffer, 1) == 0); // it has closed its end: it runs
	struct stat s;
	CHECK(stat("prog", &s) == 0 && s.st_size > 0);
	off_t size = s.st_size;
	FAILS(open("prog", O_RDONLY | O_TRUNC), ETXTBSY);
	FAILS(open("prog", O_RDONLY | O_TRUNC | O_CREAT, 0600), ETXTBSY);
	FAILS(open("prog", 3 | O_TRUNC), ETXTBSY);
	FAILS(open("prog", O_WRONLY), ETXTBSY);
	FAILS(open("prog", O_RDWR), ETXTBSY);
	FAILS(truncate("prog", 1), ETXTBSY);
	char name[40];
	snprintf(name, sizeof name, "/proc/%d/exe", pid);
	FAILS(open(name, O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK(stat("prog", &s) == 0);
	EQUAL(s.st_size, size);
	CHECK(chmod("prog", 0700) == 0 && unlink("prog") == 0);
	kill(pid, SIGKILL);
	KILLED(pid, SIGKILL);
}

// sleeper is what the program of the test above does; as a test of its own it does nothing.
static void sleeper(void)
{
	if (strcmp(arguments[0], "prog") != 0)
		return;
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	for (;;)
		pause();
}

static const struct test tests[] = {
	TEST(moved_out),
	TEST(moving),
	TEST(symlinks),
	TEST(hard_links),
	TEST(files_and_fifos),
	TEST(running),
	TEST(sleeper),
};
MAIN(tests)
