// Files: those of tmpfs in /tmp, and small devices.

#include "measure.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int zero, null, file, folder;
static char data[64 << 10];
static struct stat status;
static char status_x[256];

static void open_devices(void)
{
	zero = open("/dev/zero", O_RDWR);
	null = open("/dev/null", O_RDWR);
	NEED(zero >= 0 && null >= 0);
}

static void close_devices(void)
{
	close(zero);
	close(null);
}

static void open_file(void)
{
	NEED(mkdir("/tmp/d", 0755) == 0);
	file = open("/tmp/d/file", O_RDWR | O_CREAT, 0644);
	NEED(file >= 0 && write(file, data, sizeof data) == sizeof data);
	NEED(symlink("file", "/tmp/d/link") == 0);
	NEED(chdir("/tmp/d") == 0);
}

static void close_file(void)
{
	close(file);
	NEED(unlink("/tmp/d/file") == 0 && unlink("/tmp/d/link") == 0);
	NEED(chdir("/") == 0 && rmdir("/tmp/d") == 0);
}

static void open_folder(void)
{
	char name[40];
	NEED(mkdir("/tmp/d", 0755) == 0);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "/tmp/d/entry-%d", i);
		int f = open(name, O_WRONLY | O_CREAT, 0644);
		NEED(f >= 0);
		close(f);
	}
	folder = open("/tmp/d", O_RDONLY | O_DIRECTORY);
	NEED(folder >= 0);
}

static void close_folder(void)
{
	char name[40];
	close(folder);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "/tmp/d/entry-%d", i);
		NEED(unlink(name) == 0);
	}
	NEED(rmdir("/tmp/d") == 0);
}

REPEAT(read_null, NEED(call(SYS_read, null, data, 1) == 0))
REPEAT(write_null, NEED(call(SYS_write, null, data, 1) == 1))
REPEAT(read_zero, NEED(call(SYS_read, zero, data, 1) == 1))
REPEAT(read_zero_4k, NEED(call(SYS_read, zero, data, 4096) == 4096))
REPEAT(open_close, close_fd(call(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY)))
REPEAT(dup_close, close_fd(call(SYS_dup, null)))
REPEAT(fcntl_call, NEED(call(SYS_fcntl, null, F_GETFL) >= 0))
REPEAT(pread_call, NEED(call(SYS_pread64, file, data, 1, 100) == 1))
REPEAT(pwrite_call, NEED(call(SYS_pwrite64, file, data, 1, 100) == 1))
REPEAT(lseek_call, NEED(call(SYS_lseek, file, 100, SEEK_SET) == 100))
REPEAT(fstat_call, NEED(call(SYS_fstat, file, &status) == 0))
REPEAT(stat_call, NEED(call(SYS_newfstatat, AT_FDCWD, "/tmp/d/file", &status) == 0))
REPEAT(statx_call, NEED(call(SYS_statx, AT_FDCWD, "/tmp/d/file", 0, 0x7ff, status_x) == 0))
REPEAT(access_call, NEED(call(SYS_faccessat, AT_FDCWD, "/tmp/d/file", R_OK) == 0))
REPEAT(open_close_file, close_fd(call(SYS_openat, AT_FDCWD, "/tmp/d/file", O_RDONLY)))
REPEAT(readlink_call, NEED(call(SYS_readlinkat, AT_FDCWD, "/tmp/d/link", data, 100) == 4))
REPEAT(getcwd_call, NEED(call(SYS_getcwd, data, 100) > 0))
REPEAT(write_4k, NEED(call(SYS_pwrite64, file, data, 4096, 0) == 4096))
REPEAT(read_4k, NEED(call(SYS_pread64, file, data, 4096, 0) == 4096))
REPEAT(write_64k, NEED(call(SYS_pwrite64, file, data, 65536, 0) == 65536))
REPEAT(read_64k, NEED(call(SYS_pread64, file, data, 65536, 0) == 65536))
REPEAT(flock_call, NEED(call(SYS_flock, file, LOCK_EX) == 0 && call(SYS_flock, file, LOCK_UN) == 0))
REPEAT(mkdir_rmdir, NEED(call(SYS_mkdirat, AT_FDCWD, "/tmp/new", 0755) == 0 && call(SYS_unlinkat, AT_FDCWD, "/tmp/new", AT_REMOVEDIR) == 0))

