// Advisory locks: of processes, of open files, and flock.

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int file;

static int lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
	return fcntl(fd, command, &l);
}

static struct flock conflict(int fd, int command, short type, off_t start, off_t length)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
	CHECK(fcntl(fd, command, &l) == 0);
	return l;
}

static void open_file(void)
{
	file = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(file >= 0);
}

// Locks of one process do not conflict with themselves; they merge, split and change their type.
static void own_locks(void)
{
	open_file();
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 100) == 0);
	CHECK(lock(file, F_SETLK, F_RDLCK, 40, 20) == 0);
	CHECK(lock(file, F_SETLK, F_UNLCK, 50, 1) == 0);
	EQUAL(conflict(file, F_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) { // locks are not inherited
		struct flock l = conflict(file, F_GETLK, F_WRLCK, 0, 0);
		EQUAL(l.l_type, F_WRLCK);
		EQUAL(l.l_start, 0);
		EQUAL(l.l_len, 40);
		EQUAL(l.l_pid, parent);
		l = conflict(file, F_GETLK, F_WRLCK, 40, 20);
		EQUAL(l.l_type, F_RDLCK);
		EQUAL(l.l_start, 40);
		EQUAL(l.l_len, 10);
		EQUAL(conflict(file, F_GETLK, F_RDLCK, 40, 20).l_type, F_UNLCK);
		FAILS(lock(file, F_SETLK, F_WRLCK, 30, 5), EAGAIN);
		CHECK(lock(file, F_SETLK, F_WRLCK, 50, 1) == 0);
		CHECK(lock(file, F_SETLK, F_RDLCK, 45, 3) == 0);
		FAILS(lock(file, F_SETLK, F_RDLCK, 60, 0), EAGAIN);
		CHECK(lock(file, F_SETLK, F_WRLCK, 100, 0) == 0);
		_exit(0);
	}
	PASSES(pid);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
}

// A process loses its locks on a file when it closes any descriptor of that file, and when it ends.
static void close_releases(void)
{
	open_file();
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
	int other = open("f", O_RDONLY);
	close(other);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
		_exit(0);
	}
	PASSES(pid);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
}

static void hold_for_a_moment(void)
{
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK(write(9, "l", 1) == 1);
	pause_ms(200);
}

