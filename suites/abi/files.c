// Files: opening, reading and writing, sizes and holes, names, times, what is told about them.

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

enum { NO_REPLACE = 1, EXCHANGE = 2 }; // flags of renameat2

static int rename2(const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static int create(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int holds(int fd, const char *text)
{
	char buffer[200];
	ssize_t n = pread(fd, buffer, sizeof buffer, 0);
	return n == (ssize_t)strlen(text) && memcmp(buffer, text, n) == 0;
}

static off_t size_of(const char *name)
{
	struct stat s;
	CHECK(lstat(name, &s) == 0);
	return s.st_size;
}

// The flags of open: creation, truncation, kinds of file, links.
static void open_flags(void)
{
	FAILS(open("f", O_RDONLY), ENOENT);
	int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, "text", 4) == 4);
	FAILS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK(open("f", O_WRONLY | O_TRUNC) >= 0);
	EQUAL(size_of("f"), 0);
	FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open("f/g", O_RDONLY), ENOTDIR);
	FAILS(open("f/", O_RDONLY), ENOTDIR);
	FAILS(open("new/", O_RDWR | O_CREAT, 0600), EISDIR);
	FAILS(open("", O_RDONLY), ENOENT);
	CHECK(mkdir("d", 0755) == 0);
	FAILS(open("d", O_RDWR), EISDIR);
	FAILS(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
	CHECK(open("d", O_RDONLY | O_DIRECTORY) >= 0);
	CHECK(symlink("f", "l") == 0 && symlink("nowhere", "dangling") == 0 && symlink("d", "ld") == 0);
	FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	FAILS(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK(open("dangling", O_RDWR | O_CREAT, 0600) >= 0);
	CHECK(access("nowhere", F_OK) == 0);
	FAILS(open("ld", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	CHECK(open("ld/", O_RDONLY | O_NOFOLLOW) >= 0);
	FAILS(syscall(SYS_open, 8, O_RDONLY), EFAULT);
}

// O_DIRECT is refused where there is no way past the cache; what O_CREAT made stays, what O_TRUNC would empty
// is not touched. With pipes it means packets.
static void direct(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ends[2];
	CHECK(write(fd, "text", 4) == 4);
	FAILS(open("f", O_RDWR | O_DIRECT), EINVAL);
	FAILS(open("f", O_RDWR | O_TRUNC | O_DIRECT), EINVAL);
	EQUAL(size_of("f"), 4);
	FAILS(open("new", O_RDWR | O_CREAT | O_DIRECT, 0600), EINVAL);
	CHECK(access("new", F_OK) == 0);
	FAILS(open("/proc/version", O_RDONLY | O_DIRECT), EINVAL);
	CHECK(open("f", O_PATH | O_DIRECT) >= 0);
	FAILS(fcntl(fd, F_SETFL, O_DIRECT), EINVAL);
	CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_DIRECT) == 0);
	CHECK(fcntl(ends[1], F_GETFL) & O_DIRECT);
}

// An O_PATH descriptor names a file and neither reads nor writes it.
static void path_descriptors(void)
{
	char c;
	struct stat s;
	create("f", "text");
	CHECK(symlink("f", "l") == 0);
	int fd = open("f", O_PATH), link = open("l", O_PATH | O_NOFOLLOW), directory = open(".", O_PATH);
	CHECK(fd >= 0 && link >= 0 && directory >= 0);
	FAILS(read(fd, &c, 1), EBADF);
	FAILS(write(fd, "x", 1), EBADF);
	FAILS(syscall(SYS_fchmod, fd, 0600), EBADF);
	CHECK(fstat(fd, &s) == 0 && S_ISREG(s.st_mode));
	CHECK(fstat(link, &s) == 0 && S_ISLNK(s.st_mode));
	CHECK(openat(directory, "f", O_RDONLY) >= 0);
	char path[40], target[4096];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CHECK(readlink(path, target, sizeof target) > 0);
	CHECK(open(path, O_RDONLY) >= 0);
}

// openat and the others of its kind start at a directory's descriptor.
static void at_calls(void)
{
	CHECK(mkdir("d", 0755) == 0);
	int d = open("d", O_RDONLY), f = create("f", "x");
	CHECK(d >= 0);
	int fd = openat(d, "inner", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && access("d/inner", F_OK) == 0);
	FAILS(openat(f, "x", O_RDONLY), ENOTDIR);
	FAILS(openat(999, "x", O_RDONLY), EBADF);
	char absolute[PATH_MAX];
	CHECK(getcwd(absolute, sizeof absolute - 3) != NULL);
	strcat(absolute, "/f");
	CHECK(openat(999, absolute, O_RDONLY) >= 0);
	CHECK(mkdirat(d, "sub", 0700) == 0);
	CHECK(symlinkat("target", d, "link") == 0);
	char text[10];
	EQUAL(readlinkat(d, "link", text, sizeof text), 6);
	EQUAL(readlinkat(d, "link", text, 3), 3);
	FAILS(readlinkat(d, "inner", text, 3), EINVAL);
	CHECK(linkat(d, "inner", AT_FDCWD, "outer", 0) == 0);
	CHECK(renameat(d, "inner", d, "renamed") == 0);
	FAILS(unlinkat(d, "sub", 0), EISDIR);
	FAILS(unlinkat(d, "renamed", AT_REMOVEDIR), ENOTDIR);
	FAILS(unlinkat(d, "renamed", 1), EINVAL);
	CHECK(unlinkat(d, "sub", AT_REMOVEDIR) == 0);
	CHECK(faccessat(d, "renamed", R_OK, 0) == 0);
	CHECK(fchmodat(d, "renamed", 0640, 0) == 0);
	struct stat s;
	CHECK(fstatat(d, "renamed", &s, 0) == 0);
	EQUAL(s.st_mode, S_IFREG | 0640);
	CHECK(fstatat(d, "link", &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode));
	FAILS(fstatat(d, "link", &s, 0), ENOENT);
	CHECK(fstatat(d, "", &s, AT_EMPTY_PATH) == 0 && S_ISDIR(s.st_mode));
	FAILS(fstatat(d, "", &s, 0), ENOENT);
	CHECK(mkfifoat(d, "fifo", 0600) == 0);
	CHECK(fstatat(d, "fifo", &s, 0) == 0 && S_ISFIFO(s.st_mode));
}

// The lowest free descriptor is taken; dup2, dup3 and F_DUPFD place it; the limit is EMFILE.
static void descriptors(void)
{
	int fd = create("f", "0123456789");
	int a = dup(fd);
	EQUAL(a, fd + 1);
	close(fd);
	EQUAL(open("f", O_RDONLY), fd);
	EQUAL(dup2(a, 50), 50);
	EQUAL(dup2(50, 50), 50);
	FAILS(dup3(50, 50, 0), EINVAL);
	FAILS(dup2(99, 99), EBADF);
	FAILS(syscall(SYS_dup3, 50, 51, 1), EINVAL);
	EQUAL(fcntl(50, F_DUPFD, 60), 60);
	EQUAL(fcntl(50, F_DUPFD, 60), 61);
	CHECK(lseek(60, 4, SEEK_SET) == 4);
	EQUAL(lseek(50, 0, SEEK_CUR), 4);
	EQUAL(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(close(999), EBADF);
	FAILS(dup2(fd, -1), EBADF);
	struct rlimit limit = {64, 64};
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	FAILS(dup2(fd, 64), EBADF);
	FAILS(fcntl(fd, F_DUPFD, 64), EINVAL);
	while (dup(fd) >= 0)
		;
	EQUAL(errno, EMFILE);
	FAILS(open("f", O_RDONLY), EMFILE);
	int ends[2];
	FAILS(pipe(ends), EMFILE);
	CHECK(syscall(436 /* close_range */, 50, 59, 0) == 0);
	FAILS(fcntl(50, F_GETFD), EBADF);
	CHECK(fcntl(60, F_GETFD) == 0);
}

// Modes of access: a descriptor for reading does not write, and the other way round.
static void access_modes(void)
{
	char c;
	create("f", "text");
	int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
	FAILS(write(reader, "x", 1), EBADF);
	FAILS(read(writer, &c, 1), EBADF);
	FAILS(ftruncate(reader, 0), EINVAL);
	int d = open(".", O_RDONLY);
	FAILS(read(d, &c, 1), EISDIR);
	EQUAL(fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
	EQUAL(fcntl(writer, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK(fcntl(writer, F_SETFL, O_RDONLY | O_APPEND | O_NONBLOCK | O_CREAT) == 0);
	EQUAL(fcntl(writer, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT), O_WRONLY | O_APPEND | O_NONBLOCK);
}

// O_APPEND writes at the end, pwrite as well, and leaves the position there.
static void append(void)
{
	int fd = create("f", "12345");
	int a = open("f", O_WRONLY | O_APPEND);
	CHECK(write(a, "67", 2) == 2);
	EQUAL(lseek(a, 0, SEEK_CUR), 7);
	CHECK(pwrite(a, "8", 1, 0) == 1);
	EQUAL(lseek(a, 0, SEEK_CUR), 7);
	CHECK(lseek(a, 0, SEEK_SET) == 0);
	CHECK(write(a, "9", 1) == 1);
	CHECK(holds(fd, "123456789"));
	CHECK(fcntl(a, F_SETFL, 0) == 0);
	CHECK(pwrite(a, "x", 1, 0) == 1);
	CHECK(holds(fd, "x23456789"));
}

// pread and pwrite leave the position alone, and are not for pipes.
static void positioned(void)
{
	char text[10];
	int fd = create("f", "0123456789"), ends[2];
	CHECK(pread(fd, text, 4, 6) == 4 && memcmp(text, "6789", 4) == 0);
	CHECK(pwrite(fd, "ab", 2, 9) == 2);
	EQUAL(lseek(fd, 0, SEEK_CUR), 0);
	EQUAL(pread(fd, text, 4, 11), 0);
	EQUAL(pread(fd, text, 4, 10), 1);
	FAILS(pread(fd, text, 4, -1), EINVAL);
	FAILS(pwrite(fd, text, 4, -1), EINVAL);
	CHECK(pipe(ends) == 0);
	FAILS(pread(ends[0], text, 1, 0), ESPIPE);
	FAILS(pwrite(ends[1], text, 1, 0), ESPIPE);
	FAILS(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
}

// lseek: all origins, behind the end, errors, data and holes.
static void seeking(void)
{
	int fd = create("f", "0123456789");
	EQUAL(lseek(fd, 3, SEEK_SET), 3);
	EQUAL(lseek(fd, 3, SEEK_CUR), 6);
	EQUAL(lseek(fd, -2, SEEK_END), 8);
	EQUAL(lseek(fd, 100, SEEK_END), 110);
	FAILS(lseek(fd, -11, SEEK_END), EINVAL);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 9), EINVAL);
	FAILS(lseek(99, 0, SEEK_SET), EBADF);
	EQUAL(lseek(fd, 0, SEEK_CUR), 110);
	EQUAL(size_of("f"), 10);
	EQUAL(lseek(fd, 0, SEEK_DATA), 0);
	EQUAL(lseek(fd, 0, SEEK_HOLE), 10);
	FAILS(lseek(fd, 10, SEEK_DATA), ENXIO);
	CHECK(pwrite(fd, "x", 1, 1 << 20) == 1);
	EQUAL(lseek(fd, 4096, SEEK_DATA), 1 << 20);
	EQUAL(lseek(fd, 0, SEEK_HOLE), 4096);
	EQUAL(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
}

// readv and writev are one operation over several buffers.
static void vectors(void)
{
	char a[3], b[4], c[10];
	int fd = create("f", "");
	struct iovec out[3] = {{"one", 3}, {"", 0}, {"three", 5}};
	EQUAL(writev(fd, out, 3), 8);
	CHECK(holds(fd, "onethree"));
	struct iovec in[3] = {{a, 3}, {b, 4}, {c, 10}};
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	EQUAL(readv(fd, in, 3), 8);
	CHECK(memcmp(a, "one", 3) == 0 && memcmp(b, "thre", 4) == 0 && c[0] == 'e');
	EQUAL(preadv(fd, in, 2, 1), 7);
	CHECK(memcmp(a, "net", 3) == 0);
	EQUAL(pwritev(fd, out, 1, 5), 3);
	CHECK(holds(fd, "onethone"));
	EQUAL(readv(fd, in, 0), 0);
	FAILS(readv(fd, in, -1), EINVAL);
	FAILS(readv(fd, in, 1025), EINVAL);
	in[1].iov_len = -1;
	FAILS(readv(fd, in, 3), EINVAL);
	in[0].iov_len = in[1].iov_len = (size_t)1 << 62;
	FAILS(syscall(SYS_readv, fd, (void *)8, 1), EFAULT);
	struct iovec bad[2] = {{a, 3}, {(void *)8, 4}};
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	EQUAL(readv(fd, bad, 2), 3);
	EQUAL(lseek(fd, 0, SEEK_CUR), 3);
	FAILS(readv(fd, bad + 1, 1), EFAULT);
}

// Truncation cuts, extends with zeros, and has its errors.
static void truncation(void)
{
	char text[8];
	int fd = create("f", "0123456789");
	CHECK(ftruncate(fd, 4) == 0);
	CHECK(ftruncate(fd, 8) == 0);
	CHECK(pread(fd, text, 8, 0) == 8 && memcmp(text, "0123\0\0\0\0", 8) == 0);
	CHECK(truncate("f", 2) == 0);
	CHECK(holds(fd, "01"));
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(truncate("missing", 0), ENOENT);
	FAILS(truncate(".", 0), EISDIR);
	int ends[2];
	CHECK(pipe(ends) == 0);
	FAILS(ftruncate(ends[1], 0), EINVAL);
	CHECK(ftruncate(fd, 10000) == 0);
	memset(text, 'x', 8);
	CHECK(pread(fd, text, 8, 5000) == 8);
	for (int i = 0; i < 8; i++)
		EQUAL(text[i], 0);
}

// Blocks are counted as they are used; a hole has none; fallocate makes and takes them.
static void blocks(void)
{
	struct stat s;
	int fd = create("f", "");
	CHECK(pwrite(fd, "x", 1, 10 << 20) == 1);
	CHECK(fstat(fd, &s) == 0);
	EQUAL(s.st_size, (10 << 20) + 1);
	EQUAL(s.st_blocks, 8);
	EQUAL(s.st_blksize, 4096);
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192) == 0);
	CHECK(fstat(fd, &s) == 0);
	EQUAL(s.st_size, (10 << 20) + 1);
	EQUAL(s.st_blocks, 24);
	CHECK(fallocate(fd, 0, 10 << 20, 8192) == 0);
	CHECK(fstat(fd, &s) == 0);
	EQUAL(s.st_size, (10 << 20) + 8192);
	CHECK(pwrite(fd, "abcdefgh", 8, 4092) == 8);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4094, 4096) == 0);
	char text[8];
	CHECK(pread(fd, text, 8, 4092) == 8);
	CHECK(memcmp(text, "ab\0\0\0\0\0\0", 8) == 0);
	FAILS(fallocate(fd, 0, 0, 0), EINVAL);
	FAILS(fallocate(fd, 0, -1, 10), EINVAL);
	FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
}

// RLIMIT_FSIZE stops writing with SIGXFSZ and EFBIG.
static void size_limit(void)
{
	struct rlimit limit = {1000, 1000};
	int fd = create("f", "");
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	char block[600] = "";
	EQUAL(write(fd, block, 600), 600);
	EQUAL(write(fd, block, 600), 400);
	pid_t pid = fork();
	if (pid == 0) {
		write(fd, "x", 1);
		_exit(0);
	}
	KILLED(pid, SIGXFSZ);
	signal(SIGXFSZ, SIG_IGN);
	FAILS(write(fd, "x", 1), EFBIG);
	FAILS(ftruncate(fd, 2000), EFBIG);
	EQUAL(size_of("f"), 1000);
}

// rename replaces files, moves directories, and keeps to its rules.
static void renames(void)
{
	struct stat s;
	create("a", "a");
	create("b", "b");
	CHECK(stat("a", &s) == 0);
	ino_t inode = s.st_ino;
	CHECK(rename("a", "b") == 0);
	CHECK(stat("b", &s) == 0);
	EQUAL(s.st_ino, inode);
	FAILS(rename("a", "c"), ENOENT);
	CHECK(link("b", "c") == 0);
	CHECK(rename("b", "c") == 0); // links of one file: nothing happens
	CHECK(access("b", F_OK) == 0 && access("c", F_OK) == 0);
	CHECK(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0 && mkdir("d/sub", 0755) == 0);
	FAILS(rename("b", "d"), EISDIR);
	FAILS(rename("d", "b"), ENOTDIR);
	FAILS(rename("e", "d"), ENOTEMPTY);
	FAILS(rename("d", "d/sub/x"), EINVAL);
	FAILS(rename("d", "d/x"), EINVAL);
	FAILS(rename("d/sub", "d"), ENOTEMPTY);
	FAILS(rename(".", "x"), EBUSY);
	FAILS(rename("d/..", "x"), EBUSY);
	FAILS(rename("b", "x/"), ENOTDIR);
	CHECK(rename("d", "x/") == 0);
	CHECK(rename("x", "e") == 0);
	CHECK(access("e/sub", F_OK) == 0);
	FAILS(rename2("b", "c", NO_REPLACE), EEXIST);
	CHECK(rename2("b", "n", NO_REPLACE) == 0);
	CHECK(rename2("n", "e", EXCHANGE) == 0);
	CHECK(stat("n", &s) == 0 && S_ISDIR(s.st_mode));
	CHECK(stat("e", &s) == 0 && S_ISREG(s.st_mode));
	FAILS(rename2("n", "q", EXCHANGE), ENOENT);
	FAILS(rename2("n", "q", EXCHANGE | NO_REPLACE), EINVAL);
}

// link, unlink, mkdir and rmdir and their errors.
static void names(void)
{
	char long_name[300];
	memset(long_name, 'n', sizeof long_name);
	long_name[256] = 0;
	create("f", "x");
	FAILS(link("f", "f"), EEXIST);
	FAILS(link("missing", "g"), ENOENT);
	FAILS(link(".", "g"), EPERM);
	FAILS(unlink("missing"), ENOENT);
	FAILS(unlink("."), EISDIR);
	FAILS(unlink("f/x"), ENOTDIR);
	FAILS(mkdir("f", 0755), EEXIST);
	FAILS(mkdir("a/b", 0755), ENOENT);
	FAILS(mkdir("/", 0755), EEXIST);
	FAILS(mkdir(long_name, 0755), ENAMETOOLONG);
	long_name[255] = 0;
	CHECK(mkdir(long_name, 0755) == 0);
	FAILS(rmdir("f"), ENOTDIR);
	FAILS(rmdir("missing"), ENOENT);
	FAILS(rmdir("."), EINVAL);
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rmdir("d/e/.."), ENOTEMPTY);
	FAILS(rmdir("/"), EBUSY);
	FAILS(symlink("x", "f"), EEXIST);
	FAILS(symlink("", "s"), ENOENT);
	CHECK(symlink("f", "s") == 0 && link("s", "t") == 0);
	struct stat s;
	CHECK(lstat("t", &s) == 0 && S_ISLNK(s.st_mode)); // link does not follow
	EQUAL(s.st_nlink, 2);
	EQUAL(s.st_size, 1);
}

