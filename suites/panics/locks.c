// Panics with locks of a file, of a directory, or any lock held.
#include "panicking.h"
#include <dirent.h>

static int which; // of PANIC_

static void panic(void) { syscall(SYS_panicking, which, 1L << 40); }
static void not_panic(void) { EQUAL(syscall(SYS_panicking, PANIC_NOT), 0); }

// now is a program that is killed.
static void now_(void)
{
	which = PANIC_NOW;
	panic();
}

// mutex panics with a mutex held, in three ways.
static void mutex(void)
{
	int ways[] = {PANIC_NOW, PANIC_ON_NIL, PANIC_ON_INDEX};
	for (int i = 0; i < 3; i++) {
		which = ways[i];
		DIES(panic);
		LIVES(not_panic);
		not_panic();
	}
}

static int fd;        // open in the parent, so that all children share its position and its lock
static int operation; // that is armed, or NONE

// around has the panics of one operation: arming it kills the child that comes to it, and then the same
// works for others.
static int op_of;
static void (*cleanup)(void); // after a panic

static void around(void (*run)(void))
{
	mount_panicfs();
	fd = open("m/a", O_RDWR);
	CHECK(fd >= 0);
	for (int i = 0; i < 3; i++) {
		operation = op_of;
		DIES(run);
		if (cleanup)
			cleanup();
		operation = NONE;
		LIVES(run);
		if (cleanup)
			cleanup();
	}
	run();
	close(fd);
	unmount_panicfs();
}

static void rewind_a(void) { EQUAL(lseek(fd, 0, SEEK_SET), 0); }

static void use_read(void)
{
	char b[4];
	arm(operation);
	lseek(fd, 0, SEEK_SET);
	EQUAL(read(fd, b, 4), 4);
	EQUAL(memcmp(b, "pani", 4), 0);
}
static void read_position(void) { op_of = READ, cleanup = rewind_a, around(use_read); }

static void use_write(void)
{
	arm(operation);
	lseek(fd, 10, SEEK_SET);
	EQUAL(write(fd, "x", 1), 1);
}
static void write_position(void) { op_of = WRITE, cleanup = rewind_a, around(use_write); }

static void use_truncate(void)
{
	arm(operation);
	EQUAL(fchmod(fd, 0600), 0);
}
static void set_attributes(void) { op_of = SETATTR, around(use_truncate); }

static void use_open(void)
{
	arm(operation);
	int fd = open("m/a", O_RDWR);
	CHECK(fd >= 0);
	close(fd);
}
static void open_file(void) { op_of = OPEN, around(use_open); }

static void use_lookup(void)
{
	struct stat st;
	arm(operation);
	EQUAL(stat("m/b", &st), 0);
}
static void lookup_name(void) { op_of = LOOKUP, around(use_lookup); }

// The panic comes when the file is there already, but not yet known to the caller.
static void use_create(void)
{
	arm(operation);
	int fd = open("m/new", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	close(fd);
}
static void remove_new(void) { EQUAL(unlink("m/new"), 0); }
static void create_file(void) { op_of = CREATE, cleanup = remove_new, around(use_create); }

static void use_unlink(void)
{
	int fd = open("m/gone", O_RDWR | O_CREAT, 0644);
	CHECK(fd >= 0);
	close(fd);
	arm(operation);
	EQUAL(unlink("m/gone"), 0);
}
static void unlink_file(void) { op_of = UNLINK, around(use_unlink); }

static void use_rename(void)
{
	arm(operation);
	EQUAL(rename("m/b", "m/c"), 0);
	arm(NONE);
	EQUAL(rename("m/c", "m/b"), 0);
}
static void rename_within(void) { op_of = RENAME, around(use_rename); }

static void use_rename_across(void)
{
	arm(operation);
	EQUAL(rename("m/b", "m/d/b"), 0);
	arm(NONE);
	EQUAL(rename("m/d/b", "m/e/b"), 0);
	EQUAL(rename("m/e/b", "m/b"), 0);
}
static void rename_across(void) { op_of = RENAME, around(use_rename_across); }

static void use_readdir(void)
{
	arm(operation);
	DIR *d = opendir("m");
	CHECK(d);
	int n = 0;
	while (readdir(d))
		n++;
	EQUAL(n, 6);
	closedir(d);
}
static void read_directory(void) { op_of = READDIR, around(use_readdir); }

static void use_close(void)
{
	int fd = open("m/b", O_RDWR);
	CHECK(fd >= 0);
	arm(operation);
	EQUAL(close(fd), 0);
}
static void close_file(void) { op_of = RELEASE, around(use_close); }

// The panic comes at the end of a process, when it closes all files: the others are closed, too.
static int ends[2];

static void use_exit(void)
{
	dup2(open("m/b", O_RDWR), 50);
	dup2(ends[1], 51);
	close(ends[1]);
	arm(operation);
	_exit(0);
}

static void exit_closes(void)
{
	char c;
	mount_panicfs();
	EQUAL(pipe(ends), 0);
	operation = RELEASE;
	long before = contained();
	PASSES(start(use_exit)); // its status was settled before
	EQUAL(contained() - before, 1);
	close(ends[1]);
	alarm(10);
	EQUAL(read(ends[0], &c, 1), 0);
	unmount_panicfs();
}

static struct test tests[] = {
	{"now", now_},
	TEST(mutex),
	TEST(read_position),
	TEST(write_position),
	TEST(set_attributes),
	TEST(open_file),
	TEST(lookup_name),
	TEST(create_file),
	TEST(unlink_file),
	TEST(rename_within),
	TEST(rename_across),
	TEST(read_directory),
	TEST(close_file),
	TEST(exit_closes),
};
MAIN(tests)