// F_SETLKW waits until the lock is free.
static void waiting(void)
{
	int ends[2];
	char c;
	open_file();
	CHECK(pipe(ends) == 0 && dup2(ends[1], 9) == 9);
	pid_t pid = start(hold_for_a_moment);
	CHECK(read(ends[0], &c, 1) == 1);
	FAILS(lock(file, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
	int64_t begin = now();
	CHECK(lock(file, F_SETLKW, F_RDLCK, 5, 1) == 0);
	CHECK(now() - begin >= 50 * MS);
	PASSES(pid);
}

static void note(int number) { (void)number; }

// A wait for a lock is interrupted by a signal.
static void interrupted(void)
{
	int ends[2];
	char c;
	open_file();
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
		CHECK(write(ends[1], "l", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(ends[0], &c, 1) == 1);
	struct sigaction action = {.sa_handler = note};
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	alarm(1);
	FAILS(lock(file, F_SETLKW, F_WRLCK, 0, 0), EINTR);
	kill(pid, SIGKILL);
	KILLED(pid, SIGKILL);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
}

// Two processes that wait for each other's lock: one of them is told EDEADLK.
static void deadlock(void)
{
	int there[2], back[2];
	char c;
	open_file();
	CHECK(pipe(there) == 0 && pipe(back) == 0);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(lock(file, F_SETLK, F_WRLCK, 1, 1) == 0);
		CHECK(write(back[1], "l", 1) == 1);
		int result = lock(file, F_SETLKW, F_WRLCK, 0, 1);
		_exit(result == 0 ? 0 : errno == EDEADLK ? 35 : 1);
	}
	CHECK(read(back[0], &c, 1) == 1);
	await(pid, 'S');
	FAILS(lock(file, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	PASSES(pid);
}

// The arguments that fcntl refuses.
static void errors(void)
{
	open_file();
	int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
	FAILS(lock(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
	FAILS(lock(writer, F_SETLK, F_RDLCK, 0, 1), EBADF);
	FAILS(lock(file, F_SETLK, 9, 0, 1), EINVAL);
	FAILS(lock(file, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	FAILS(lock(99, F_SETLK, F_RDLCK, 0, 1), EBADF);
	FAILS(lock(file, F_OFD_GETLK, 9, 0, 1), EINVAL);
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = -50};
	CHECK(fcntl(file, F_SETLK, &l) == 0);
	l.l_len = -101;
	FAILS(fcntl(file, F_SETLK, &l), EINVAL);
}

// Locks of open files belong to the open file: two of one process conflict, a child shares them.
static void open_file_locks(void)
{
	open_file();
	int other = open("f", O_RDWR);
	CHECK(lock(file, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
	FAILS(lock(other, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
	FAILS(lock(other, F_SETLK, F_WRLCK, 5, 1), EAGAIN);
	EQUAL(conflict(other, F_OFD_GETLK, F_RDLCK, 0, 1).l_type, F_WRLCK);
	EQUAL(conflict(other, F_OFD_GETLK, F_RDLCK, 0, 1).l_pid, -1);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(lock(file, F_OFD_SETLK, F_WRLCK, 20, 1) == 0);
		close(file);
		_exit(0);
	}
	PASSES(pid);
	FAILS(lock(other, F_OFD_SETLK, F_WRLCK, 20, 1), EAGAIN);
	close(file);
	CHECK(lock(other, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
}

// flock: shared and exclusive, changed in place, kept by duplicates, apart from fcntl's locks.
static void flock_locks(void)
{
	open_file();
	int other = open("f", O_RDONLY), third = open("f", O_RDONLY);
	CHECK(flock(file, LOCK_SH) == 0);
	CHECK(flock(other, LOCK_SH | LOCK_NB) == 0);
	FAILS(flock(third, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(other, LOCK_UN) == 0);
	CHECK(flock(file, LOCK_EX | LOCK_NB) == 0);
	FAILS(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	int copy = dup(file);
	CHECK(flock(copy, LOCK_EX | LOCK_NB) == 0);
	close(file);
	FAILS(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(lock(copy, F_SETLK, F_WRLCK, 0, 0) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(flock(copy, LOCK_UN) == 0); // the child's descriptor is the same open file
		_exit(0);
	}
	PASSES(pid);
	CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
	FAILS(flock(99, LOCK_SH), EBADF);
	FAILS(flock(other, 0), EINVAL);
}

// A wait in flock ends when the last descriptor of the holder is closed.
static void flock_waits(void)
{
	int ends[2];
	char c;
	open_file();
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		int own = open("f", O_RDONLY);
		CHECK(flock(own, LOCK_EX) == 0);
		CHECK(write(ends[1], "l", 1) == 1);
		pause_ms(200);
		_exit(0);
	}
	CHECK(read(ends[0], &c, 1) == 1);
	FAILS(flock(file, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(file, LOCK_SH) == 0);
	PASSES(pid);
}

static int closed_lock;

static void *close_file(void *unused)
{
	(void)unused;
	usleep(50000);
	close(closed_lock);
	return NULL;
}

// A lock that is taken while another thread closes the descriptor does not outlive it.
static void closed_meanwhile(void)
{
	open_file();
	int ready[2], go[2];
	char c;
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 0) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		closed_lock = open("f", O_RDWR);
		CHECK(pthread_create(&thread, NULL, close_file, NULL) == 0);
		FAILS(lock(closed_lock, F_SETLKW, F_WRLCK, 0, 0), EBADF);
		CHECK(write(ready[1], "x", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		_exit(0);
	}
	usleep(200000);
	CHECK(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	CHECK(read(ready[0], &c, 1) == 1);
	EQUAL(conflict(file, F_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
	CHECK(write(go[1], "x", 1) == 1);
	PASSES(pid);
}

// Thousands of locks that do not join are taken, found and given up in no time.
static void many_locks(void)
{
	enum { COUNT = 2003 };
	struct timespec from, to;
	open_file();
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (long i = 0; i < COUNT; i++)
		CHECK(lock(file, F_SETLK, F_WRLCK, 2 * (i * 1009 % COUNT), 1) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (long i = 0; i < COUNT; i++) {
			FAILS(lock(file, F_SETLK, F_RDLCK, 2 * i, 1), EAGAIN);
			CHECK(lock(file, F_SETLK, F_RDLCK, 2 * i + 1, 1) == 0);
		}
		_exit(0);
	}
	PASSES(pid);
	for (long i = 0; i < COUNT; i++)
		CHECK(lock(file, F_SETLK, F_UNLCK, 2 * i, 1) == 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK(to.tv_sec - from.tv_sec < 15);
}

// Operations of flock that are none are refused before anything else; some do nothing at all.
static void flock_arguments(void)
{
	open_file();
	for (int op = 0; op < 32; op++) {
		int base = op & ~LOCK_NB;
		if (base != LOCK_SH && base != LOCK_EX && base != LOCK_UN)
			FAILS(flock(-1, op), EINVAL);
		else
			FAILS(flock(-1, op), EBADF);
	}
	EQUAL(flock(-1, 32), 0);
	EQUAL(flock(-1, -1), 0);
	FAILS(flock(open("f", O_PATH), LOCK_SH), EBADF);
	int neither = open("f", 3);
	CHECK(neither >= 0);
	FAILS(flock(neither, LOCK_SH), EBADF);
	EQUAL(flock(neither, LOCK_UN), 0);
}

// info reads what fdinfo tells of a descriptor of this process.
static void info(int fd, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	int f = open(path, O_RDONLY);
	CHECK(f >= 0);
	size_t n = 0;
	for (ssize_t got; (got = read(f, text + n, size - 1 - n)) > 0;)
		n += got;
	text[n] = 0;
	close(f);
}

// holds_lines fails unless the lines of fdinfo about locks are those expected, to which the file is added.
static void holds_lines(int fd, int count, const char *const *expected)
{
	static char text[1 << 16];
	struct stat st;
	CHECK(fstat(fd, &st) == 0);
	info(fd, text, sizeof text);
	char *line = strstr(text, "lock:");
	for (int i = 0; i < count; i++) {
		char kind[64], range[64], wanted[256];
		CHECK(sscanf(expected[i], "%[^|]|%[^|]", kind, range) == 2);
		snprintf(wanted, sizeof wanted, "lock:\t%d: %s %d %02x:%02x:%lu %s\n", i + 1, kind,
			 kind[0] == 'O' ? -1 : getpid(), major(st.st_dev), minor(st.st_dev),
			 (unsigned long)st.st_ino, range);
		if (!line || strncmp(line, wanted, strlen(wanted)) != 0)
			fail(__FILE__, __LINE__, "%s instead of %s", line ? line : "nothing", wanted);
		line += strlen(wanted);
	}
	if (line && *line)
		fail(__FILE__, __LINE__, "and then %s", line);
}

// fdinfo tells the locks that were taken through a descriptor, and no others.
static void descriptor_info(void)
{
	open_file();
	int same = dup(file), other = open("f", O_RDWR);
	CHECK(same >= 0 && other >= 0);
	holds_lines(file, 0, NULL);
	CHECK(lock(file, F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK(lock(file, F_SETLK, F_RDLCK, 20, 10) == 0);
	CHECK(lock(other, F_SETLK, F_WRLCK, 40, 0) == 0);
	CHECK(flock(file, LOCK_SH) == 0);
	CHECK(flock(other, LOCK_SH) == 0);
	CHECK(lock(file, F_OFD_SETLK, F_WRLCK, 15, 1) == 0);
	const char *const mine[] = {"FLOCK  ADVISORY  READ|0 EOF", "POSIX  ADVISORY  WRITE|0 9",
				    "POSIX  ADVISORY  READ|20 29", "OFDLCK ADVISORY  WRITE|15 15"};
	const char *const others[] = {"FLOCK  ADVISORY  READ|0 EOF", "POSIX  ADVISORY  WRITE|40 EOF"};
	holds_lines(file, 4, mine);
	holds_lines(same, 4, mine);
	holds_lines(other, 2, others);
	pid_t pid = fork();
	if (pid == 0) { // which has the files, but not the locks of its parent
		char text[1024];
		info(file, text, sizeof text);
		CHECK(!strstr(text, "POSIX") && strstr(text, "2: OFDLCK"));
		_exit(0);
	}
	PASSES(pid);
	// The lock that grows stays that of the descriptor it was taken through.
	CHECK(lock(other, F_SETLK, F_WRLCK, 10, 1) == 0);
	CHECK(flock(file, LOCK_UN) == 0);
	const char *const grown[] = {"POSIX  ADVISORY  WRITE|0 10", mine[2], mine[3]};
	holds_lines(file, 3, grown);
	CHECK(lock(file, F_SETLK, F_UNLCK, 0, 0) == 0);
	CHECK(lock(file, F_OFD_SETLK, F_UNLCK, 0, 0) == 0);
	holds_lines(file, 0, NULL);
	// More of them than one read takes.
	static char text[1 << 18];
	enum { MANY = 1000 };
	for (int i = 0; i < MANY; i++)
		CHECK(lock(file, F_SETLK, F_WRLCK, 2 * i, 1) == 0);
	info(file, text, sizeof text);
	char *line = text;
	for (int i = 0; i < MANY; i++) {
		int number, start;
		CHECK(line = strstr(line, "lock:"));
		CHECK(sscanf(line, "lock:\t%d: POSIX  ADVISORY  WRITE %*d %*s %d", &number, &start) == 2);
		EQUAL(number, i + 1);
		EQUAL(start, 2 * i);
		line++;
	}
	CHECK(!strstr(line, "lock:"));
}

static const struct test tests[] = {
	TEST(own_locks),
	TEST(close_releases),
	TEST(waiting),
	TEST(interrupted),
	TEST(deadlock),
	TEST(errors),
	TEST(open_file_locks),
	TEST(flock_locks),
	TEST(flock_waits),
	TEST(closed_meanwhile),
	TEST(many_locks),
	TEST(flock_arguments),
	TEST(descriptor_info),
};
MAIN(tests)