// A directory that was removed is empty: nothing can be made in it, and it has no path.
static void removed_directory(void)
{
	char path[100];
	CHECK(mkdir("d", 0755) == 0);
	CHECK(chdir("d") == 0);
	CHECK(rmdir("../d") == 0);
	FAILS(open("f", O_RDWR | O_CREAT, 0600), ENOENT);
	FAILS(mkdir("x", 0700), ENOENT);
	FAILS(syscall(SYS_getcwd, path, sizeof path), ENOENT);
	struct stat s;
	CHECK(stat(".", &s) == 0);
	EQUAL(s.st_nlink, 0);
	DIR *d = opendir(".");
	CHECK(d != NULL && readdir(d) == NULL);
	CHECK(chdir("..") == 0);
	FAILS(syscall(SYS_getcwd, path, 2), ERANGE);
}

struct entry { uint64_t inode; int64_t next; uint16_t length; uint8_t type; char name[]; };

// getdents64 gives every entry once, however small the buffer, and refuses one that is too small.
static void directory_entries(void)
{
	char name[30], buffer[1000];
	CHECK(mkdir("d", 0755) == 0);
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "d/file-%d", i);
		close(create(name, ""));
	}
	CHECK(mkdir("d/dir", 0755) == 0 && symlink("x", "d/link") == 0 && mkfifo("d/fifo", 0600) == 0);
	int sizes[] = {32, 40, 100, 1000};
	for (int k = 0; k < 4; k++) {
		int fd = open("d", O_RDONLY), seen[60] = {0}, others = 0;
		long n;
		FAILS(syscall(SYS_getdents64, fd, buffer, 10), EINVAL);
		while ((n = syscall(SYS_getdents64, fd, buffer, sizes[k])) > 0) {
			for (long at = 0; at < n;) {
				struct entry *e = (struct entry *)(buffer + at);
				EQUAL(e->length % 8, 0);
				CHECK(e->length >= 19 + strlen(e->name) + 1);
				int number;
				if (sscanf(e->name, "file-%d", &number) == 1) {
					seen[number]++;
					EQUAL(e->type, DT_REG);
				} else {
					others++;
					int type = strcmp(e->name, "link") == 0 ? DT_LNK : strcmp(e->name, "fifo") == 0 ? DT_FIFO : DT_DIR;
					EQUAL(e->type, type);
				}
				at += e->length;
			}
		}
		EQUAL(n, 0);
		EQUAL(others, 5);
		for (int i = 0; i < 60; i++)
			EQUAL(seen[i], 1);
		CHECK(lseek(fd, 0, SEEK_SET) == 0);
		CHECK(syscall(SYS_getdents64, fd, buffer, sizes[k]) > 0);
		close(fd);
	}
	FAILS(syscall(SYS_getdents64, create("f", ""), buffer, 100), ENOTDIR);
	int fd = open("d", O_RDONLY);
	FAILS(syscall(SYS_getdents64, fd, 8, 100), EFAULT);
	CHECK(syscall(SYS_getdents64, fd, buffer, 1000) > 0);
}