static void writev_call(long n)
{
	struct iovec v[2] = {{data, 1}, {data, 1}};
	while (n-- > 0)
		NEED(call(SYS_writev, null, v, 2) == 2);
}

static void getdents_call(long n)
{
	while (n-- > 0) {
		long r, all = 0;
		NEED(call(SYS_lseek, folder, 0, SEEK_SET) == 0);
		while ((r = call(SYS_getdents64, folder, data, sizeof data)) > 0)
			all += r;
		NEED(r == 0 && all > 32 * 24);
	}
}

static void create_unlink(long n)
{
	while (n-- > 0) {
		close_fd(call(SYS_openat, AT_FDCWD, "/tmp/new", O_WRONLY | O_CREAT | O_EXCL, 0644));
		NEED(call(SYS_unlinkat, AT_FDCWD, "/tmp/new", 0) == 0);
	}
}

// One rename there and one back are two operations.
static void rename_call(long n)
{
	for (; n > 0; n -= 2)
		NEED(call(SYS_rename, "/tmp/d/file", "/tmp/d/other") == 0 && call(SYS_rename, "/tmp/d/other", "/tmp/d/file") == 0);
}

static void record_lock(long n)
{
	struct flock l = {.l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
	while (n-- > 0) {
		l.l_type = F_WRLCK;
		NEED(call(SYS_fcntl, file, F_SETLK, &l) == 0);
		l.l_type = F_UNLCK;
		NEED(call(SYS_fcntl, file, F_SETLK, &l) == 0);
	}
}

static const struct row rows[] = {
	{"read_null", open_devices, read_null, close_devices, 100, 1100},
	{"write_null", open_devices, write_null, close_devices, 100, 1100},
	{"read_zero", open_devices, read_zero, close_devices, 100, 1100},
	{"read_zero_4k", open_devices, read_zero_4k, close_devices, 100, 600},
	{"writev", open_devices, writev_call, close_devices, 100, 1100},
	{"open_close_null", 0, open_close, 0, 100, 600},
	{"dup_close", open_devices, dup_close, close_devices, 100, 1100},
	{"fcntl", open_devices, fcntl_call, close_devices, 100, 1100},
	{"pread", open_file, pread_call, close_file, 100, 1100},
	{"pwrite", open_file, pwrite_call, close_file, 100, 1100},
	{"lseek", open_file, lseek_call, close_file, 100, 1100},
	{"fstat", open_file, fstat_call, close_file, 100, 1100},
	{"stat", open_file, stat_call, close_file, 100, 1100},
	{"statx", open_file, statx_call, close_file, 100, 1100},
	{"access", open_file, access_call, close_file, 100, 1100},
	{"open_close", open_file, open_close_file, close_file, 100, 600},
	{"readlink", open_file, readlink_call, close_file, 100, 1100},
	{"getcwd", open_file, getcwd_call, close_file, 100, 1100},
	{"getdents64_30", open_folder, getdents_call, close_folder, 10, 60},
	{"create_unlink", 0, create_unlink, 0, 100, 600},
	{"mkdir_rmdir", 0, mkdir_rmdir, 0, 100, 600},
	{"rename", open_file, rename_call, close_file, 100, 600},
	{"write_4k", open_file, write_4k, close_file, 100, 600},
	{"read_4k", open_file, read_4k, close_file, 100, 600},
	{"write_64k", open_file, write_64k, close_file, 10, 60},
	{"read_64k", open_file, read_64k, close_file, 10, 60},
	{"record_lock", open_file, record_lock, close_file, 100, 600},
	{"flock", open_file, flock_call, close_file, 100, 600},
};

MEASURE(rows)
