// Users, groups, capabilities and limits of a process.

#include "check.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void expect_users(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;
	CHECK(getresuid(&r, &e, &s) == 0);
	EQUAL(r, real);
	EQUAL(e, effective);
	EQUAL(s, saved);
}

static void in_child(void (*run)(void))
{
	PASSES(start(run));
}

static void root_gives_up(void)
{
	CHECK(setuid(1000) == 0);
	expect_users(1000, 1000, 1000);
	FAILS(setuid(0), EPERM);
	FAILS(seteuid(0), EPERM);
	FAILS(setresuid(-1, 0, -1), EPERM);
	FAILS(setreuid(0, -1), EPERM);
	CHECK(setuid(1000) == 0);
	expect_users(1000, 1000, 1000);
}

static void root_for_a_while(void)
{
	CHECK(seteuid(1000) == 0);
	expect_users(0, 1000, 0);
	FAILS(open("secret", O_RDONLY), EACCES);
	CHECK(seteuid(0) == 0);
	CHECK(open("secret", O_RDONLY) >= 0);
	CHECK(setresuid(1, 2, 3) == 0);
	expect_users(1, 2, 3);
	CHECK(setresuid(3, 1, 2) == 0);
	expect_users(3, 1, 2);
	FAILS(setresuid(4, -1, -1), EPERM);
	CHECK(setuid(2) == 0);
	expect_users(3, 2, 2);
	CHECK(setreuid(2, 3) == 0);
	expect_users(2, 3, 3);
}

// Root becomes any user for good with setuid; others move among their real, effective and saved one.
static void users(void)
{
	int fd = open("secret", O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && chmod(".", 0755) == 0);
	in_child(root_gives_up);
	in_child(root_for_a_while);
	CHECK(setreuid(-1, 5) == 0);
	expect_users(0, 5, 5);
}

static void group_of_user(void)
{
	gid_t list[4];
	CHECK(setgroups(3, (gid_t[]){30, 10, 20}) == 0);
	EQUAL(getgroups(0, NULL), 3);
	EQUAL(getgroups(4, list), 3);
	CHECK(list[0] == 10 && list[1] == 20 && list[2] == 30);
	FAILS(getgroups(2, list), EINVAL);
	CHECK(setgid(50) == 0);
	CHECK(setuid(1000) == 0);
	EQUAL(getgid() + getegid(), 100);
	FAILS(setgid(60), EPERM);
	FAILS(setgroups(0, NULL), EPERM);
	FAILS(setresgid(10, -1, -1), EPERM);
	CHECK(setresgid(50, 50, 50) == 0);
	EQUAL(getgroups(0, NULL), 3);
}

// Groups: root sets them, others keep what they have.
static void groups(void)
{
	in_child(group_of_user);
	FAILS(setgroups(65537, NULL), EINVAL);
}

struct capability_header { uint32_t version; int pid; };
struct capability_sets { uint32_t effective, permitted, inheritable; };

static uint64_t capabilities(int which)
{
	struct capability_header h = {0x20080522, 0};
	struct capability_sets s[2];
	CHECK(syscall(SYS_capget, &h, s) == 0);
	uint64_t effective = s[0].effective | (uint64_t)s[1].effective << 32;
	uint64_t permitted = s[0].permitted | (uint64_t)s[1].permitted << 32;
	return which ? permitted : effective;
}

static void lose_capabilities(void)
{
	CHECK(capabilities(0) != 0);
	CHECK(seteuid(1000) == 0);
	EQUAL(capabilities(0), 0);
	CHECK(capabilities(1) != 0);
	CHECK(seteuid(0) == 0);
	CHECK(capabilities(0) != 0);
	CHECK(setuid(1000) == 0);
	EQUAL(capabilities(0), 0);
	EQUAL(capabilities(1), 0);
}

static void keep_capabilities(void)
{
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(setuid(1000) == 0);
	EQUAL(capabilities(0), 0);
	CHECK(capabilities(1) != 0);
}

// Root has all capabilities, and loses them with its user, but for what it asks to keep.
static void capability_rules(void)
{
	struct capability_header h = {0, 0};
	FAILS(syscall(SYS_capget, &h, (void *)16), EINVAL);
	EQUAL(h.version, 0x20080522);
	CHECK(prctl(PR_CAPBSET_READ, 0) == 1);
	FAILS(prctl(PR_CAPBSET_READ, 63), EINVAL);
	in_child(lose_capabilities);
	in_child(keep_capabilities);
}

// A limit is lowered by everybody, raised up to the hard one, and beyond it by root only.
static void limits(void)
{
	struct rlimit l = {100, 200}, old;
	CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	EQUAL(old.rlim_cur, 100);
	EQUAL(old.rlim_max, 200);
	l.rlim_cur = 300;
	FAILS(setrlimit(RLIMIT_NOFILE, &l), EINVAL);
	l = (struct rlimit){200, 300};
	CHECK(prlimit(getpid(), RLIMIT_NOFILE, &l, &old) == 0);
	EQUAL(old.rlim_max, 200);
	FAILS(syscall(SYS_prlimit64, 0, 99, NULL, &old), EINVAL);
	FAILS(prlimit(0x3fffffff, RLIMIT_NOFILE, NULL, &old), ESRCH);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
		EQUAL(old.rlim_max, 300);
		CHECK(setuid(1000) == 0);
		l = (struct rlimit){300, 300};
		CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
		l.rlim_max = 301;
		FAILS(setrlimit(RLIMIT_NOFILE, &l), EPERM);
		FAILS(prlimit(1, RLIMIT_NOFILE, NULL, &old), EPERM);
		_exit(0);
	}
	PASSES(pid);
}