// A position of telldir stays good while files come and go.
static void directory_positions(void)
{
	char name[30];
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%d", i);
		close(create(name, ""));
	}
	DIR *d = opendir(".");
	CHECK(d != NULL);
	char middle[256] = "";
	long position = 0;
	for (int i = 0; i < 20; i++) {
		position = telldir(d);
		strcpy(middle, readdir(d)->d_name);
	}
	seekdir(d, position);
	CHECK(strcmp(readdir(d)->d_name, middle) == 0);
	int left = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL; left++) {
		if (e->d_name[0] != '.')
			CHECK(unlink(e->d_name) == 0);
	}
	EQUAL(left, 42 - 20);
	rewinddir(d);
	int again = 0;
	while (readdir(d) != NULL)
		again++;
	CHECK(again >= 20 && again <= 22);
}

// stat, fstat, fstatat and statx tell the same.
static void stat_and_statx(void)
{
	struct stat s;
	struct statx x;
	int fd = create("f", "12345");
	CHECK(link("f", "g") == 0);
	CHECK(chmod("f", 04751) == 0);
	CHECK(chown("f", 12, 34) == 0);
	CHECK(chmod("f", 04751) == 0);
	CHECK(fstat(fd, &s) == 0);
	CHECK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0);
	EQUAL(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	EQUAL(s.st_mode, S_IFREG | 04751);
	EQUAL(x.stx_mode, s.st_mode);
	EQUAL(s.st_uid, 12);
	EQUAL(x.stx_uid, 12);
	EQUAL(s.st_gid, 34);
	EQUAL(x.stx_gid, 34);
	EQUAL(s.st_nlink, 2);
	EQUAL(x.stx_nlink, 2);
	EQUAL(s.st_size, 5);
	EQUAL(x.stx_size, 5);
	EQUAL(x.stx_ino, s.st_ino);
	EQUAL(x.stx_blocks, s.st_blocks);
	EQUAL(x.stx_blksize, s.st_blksize);
	EQUAL(x.stx_dev_major, major(s.st_dev));
	EQUAL(x.stx_dev_minor, minor(s.st_dev));
	EQUAL(x.stx_mtime.tv_sec, s.st_mtim.tv_sec);
	EQUAL(x.stx_mtime.tv_nsec, s.st_mtim.tv_nsec);
	EQUAL(x.stx_ctime.tv_sec, s.st_ctim.tv_sec);
	CHECK(stat("/dev/zero", &s) == 0);
	EQUAL(s.st_rdev, makedev(1, 5));
	FAILS(syscall(SYS_statx, AT_FDCWD, "missing", 0, STATX_BASIC_STATS, &x), ENOENT);
	FAILS(syscall(SYS_statx, AT_FDCWD, "f", 0x40000000, STATX_BASIC_STATS, &x), EINVAL);
	FAILS(syscall(SYS_stat, "f", 8), EFAULT);
	struct statfs fs;
	CHECK(statfs(".", &fs) == 0);
	EQUAL(fs.f_namelen, 255);
	EQUAL(fs.f_bsize, 4096);
	CHECK(fs.f_bavail <= fs.f_bfree && fs.f_bfree <= fs.f_blocks);
}

