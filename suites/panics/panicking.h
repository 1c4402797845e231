// How a program makes the kernel panic while it serves a system call or a page fault: it mounts a
// panicfs and arms one of its operations. That kernel is built with the tag panictest.

#ifndef PANICKING_H
#define PANICKING_H

#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SYS_panicking 400

// The operations of panicfs that can be armed, in the order of the kernel's.
enum {
	NONE, LOOKUP, CREATE, RENAME, UNLINK, READDIR, OPEN, READ, WRITE, PAGE, RELEASE, SETATTR,
};

// What the call does at once, with a mutex held.
enum { PANIC_NOW = 1000, PANIC_NOT, PANIC_ON_NIL, PANIC_ON_INDEX };

// arm makes an operation panic the next time.
__attribute__((unused)) static void arm(int op) { EQUAL(syscall(SYS_panicking, op), 0); }

// contained returns how many panics the kernel has contained.
__attribute__((unused)) static long contained(void)
{
	char text[40] = "";
	int fd = open("/proc/sys/kernel/kevlar/contained_panics", O_RDONLY);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atol(text);
}

// DIES fails unless the function, run in a child, makes the kernel contain a panic, and the child is
// killed for it.
#define DIES(run)                                                                                  \
	do {                                                                                       \
		long before_ = contained();                                                        \
		KILLED(start(run), SIGKILL);                                                       \
		EQUAL(contained() - before_, 1);                                                   \
	} while (0)

// LIVES fails unless the function, run in a child, comes to its end, and soon.
#define LIVES(run)                                                                                 \
	do {                                                                                       \
		pid_t pid_ = fork();                                                               \
		CHECK(pid_ >= 0);                                                                  \
		if (pid_ == 0) {                                                                   \
			alarm(10);                                                                 \
			run();                                                                     \
			_exit(0);                                                                  \
		}                                                                                  \
		PASSES(pid_);                                                                      \
	} while (0)

// reap_orphans waits for the children whose parents were killed, and who use what their parents used.
__attribute__((unused)) static void reap_orphans(void)
{
	while (wait(0) > 0 || errno == EINTR)
		;
	EQUAL(errno, ECHILD);
}

// mount_panicfs mounts one at m, with two files and two directories. Orphans become children of the
// caller, who can wait for them.
__attribute__((unused)) static void mount_panicfs(void)
{
	EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	EQUAL(mkdir("m", 0755), 0);
	EQUAL(mount("none", "m", "panicfs", 0, ""), 0);
	EQUAL(mkdir("m/d", 0755), 0);
	EQUAL(mkdir("m/e", 0755), 0);
	for (int i = 0; i < 2; i++) {
		int fd = open(i ? "m/b" : "m/a", O_RDWR | O_CREAT, 0644);
		CHECK(fd >= 0);
		EQUAL(write(fd, "panicfs", 7), 7);
		close(fd);
	}
}

// unmount_panicfs fails if whoever died still uses it.
__attribute__((unused)) static void unmount_panicfs(void)
{
	reap_orphans();
	EQUAL(umount("m"), 0);
}

// map_page maps a page of panicfs that nobody has touched in this address space.
__attribute__((unused)) static char *map_page(void)
{
	int fd = open("m/a", O_RDWR);
	CHECK(fd >= 0);
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(page != MAP_FAILED);
	close(fd);
	return page;
}

#endif
