// Mounts: what tells of them, and when a file system can become read-only.

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int events(int fd, int timeout)
{
	struct pollfd p = {fd, POLLIN | POLLPRI, 0};
	CHECK(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

static void mount_later(void)
{
	pause_ms(100);
	CHECK(mount("none", "d", "tmpfs", 0, NULL) == 0);
}

// A file that lists the mounts tells poll of every change, once.
static void polled(void)
{
	static const char *names[] = {"/proc/self/mounts", "/proc/self/mountinfo"};
	CHECK(mkdir("d", 0755) == 0);
	for (int i = 0; i < 2; i++) {
		int fd = open(names[i], O_RDONLY);
		CHECK(fd >= 0);
		EQUAL(events(fd, 0), POLLIN);
		CHECK(mount("none", "d", "tmpfs", 0, NULL) == 0);
		EQUAL(events(fd, 0), POLLIN | POLLPRI | POLLERR);
		EQUAL(events(fd, 0), POLLIN);
		CHECK(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
		EQUAL(events(fd, 0), POLLIN | POLLPRI | POLLERR);
		CHECK(umount("d") == 0);
		EQUAL(events(fd, 0), POLLIN | POLLPRI | POLLERR);
		struct pollfd p = {fd, POLLPRI, 0};
		pid_t pid = start(mount_later);
		EQUAL(poll(&p, 1, 20000), 1);
		EQUAL(p.revents, POLLPRI | POLLERR);
		PASSES(pid);
		CHECK(umount("d") == 0);
		close(fd);
	}
}

// What is open for writing keeps a file system, and the mount it was opened through, writable.
static void read_only(void)
{
	CHECK(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0);
	CHECK(mount("none", "d", "tmpfs", 0, NULL) == 0 && mount("d", "e", NULL, MS_BIND, NULL) == 0);
	int fd = open("d/f", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	FAILS(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	FAILS(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
	CHECK(mount(NULL, "e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	FAILS(open("e/f", O_WRONLY), EROFS);
	FAILS(open("e/f", O_RDONLY | O_TRUNC), EROFS);
	FAILS(mkdir("e/x", 0755), EROFS);
	FAILS(mkdir("e/f", 0755), EEXIST);
	CHECK(write(fd, "x", 1) == 1 && mkdir("d/x", 0755) == 0);
	close(fd);
	CHECK(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	FAILS(mkdir("d/y", 0755), EROFS);
	FAILS(chmod("d/x", 0700), EROFS);
	FAILS(rename("d/x", "d/y"), EROFS);
	FAILS(rmdir("d/x"), EROFS);
	FAILS(unlink("d/none"), EROFS);
	CHECK(mount(NULL, "d", NULL, MS_REMOUNT, NULL) == 0);
	CHECK(mkdir("d/y", 0755) == 0);
	CHECK(umount("e") == 0 && umount("d") == 0);
}

// A tree of mounts is shown elsewhere, and goes at once.
static void trees(void)
{
	char name[40];
	CHECK(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0);
	CHECK(mount("none", "d", "tmpfs", 0, NULL) == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "d/%d", i);
		CHECK(mkdir(name, 0755) == 0 && mount("none", name, "tmpfs", 0, "size=4k") == 0);
	}
	FAILS(umount("d"), EBUSY);
	CHECK(mount("d", "e", NULL, MS_BIND | MS_REC, NULL) == 0);
	CHECK(mkdir("d/299/x", 0755) == 0);
	struct stat s;
	CHECK(stat("e/299/x", &s) == 0);
	CHECK(umount2("d", MNT_DETACH) == 0);
	FAILS(stat("d/299/x", &s), ENOENT);
	CHECK(stat("e/299/x", &s) == 0);
	CHECK(umount2("e", MNT_DETACH) == 0);
	int lines = 0;
	FILE *f = fopen("/proc/self/mountinfo", "r");
	CHECK(f != NULL);
	for (int c; (c = getc(f)) != EOF;)
		lines += c == '\n';
	CHECK(lines > 0 && lines < 100);
}

static int sync_of(const char *name, int flags, long call)
{
	int fd = open(name, flags);
	if (fd < 0)
		fail(__FILE__, __LINE__, "open %s", name);
	errno = 0;
	long r = syscall(call, fd);
	int error = errno;
	close(fd);
	return r == 0 ? 0 : error;
}

// fsync is answered by those files that could have something to write, and syncfs by every file.
static void synced(void)
{
	CHECK(mkdir("d", 0755) == 0 && mount("none", "d", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("d/sub", 0755) == 0);
	close(open("d/f", O_RDWR | O_CREAT, 0644));
	static const struct {
		const char *name;
		int error;
	} files[] = {
		{"d/f", 0}, {"d/sub", 0}, {"/proc/self/status", EINVAL}, {"/proc/self", EINVAL}, {"/proc", EINVAL},
		{"/proc/sys/kernel/ostype", EINVAL}, {"/proc/self/fd", EINVAL}, {"/sys", EINVAL}, {"/sys/kernel", EINVAL},
		{"/sys/devices/system/cpu/online", 0},
		{"/dev/null", EINVAL}, {"/dev/zero", EINVAL}, {"/dev/pts", 0}, {"/dev", 0}, {"/", 0},
	};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		int got = sync_of(files[i].name, O_RDONLY, SYS_fsync), data = sync_of(files[i].name, O_RDONLY, SYS_fdatasync);
		if (got != files[i].error || data != got)
			fail(__FILE__, __LINE__, "%s: fsync %d, fdatasync %d, not %d", files[i].name, got, data, files[i].error);
		EQUAL(sync_of(files[i].name, O_RDONLY, SYS_syncfs), 0);
		EQUAL(sync_of(files[i].name, O_PATH, SYS_fsync), EBADF);
		EQUAL(sync_of(files[i].name, O_PATH, SYS_syncfs), EBADF);
	}
	int ends[2];
	CHECK(pipe(ends) == 0);
	FAILS(fsync(ends[0]), EINVAL);
	CHECK(syscall(SYS_syncfs, ends[0]) == 0);
	FAILS(syscall(SYS_syncfs, -1), EBADF);
	sync();
	CHECK(umount("d") == 0);
}

static const struct test tests[] = {
	TEST(synced),
	TEST(polled),
	TEST(read_only),
	TEST(trees),
};
MAIN(tests)