// utimensat sets times to the nanosecond, to now, or not at all; others than the owner have rules.
static void set_times(void)
{
	struct stat s;
	struct timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
	int fd = create("f", "");
	CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0);
	CHECK(stat("f", &s) == 0);
	EQUAL(s.st_atim.tv_sec, 1000);
	EQUAL(s.st_atim.tv_nsec, 123456789);
	EQUAL(s.st_mtim.tv_nsec, 987654321);
	CHECK(s.st_ctim.tv_sec > 1000000);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	CHECK(futimens(fd, times) == 0);
	CHECK(stat("f", &s) == 0);
	EQUAL(s.st_atim.tv_sec, 1000);
	CHECK(s.st_mtim.tv_sec > 1000000);
	times[0].tv_nsec = 1000000000;
	FAILS(utimensat(AT_FDCWD, "f", times, 0), EINVAL);
	CHECK(symlink("f", "l") == 0);
	times[0] = times[1] = (struct timespec){5, 0};
	CHECK(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(lstat("l", &s) == 0);
	EQUAL(s.st_mtim.tv_sec, 5);
	CHECK(chmod("f", 0666) == 0 && chmod(".", 0777) == 0);
	CHECK(setuid(1000) == 0);
	CHECK(utimensat(AT_FDCWD, "f", NULL, 0) == 0);
	FAILS(utimensat(AT_FDCWD, "f", times, 0), EPERM);
	CHECK(create("mine", "") >= 0 && utimensat(AT_FDCWD, "mine", times, 0) == 0);
}