static void fork_until_refused(void)
{
	struct rlimit l = {5, 5};
	CHECK(setuid(12345) == 0);
	CHECK(setrlimit(RLIMIT_NPROC, &l) == 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			pause();
			_exit(0);
		}
	}
	FAILS(fork(), EAGAIN);
	signal(SIGTERM, SIG_IGN);
	CHECK(kill(0, SIGTERM) == 0);
	while (wait(NULL) > 0)
		;
	PASSES(fork() ?: (_exit(0), 0));
}

static void superuser(void)
{
	struct rlimit l = {1, 1};
	CHECK(setrlimit(RLIMIT_NPROC, &l) == 0);
	PASSES(fork() ?: (_exit(0), 0));
}

static void become_busy(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setuid(12347) == 0);
		pause();
	}
	while (state(pid) != 'S')
		;
	struct rlimit l = {1, 1};
	CHECK(setrlimit(RLIMIT_NPROC, &l) == 0);
	CHECK(setuid(12347) == 0); // there is one already
	FAILS(execl("/bin/true", "true", NULL), EAGAIN);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
	execl("/bin/true", "true", NULL);
	_exit(2);
}

// RLIMIT_NPROC limits the processes of a user, but the superuser's; what has ended counts no more. Who
// becomes a user that has too many executes nothing.
static void process_limit(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		fork_until_refused();
		_exit(0);
	}
	PASSES(pid);
	in_child(become_busy);
	in_child(superuser);
}

// copy_self makes a copy of this program in the current folder, which all may enter.
static void copy_self(uid_t uid, gid_t gid, mode_t mode)
{
	static char image[1 << 20];
	int in = open("/proc/self/exe", O_RDONLY), out = open("copy", O_WRONLY | O_CREAT, 0755);
	ssize_t n = read(in, image, sizeof image);
	CHECK(n > 0 && write(out, image, n) == n);
	close(in);
	close(out);
	CHECK(chmod(".", 0755) == 0);
	CHECK(chown("copy", uid, gid) == 0 && chmod("copy", mode) == 0);
}

// A program that its user may execute and not read is not shown to him in memory.
static void unreadable_program(void)
{
	int user;
	if (strcmp(arguments[0], "inner") == 0) {
		user = atoi(arguments[2]);
		expect_users(user, user, user);
		EQUAL(prctl(PR_GET_DUMPABLE), user == 0);
		if (user != 0)
			FAILS(open("/proc/self/environ", O_RDONLY), EACCES);
		return;
	}
	copy_self(0, 0, 0711);
	for (user = 0; user <= 1000; user += 1000) {
		pid_t pid = fork();
		if (pid == 0) {
			char number[10];
			snprintf(number, sizeof number, "%d", user);
			CHECK(setgid(user) == 0 && setuid(user) == 0);
			execl("copy", "inner", "unreadable-program", number, NULL);
			_exit(99);
		}
		PASSES(pid);
	}
}

// A set-user-ID program runs as its owner and cannot be looked into. With no_new_privs it does not,
// nor when another process shares its directory and umask. Of what its caller has set it forgets what
// would place its memory.
static void setuid_program(void)
{
	if (strcmp(arguments[0], "without") == 0) {
		expect_users(1000, 1000, 1000);
		return;
	}
	if (strcmp(arguments[0], "shared") == 0) {
		expect_users(1000, 1000, 1000);
		EQUAL(getegid(), 1000);
		EQUAL(getauxval(AT_SECURE), 1);
		return;
	}
	if (strcmp(arguments[0], "cleared") == 0) {
		struct rlimit stack;
		expect_users(1000, 4000, 4000);
		EQUAL(personality(-1), 0);
		CHECK(getrlimit(RLIMIT_STACK, &stack) == 0);
		EQUAL(stack.rlim_cur, 8 << 20);
		CHECK(stack.rlim_max == RLIM_INFINITY);
		return;
	}
	if (strcmp(arguments[0], "inner") == 0) {
		expect_users(1000, 4000, 4000);
		EQUAL(getegid(), 5000);
		EQUAL(prctl(PR_GET_DUMPABLE), 0);
		return;
	}
	copy_self(4000, 5000, 06755);
	static char *const ways[] = {"inner", "without", "shared", "cleared"};
	for (int way = 0; way < 4; way++) {
		pid_t pid = fork();
		if (pid == 0) {
			CHECK(setgid(1000) == 0 && setuid(1000) == 0);
			if (way == 1)
				CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
			if (way == 2) {
				pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
				if (pid > 0) {
					PASSES(pid);
					_exit(0);
				}
			}
			if (way == 3) {
				struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
				CHECK(setrlimit(RLIMIT_STACK, &all) == 0);
				CHECK(personality(ADDR_NO_RANDOMIZE) >= 0);
			}
			execl("copy", ways[way], "setuid-program", NULL);
			_exit(99);
		}
		PASSES(pid);
	}
}

static const struct test tests[] = {
	TEST(users),
	TEST(groups),
	TEST(capability_rules),
	TEST(limits),
	TEST(process_limit),
	TEST(setuid_program),
	TEST(unreadable_program),
};
MAIN(tests)
