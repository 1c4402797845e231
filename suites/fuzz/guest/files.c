// Descriptors of every kind, and paths.
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { first = 3, kinds = 24, last = 64 };

static const char *const scratch[] = {
	"f0", "f1", "f2", "f3", "f4", "f5", "d0", "d1", "d2", "d0/f0", "d0/f1", "d1/d0", "d1/d0/f0", "l0", "l1",
	"l0/f0", "p0", "p1", "d0/../f0", "./f1", "d0/.", "f0/", "missing/x", "d1//f0", "", ".",
};

static const char *const anywhere[] = {
	"/", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/proc/self/status", "/proc/self/maps",
	"/proc/self/smaps", "/proc/self/fd", "/proc/self/fd/5", "/proc/self/exe", "/proc/self/cwd", "/proc/self/root",
	"/proc/self/stat", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/mountinfo", "/proc/self/task",
	"/proc/self/wchan", "/proc/self/stack", "/proc/self/limits", "/proc/1/status", "/proc/1/maps", "/proc/1/fd",
	"/proc/meminfo", "/proc/stat", "/proc/interrupts", "/proc/mounts", "/proc/sys/kernel/osrelease",
	"/proc/self/fdinfo/7", "/proc/loadavg", "/proc/uptime", "/sys", "/sys/devices/system/cpu/online", "/tmp", "/etc/passwd",
	"/bin/busybox", "/dev/ptmx", "/dev/tty", "/dev/pts", "..", "../..",
};

enum { scratch_paths = sizeof scratch / sizeof *scratch, any_paths = sizeof anywhere / sizeof *anywhere };

const char *files_scratch_path(struct rng *r)
{
	static char longest[5000];
	if (one_in(r, 64)) {
		if (!longest[0])
			for (size_t i = 0; i < sizeof longest - 1; i++)
				longest[i] = i % 200 == 199 ? '/' : 'n';
		return longest + below(r, sizeof longest - 1);
	}
	return scratch[below(r, scratch_paths)];
}

const char *files_any_path(struct rng *r)
{
	return one_in(r, 2) ? anywhere[below(r, any_paths)] : files_scratch_path(r);
}

// open_kind opens a file of one kind; -1 if that is not possible now.
static int open_kind(struct rng *r, int kind)
{
	int p[2];
	switch (kind) {
	case 0: return open("f0", O_RDWR | O_CREAT, 0666);
	case 1: return open("f1", O_RDWR | O_CREAT | O_APPEND, 0644);
	case 2: return open("f2", O_RDONLY | O_CREAT, 0600);
	case KIND_FOLDER: return open(".", O_RDONLY | O_DIRECTORY);
	case 4: return open("d0", O_RDONLY | O_DIRECTORY);
	case 5: return open("f0", O_PATH);
	case 6: return open(".", O_TMPFILE | O_RDWR, 0600);
	case 7:
	case 8:
		if (pipe2(p, one_in(r, 2) ? O_NONBLOCK : 0) < 0)
			return -1;
		close(p[kind == 8]);
		return p[kind == 7];
	case 9:
		if (pipe2(p, O_NONBLOCK) < 0)
			return -1;
		return p[below(r, 2)]; // the other end stays, too
	case 10: return eventfd(below(r, 3), one_in(r, 2) ? EFD_NONBLOCK : 0);
	case KIND_TIMER: return timerfd_create(CLOCK_MONOTONIC, one_in(r, 2) ? TFD_NONBLOCK : 0);
	case 12: {
		sigset_t s;
		sigemptyset(&s);
		sigaddset(&s, SIGUSR1);
		return signalfd(-1, &s, SFD_NONBLOCK);
	}
	case KIND_EPOLL: return epoll_create1(0);
	case 14: return memfd_create("fuzz", MFD_ALLOW_SEALING);
	case 15: return posix_openpt(O_RDWR | O_NOCTTY);
	case 16: {
		int m = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
		if (m < 0)
			return -1;
		unlockpt(m);
		char name[32];
		snprintf(name, sizeof name, "/dev/pts/%d", 0);
		ptsname_r(m, name, sizeof name);
		return open(name, O_RDWR | O_NOCTTY | O_NONBLOCK); // the master stays, too
	}
	case 17: return open("p0", O_RDWR | O_NONBLOCK);
	case 18: return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	default: return open(anywhere[below(r, any_paths)], (one_in(r, 4) ? O_PATH : O_RDONLY) | O_NONBLOCK | O_NOCTTY);
	}
}

// files_make enters the worker's own folder and fills it.
void files_make(int id)
{
	char dir[64];
	snprintf(dir, sizeof dir, "/tmp/fuzz/%d", id);
	mkdir(dir, 0777);
	if (chdir(dir) < 0)
		_exit(0);
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < first; i++)
		dup2(null, i); // what the supervisor reads and prints is not for us
	close(null);
	mkdir("d0", 0777);
	mkdir("d1", 01777);
	mkfifo("p0", 0666);
	symlink("d0", "l0");
	symlink("l1", "l1");
}

// files_refresh opens again some of what has been closed.
void files_refresh(struct rng *r)
{
	for (int n = 0; n < 8; n++) {
		int want = first + below(r, last - first);
		if (fcntl(want, F_GETFD) >= 0)
			continue;
		int fd = open_kind(r, want < first + kinds ? want - first : (int)below(r, kinds));
		if (fd >= 0 && fd != want) {
			dup2(fd, want);
			close(fd);
		}
	}
	if (one_in(r, 8))
		close(first + below(r, last - first));
}

int files_descriptor(struct rng *r)
{
	static const int odd[] = {-1, -100, 0, 1, 2, 127, 128, 1023, 1 << 20, 0x7fffffff, (int)0x80000000};
	if (one_in(r, 10))
		return odd[below(r, sizeof odd / sizeof *odd)];
	return first + below(r, last - first);
}

// files_of_kind returns where files_refresh opens files of that kind; other calls may have put another there.
int files_of_kind(int kind) { return first + kind; }