// sendfile copies from a file into a pipe or a file, from its position or from a given one.
static void send_file(void)
{
	int ends[2];
	char text[20];
	int in = create("in", "0123456789"), out = create("out", "");
	CHECK(pipe(ends) == 0);
	EQUAL(sendfile(ends[1], in, NULL, 4), 4);
	EQUAL(lseek(in, 0, SEEK_CUR), 4);
	off_t offset = 7;
	EQUAL(sendfile(ends[1], in, &offset, 100), 3);
	EQUAL(offset, 10);
	EQUAL(lseek(in, 0, SEEK_CUR), 4);
	CHECK(read(ends[0], text, 20) == 7 && memcmp(text, "0123789", 7) == 0);
	EQUAL(sendfile(out, in, NULL, 100), 6);
	CHECK(holds(out, "456789"));
	EQUAL(sendfile(out, in, NULL, 100), 0);
	FAILS(sendfile(out, ends[0], NULL, 1), EINVAL);
	FAILS(sendfile(999, in, NULL, 1), EBADF);
	offset = -1;
	FAILS(sendfile(out, in, &offset, 1), EINVAL);
}

// Permissions are those of the effective user; access asks for the real one; root may nearly all.
static void permissions(void)
{
	CHECK(chmod(".", 0755) == 0);
	create("f", "x");
	CHECK(chmod("f", 0) == 0);
	CHECK(open("f", O_RDWR) >= 0);
	CHECK(access("f", R_OK | W_OK) == 0);
	FAILS(access("f", X_OK), EACCES);
	CHECK(chmod("f", 0040) == 0 && chown("f", 1000, 2000) == 0);
	CHECK(mkdir("d", 0700) == 0 && create("d/f", "x") >= 0);
	gid_t groups[] = {2000};
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setgroups(1, groups) == 0 && setgid(3000) == 0 && setuid(1000) == 0);
		FAILS(open("f", O_RDONLY), EACCES); // the owner's bits count, not the group's
		CHECK(chmod("f", 0600) == 0 && open("f", O_RDWR) >= 0);
		FAILS(open("new", O_RDWR | O_CREAT, 0600), EACCES);
		FAILS(unlink("f"), EACCES);
		FAILS(open("d/f", O_RDONLY), EACCES);
		FAILS(access("d", R_OK), EACCES);
		FAILS(chown("f", 0, -1), EPERM);
		CHECK(chown("f", -1, 2000) == 0);
		FAILS(chown("f", -1, 4000), EPERM);
		FAILS(mknod("n", S_IFCHR | 0600, makedev(1, 3)), EACCES);
		FAILS(chroot("."), EPERM);
		_exit(0);
	}
	PASSES(pid);
	CHECK(chmod("f", 0040) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setgroups(1, groups) == 0 && setgid(3000) == 0 && setuid(1001) == 0);
		CHECK(open("f", O_RDONLY) >= 0);
		FAILS(open("f", O_WRONLY), EACCES);
		_exit(0);
	}
	PASSES(pid);
	CHECK(setreuid(1001, 0) == 0);
	FAILS(access("d/f", R_OK), EACCES);
	CHECK(faccessat(AT_FDCWD, "d/f", R_OK, AT_EACCESS) == 0);
	CHECK(open("d/f", O_RDONLY) >= 0);
}

// Offsets: all of a transfer must end at one.
static void last_offsets(void)
{
	char b[8] = "abcdefg";
	struct iovec v = {b, 2};
	int fd = open("f", O_RDWR | O_CREAT, 0600), p[2];
	const off_t last = 0x7fffffffffffffff;
	CHECK(fd >= 0 && pipe(p) == 0);
	FAILS(pwrite(fd, b, 1, last), EINVAL);
	FAILS(pwrite(fd, b, 2, last - 1), EINVAL);
	FAILS(pread(fd, b, 1, last), EINVAL);
	FAILS(pread(fd, b, 2, last - 1), EINVAL);
	FAILS(preadv(fd, &v, 1, last - 1), EINVAL);
	EQUAL(pread(fd, b, 1, last - 1), 0);
	FAILS(pread(99, b, 1, -1), EINVAL);
	FAILS(pread(p[1], b, 1, 0), ESPIPE);
	FAILS(pwrite(p[0], b, 1, 0), ESPIPE);
	EQUAL(write(fd, b, 4), 4);
	EQUAL(syscall(SYS_pwritev2, fd, &v, 0, 0, 0, 0x4000), 0);
	FAILS(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 0x4000), EOPNOTSUPP);
	EQUAL(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 0x10), 2); // RWF_APPEND
	EQUAL(lseek(fd, 0, SEEK_CUR), 4);
	EQUAL(syscall(SYS_pwritev2, fd, &v, 1, -1L, -1L, 0x10), 2);
	EQUAL(lseek(fd, 0, SEEK_CUR), 8);
	EQUAL(lseek(fd, 0, SEEK_END), 8);
	off_t off = last;
	FAILS(sendfile(open("g", O_WRONLY | O_CREAT, 0600), fd, &off, 3), EINVAL);
}

// sendfile, splice and copy_file_range read regular files and what is like them.
static void splice_sources(void)
{
	static const struct {
		const char *path;
		int sendfile, copy;
	} files[] = {
		{"f", 0, 0}, {"/proc/meminfo", 0, EXDEV}, {"/proc/version", 0, EXDEV}, {"/proc/self/mounts", 0, EXDEV},
		{"/proc/self/status", EINVAL, EXDEV}, {"/proc/self/maps", EINVAL, EXDEV}, {"/proc/self/cmdline", EINVAL, EXDEV},
		{"/proc/self/fdinfo/0", EINVAL, EXDEV}, {"/dev/zero", EINVAL, EINVAL}, {"/dev/null", EINVAL, EINVAL},
		{"/dev/urandom", 0, EINVAL}, {".", EINVAL, EISDIR},
	};
	int f = open("f", O_RDWR | O_CREAT, 0600), p[2];
	CHECK(write(f, "some text", 9) == 9 && pipe2(p, O_NONBLOCK) == 0);
	int out = open("out", O_RDWR | O_CREAT, 0600);
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
		int fd = open(files[i].path, O_RDONLY);
		off_t off = 0;
		CHECK(fd >= 0);
		errno = 0;
		ssize_t n = sendfile(out, fd, &off, 5);
		if (errno != files[i].sendfile || (n > 0) != (errno == 0))
			fail(__FILE__, __LINE__, "sendfile of %s: %zd", files[i].path, n);
		errno = 0, off = 0;
		n = splice(fd, &off, p[1], NULL, 5, 0);
		if (errno != files[i].sendfile || (n > 0) != (errno == 0))
			fail(__FILE__, __LINE__, "splice of %s: %zd", files[i].path, n);
		errno = 0, off = 0;
		n = syscall(SYS_copy_file_range, fd, &off, out, NULL, 5, 0);
		if (errno != files[i].copy || (n > 0) != (errno == 0))
			fail(__FILE__, __LINE__, "copy_file_range of %s: %zd", files[i].path, n);
	}
}

// Only the owner of a file may ask that reading leaves no trace.
static void noatime_of_others(void)
{
	int mine = open("mine", O_RDWR | O_CREAT, 0666), foreign = open("foreign", O_RDWR | O_CREAT, 0666), p[2];
	CHECK(mine >= 0 && foreign >= 0 && pipe(p) == 0 && fchown(mine, 1000, 1000) == 0);
	EQUAL(fcntl(foreign, F_SETFL, O_NOATIME), 0);
	EQUAL(fcntl(foreign, F_GETFL) & O_NOATIME, O_NOATIME);
	int other = open("foreign", O_RDONLY);
	CHECK(setuid(1000) == 0);
	EQUAL(fcntl(mine, F_SETFL, O_NOATIME), 0);
	FAILS(fcntl(other, F_SETFL, O_NOATIME | O_NONBLOCK), EPERM);
	EQUAL(fcntl(other, F_GETFL) & (O_NOATIME | O_NONBLOCK), 0);
	EQUAL(fcntl(foreign, F_SETFL, O_NOATIME | O_APPEND), 0); // it was set before
	EQUAL(fcntl(foreign, F_SETFL, O_APPEND), 0);
	FAILS(fcntl(foreign, F_SETFL, O_NOATIME | O_APPEND), EPERM);
	FAILS(fcntl(p[0], F_SETFL, O_NOATIME), EPERM);
}

static const struct test tests[] = {
	TEST(open_flags),
	TEST(direct),
	TEST(path_descriptors),
	TEST(at_calls),
	TEST(descriptors),
	TEST(access_modes),
	TEST(append),
	TEST(positioned),
	TEST(seeking),
	TEST(vectors),
	TEST(truncation),
	TEST(blocks),
	TEST(size_limit),
	TEST(renames),
	TEST(names),
	TEST(removed_directory),
	TEST(directory_entries),
	TEST(directory_positions),
	TEST(stat_and_statx),
	TEST(set_times),
	TEST(send_file),
	TEST(permissions),
	TEST(last_offsets),
	TEST(splice_sources),
	TEST(noatime_of_others),
};
MAIN(tests)
