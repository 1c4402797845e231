// Processes: fork, vfork, exec, waiting, groups and sessions.

#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void sleep_forever(void)
{
	for (;;)
		pause();
}

// A child has a copy of the memory and its own numbers.
static void fork_copies(void)
{
	static int data = 1;
	int stack = 1, *heap = malloc(4);
	*heap = 1;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		EQUAL(getppid(), parent);
		CHECK(getpid() != parent);
		EQUAL(syscall(SYS_gettid), getpid());
		EQUAL(data + stack + *heap, 3);
		data = stack = *heap = 5;
		_exit(0);
	}
	CHECK(pid > 0);
	PASSES(pid);
	EQUAL(data + stack + *heap, 3);
}

// Parent and child share open files with their position, not the descriptors.
static void fork_shares_files(void)
{
	char text[8];
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(write(fd, "abcdef", 6) == 6);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(read(fd, text, 2) == 2);
		CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
		CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
		close(fd);
		_exit(0);
	}
	PASSES(pid);
	EQUAL(read(fd, text, 4), 4);
	CHECK(memcmp(text, "cdef", 4) == 0);
	CHECK(fcntl(fd, F_GETFL) & O_APPEND);
	EQUAL(fcntl(fd, F_GETFD), 0);
}

// vfork shares the memory, and the parent waits until the child ends.
static void vfork_shares(void)
{
	volatile int shared = 1;
	int64_t begin = now();
	pid_t pid = vfork();
	if (pid == 0) {
		shared = 2;
		struct timespec t = {0, 200 * MS};
		nanosleep(&t, NULL);
		_exit(3);
	}
	EQUAL(shared, 2);
	CHECK(now() - begin >= 200 * MS);
	int status = end(pid);
	CHECK(WIFEXITED(status));
	EQUAL(WEXITSTATUS(status), 3);
}

// The parent of vfork goes on when the child executes a program, and gets none of its changes.
static void vfork_exec(void)
{
	int64_t begin = now();
	pid_t pid = vfork();
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "1", NULL);
		_exit(1);
	}
	CHECK(now() - begin < 900 * MS);
	PASSES(pid);
}

// wait4 tells how a child ended, and uses up the child.
static void wait_status(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0x1234);
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0x3400);
	FAILS(waitpid(pid, &status, 0), ECHILD);
	pid = fork();
	if (pid == 0)
		raise(SIGKILL);
	EQUAL(waitpid(-1, &status, 0), pid);
	EQUAL(status, SIGKILL);
	FAILS(waitpid(-1, &status, 0), ECHILD);
	FAILS(waitpid(-1, &status, WNOHANG), ECHILD);
	FAILS(waitpid(getpid(), &status, 0), ECHILD);
	FAILS(syscall(SYS_wait4, -1, &status, 0x100, NULL), EINVAL);
}

// With WNOHANG a wait for a child that lives returns 0.
static void wait_nohang(void)
{
	int status = 77;
	pid_t pid = start(sleep_forever);
	EQUAL(waitpid(pid, &status, WNOHANG), 0);
	EQUAL(status, 77);
	kill(pid, SIGTERM);
	KILLED(pid, SIGTERM);
}

// wait4 selects by pid, by group, by its own group, or takes any.
static void wait_selects(void)
{
	int status;
	pid_t a = fork();
	if (a == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	pid_t b = fork();
	if (b == 0)
		_exit(2);
	pid_t c = fork();
	if (c == 0)
		_exit(3);
	EQUAL(waitpid(c, &status, 0), c);
	EQUAL(waitpid(-a, &status, 0), a);
	EQUAL(WEXITSTATUS(status), 1);
	FAILS(waitpid(-a, &status, 0), ECHILD);
	EQUAL(waitpid(0, &status, 0), b);
	EQUAL(WEXITSTATUS(status), 2);
}

// waitid fills in a siginfo, and with WNOWAIT leaves the child to be waited for.
static void waitid_tells(void)
{
	siginfo_t info;
	pid_t pid = fork();
	if (pid == 0)
		_exit(9);
	for (int i = 0; i < 2; i++) {
		memset(&info, 0, sizeof info);
		CHECK(waitid(P_PID, pid, &info, WEXITED | (i == 0 ? WNOWAIT : 0)) == 0);
		EQUAL(info.si_signo, SIGCHLD);
		EQUAL(info.si_code, CLD_EXITED);
		EQUAL(info.si_pid, pid);
		EQUAL(info.si_uid, getuid());
		EQUAL(info.si_status, 9);
	}
	FAILS(waitid(P_PID, pid, &info, WEXITED), ECHILD);
	FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
	pid = start(sleep_forever);
	info.si_pid = 5;
	CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0);
	EQUAL(info.si_pid, 0);
	kill(pid, SIGKILL);
	CHECK(waitid(P_PGID, getpgrp(), &info, WEXITED) == 0);
	EQUAL(info.si_code, CLD_KILLED);
	EQUAL(info.si_status, SIGKILL);
}

static volatile sig_atomic_t count;
static siginfo_t got;

static void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	got = *info;
	count++;
}

// SIGCHLD tells how a child ended.
static void sigchld(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(12);
	int status = end(pid);
	CHECK(WIFEXITED(status));
	EQUAL(WEXITSTATUS(status), 12);
	EQUAL(count, 1);
	EQUAL(got.si_pid, pid);
	EQUAL(got.si_status, 12);
	EQUAL(got.si_signo, SIGCHLD);
	EQUAL(got.si_code, CLD_EXITED);
}

// If SIGCHLD is ignored, or has SA_NOCLDWAIT, children leave no zombie; wait lasts until all have ended.
static void no_zombies(void)
{
	for (int way = 0; way < 2; way++) {
		struct sigaction action = {.sa_flags = way ? SA_NOCLDWAIT : 0};
		action.sa_handler = way ? SIG_DFL : SIG_IGN;
		CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
		int64_t begin = now();
		for (int i = 0; i < 3; i++) {
			if (fork() == 0) {
				pause_ms(100 * (i + 1));
				_exit(0);
			}
		}
		int status;
		FAILS(wait(&status), ECHILD);
		CHECK(now() - begin >= 300 * MS);
	}
}

// An orphan is inherited by init.
static void orphan(void)
{
	int ends[2];
	pid_t father = 0;
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			pid_t first = getppid();
			while (getppid() == first)
				pause_ms(5);
			father = getppid();
			CHECK(write(ends[1], &father, sizeof father) == sizeof father);
			_exit(0);
		}
		pause_ms(50);
		_exit(0);
	}
	PASSES(pid);
	CHECK(read(ends[0], &father, sizeof father) == sizeof father);
	EQUAL(father, 1);
}

// A subreaper inherits the orphans among its descendants.
static void subreaper(void)
{
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	int is = 0;
	CHECK(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0);
	EQUAL(is, 1);
	pid_t self = getpid(), pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			while (getppid() != self)
				pause_ms(5);
			_exit(44);
		}
		_exit(0);
	}
	PASSES(pid);
	int status;
	CHECK(wait(&status) > 0);
	EQUAL(WEXITSTATUS(status), 44);
}

// PR_SET_PDEATHSIG sends a signal to a child when its parent ends.
static void parent_death_signal(void)
{
	int ends[2];
	char c;
	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			close(ends[0]);
			CHECK(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
			CHECK(write(ends[1], "r", 1) == 1);
			sleep_forever();
		}
		CHECK(read(ends[0], &c, 1) == 1);
		_exit(0);
	}
	close(ends[1]);
	PASSES(pid);
	EQUAL(read(ends[0], &c, 1), 0); // the end of the pipe: the child has gone
}

// The exit status is the low byte, whatever ends the process; exit_group too.
static void exit_status(void)
{
	int values[] = {0, 1, 255, 256, -1, 0x7f00};
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();
		if (pid == 0)
			syscall(i & 1 ? SYS_exit : SYS_exit_group, values[i]);
		int status = end(pid);
		EQUAL(status, (values[i] & 255) << 8);
	}
}

// setpgid puts a process or its child into a group of its session, until the child has executed a program.
static void process_groups(void)
{
	pid_t pid = start(sleep_forever);
	CHECK(setpgid(pid, pid) == 0);
	EQUAL(getpgid(pid), pid);
	CHECK(setpgid(pid, getpgrp()) == 0);
	EQUAL(getpgid(pid), getpgrp());
	FAILS(setpgid(pid, 0x3fffffff), EPERM);
	FAILS(setpgid(pid, -1), EINVAL);
	FAILS(setpgid(0x3fffffff, 0), ESRCH);
	FAILS(setpgid(getppid(), 0), ESRCH);
	kill(pid, SIGKILL);
	KILLED(pid, SIGKILL);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "30", NULL);
		_exit(1);
	}
	await(pid, 'S');
	FAILS(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	KILLED(pid, SIGKILL);
}

// setsid makes a session and a group; a group leader cannot, and a session leader stays in its group.
static void sessions(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		EQUAL(setsid(), getpid());
		EQUAL(getsid(0), getpid());
		EQUAL(getpgrp(), getpid());
		FAILS(setsid(), EPERM);
		FAILS(setpgid(0, 0), EPERM);
		FAILS(setpgid(0, getppid()), EPERM);
		pid_t child = fork();
		if (child == 0) {
			EQUAL(getsid(0), getppid());
			EQUAL(getpgrp(), getppid());
			CHECK(setpgid(0, 0) == 0);
			FAILS(setsid(), EPERM);
			_exit(0);
		}
		PASSES(child);
		_exit(0);
	}
	PASSES(pid);
	FAILS(getsid(0x3fffffff), ESRCH);
}

// kill with 0 and with a negative pid reaches a whole group.
static void kill_group(void)
{
	pid_t leader = fork();
	if (leader == 0) {
		setpgid(0, 0);
		struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
		CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
		pid_t pids[3];
		for (int i = 0; i < 3; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				while (count == 0)
					pause_ms(1);
				_exit(0);
			}
		}
		CHECK(kill(0, SIGUSR1) == 0);
		for (int i = 0; i < 3; i++)
			PASSES(pids[i]);
		EQUAL(count, 1);
		_exit(0);
	}
	PASSES(leader);
	FAILS(kill(-leader, 0), ESRCH);
}

// A process that has ended and was not waited for is a zombie, which can be signalled.
static void zombie(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	await(pid, 'Z');
	CHECK(kill(pid, SIGKILL) == 0);
	EQUAL(getpgid(pid), getpgrp());
	PASSES(pid);
	FAILS(kill(pid, 0), ESRCH);
	EQUAL(state(pid), 0);
}

// Clone flags: shared descriptors, a shared working directory, and combinations that are refused.
static void clone_flags(void)
{
	int fd = open("/dev/null", O_RDONLY);
	CHECK(mkdir("sub", 0755) == 0);
	pid_t pid = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid == 0) {
		close(fd);
		CHECK(chdir("sub") == 0);
		umask(077);
		_exit(0);
	}
	PASSES(pid);
	FAILS(fcntl(fd, F_GETFD), EBADF);
	char path[4096];
	CHECK(getcwd(path, sizeof path) != NULL);
	CHECK(strcmp(strrchr(path, '/'), "/sub") == 0);
	EQUAL(umask(022), 077);
	FAILS(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	FAILS(syscall(SYS_clone, CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
	FAILS(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
}

// A flag that the kernel does not know is refused: it may be there to keep the child from something.
static void unknown_flags(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
		uint64_t more;
	} args = {.exit_signal = SIGCHLD};
	const size_t size = offsetof(__typeof__(args), more);
	for (int bit = 34; bit < 64; bit++) { // after CLONE_CLEAR_SIGHAND and CLONE_INTO_CGROUP
		args.flags = 1ULL << bit;
		FAILS(syscall(SYS_clone3, &args, size), EINVAL);
		FAILS(syscall(SYS_unshare, args.flags), EINVAL);
	}
	for (int bit = 0; bit < 7; bit++) {
		args.flags = 1ULL << bit;
		FAILS(syscall(SYS_clone3, &args, size), EINVAL);
		FAILS(syscall(SYS_unshare, args.flags), EINVAL);
	}
	static const uint64_t none[] = {CLONE_VFORK, CLONE_PARENT, CLONE_SETTLS, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_PTRACE, CLONE_DETACHED, CLONE_IO};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		FAILS(syscall(SYS_unshare, none[i]), EINVAL);
	args.flags = CLONE_DETACHED;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.flags = CLONE_SIGHAND | CLONE_VM | 0x100000000ULL /* CLONE_CLEAR_SIGHAND */;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.flags = CLONE_PARENT;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.flags = 0;
	args.exit_signal = 65;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.exit_signal = 0x100 | SIGCHLD;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.exit_signal = SIGCHLD;
	args.stack_size = 4096;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.stack = -4096ULL;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.stack = args.stack_size = 0;
	args.set_tid_size = 1;
	FAILS(syscall(SYS_clone3, &args, size), EINVAL);
	args.set_tid_size = 0;
	args.more = 1;
	FAILS(syscall(SYS_clone3, &args, sizeof args), E2BIG);
	FAILS(syscall(SYS_clone3, &args, 5000), E2BIG);
	FAILS(syscall(SYS_clone3, &args, 63), EINVAL);
	FAILS(syscall(SYS_clone3, NULL, size), EFAULT);
	args.more = 0;
	pid_t pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		_exit(0);
	PASSES(pid);
	// The end of a child may be told by any number of eight bits, or not at all.
	pid = syscall(SYS_clone, 200, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(3);
	CHECK(pid > 0);
	int status;
	EQUAL(waitpid(pid, &status, __WALL), pid);
	EQUAL(status, 3 << 8);
}

// Clone writes the thread ids where it is asked to, and clears the child's at its end.
static void clone_tids(void)
{
	pid_t *ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(ids != MAP_FAILED);
	pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, &ids[0], &ids[1], 0);
	if (pid == 0)
		_exit(ids[1] == syscall(SYS_gettid) ? 0 : 1);
	PASSES(pid);
	EQUAL(ids[0], pid);
	EQUAL(ids[1], pid);
	CHECK(syscall(SYS_set_tid_address, &ids[2]) == syscall(SYS_gettid));
}

// prctl keeps the name of a process, in 15 bytes, and other properties.
static void process_name(void)
{
	char name[17] = "";
	CHECK(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0);
	CHECK(strcmp(name, "a-name-that-is-") == 0);
	EQUAL(prctl(PR_GET_DUMPABLE), 1);
	CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
	EQUAL(prctl(PR_GET_DUMPABLE), 0);
	FAILS(prctl(PR_SET_DUMPABLE, 7), EINVAL);
	EQUAL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EQUAL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	FAILS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	FAILS(prctl(0x7fffffff, 0, 0, 0, 0), EINVAL);
}

// A set of CPUs that a process is bound to goes to its children; at least one of the set must exist.
// Where they run is not looked at: Kevlar keeps the set and runs threads everywhere.
static void affinity(void)
{
	cpu_set_t all;
	FAILS(sched_getaffinity(-1, sizeof all, &all), ESRCH);
	CPU_ZERO(&all);
	CPU_SET(0, &all);
	FAILS(sched_setaffinity(-1, sizeof all, &all), ESRCH);
	// Where the structure is too large, or too small, its size tells what would fit.
	for (int size = 10; size <= 5000; size += 4990) {
		uint32_t attributes[24] = {size};
		FAILS(syscall(SYS_sched_setattr, 0, attributes, 0), E2BIG);
		EQUAL(attributes[0], 56);
	}
	uint32_t attributes[24] = {96, [23] = 1};
	FAILS(syscall(SYS_sched_setattr, 0, attributes, 0), E2BIG);
	EQUAL(attributes[0], 56);
	CHECK(syscall(SYS_sched_getattr, 0, attributes, sizeof attributes, 0) == 0);
	EQUAL(attributes[0], 56);

	cpu_set_t one;
	CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
	CHECK(CPU_COUNT(&all) >= 1);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
			break;
		}
	}
	CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		cpu_set_t now;
		CHECK(sched_getaffinity(0, sizeof now, &now) == 0);
		CHECK(CPU_EQUAL(&now, &one));
		_exit(0);
	}
	PASSES(pid);
	CPU_ZERO(&one);
	FAILS(sched_setaffinity(0, sizeof one, &one), EINVAL);
	FAILS(sched_setaffinity(0x3fffffff, sizeof all, &all), ESRCH);
	CHECK(sched_yield() == 0);
}

// Nice values are kept in their range, and only root lowers them.
static void nice_values(void)
{
	EQUAL(getpriority(PRIO_PROCESS, 0), 0);
	EQUAL(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
	CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
	EQUAL(getpriority(PRIO_PROCESS, 0), 5);
	CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0);
	EQUAL(getpriority(PRIO_PROCESS, 0), 19);
	CHECK(setpriority(PRIO_PROCESS, 0, -100) == 0);
	EQUAL(syscall(SYS_getpriority, PRIO_PROCESS, 0), 40);
	FAILS(setpriority(PRIO_PROCESS, 0x3fffffff, 0), ESRCH);
	FAILS(setpriority(9, 0, 0), EINVAL);
	CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
	CHECK(setuid(1000) == 0);
	FAILS(setpriority(PRIO_PROCESS, 0, 1), EACCES);
	CHECK(setpriority(PRIO_PROCESS, 0, 4) == 0);
}

// Resource usage counts the time of a process, and of children that were waited for.
static void resource_usage(void)
{
	struct rusage self, children;
	CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0);
	EQUAL(children.ru_utime.tv_sec + children.ru_utime.tv_usec, 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct rusage usage;
		do
			CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
		while (usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 < 50);
		_exit(0);
	}
	int status;
	struct rusage waited;
	EQUAL(wait4(pid, &status, 0, &waited), pid);
	EQUAL(status, 0);
	CHECK(waited.ru_utime.tv_sec * 1000 + waited.ru_utime.tv_usec / 1000 >= 50);
	CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0);
	CHECK(children.ru_utime.tv_sec * 1000 + children.ru_utime.tv_usec / 1000 >= 50);
	char *memory = malloc(20 << 20);
	CHECK(getrusage(RUSAGE_SELF, &self) == 0);
	long before = self.ru_maxrss, faults = self.ru_minflt;
	memset(memory, 1, 20 << 20);
	__asm__ volatile("" ::"r"(memory) : "memory");
	CHECK(getrusage(RUSAGE_SELF, &self) == 0);
	CHECK(self.ru_maxrss - before >= 18 << 10);
	CHECK(self.ru_minflt > faults);
	FAILS(getrusage(7, &self), EINVAL);
}

static const struct test tests[] = {
	TEST(fork_copies),
	TEST(fork_shares_files),
	TEST(vfork_shares),
	TEST(vfork_exec),
	TEST(wait_status),
	TEST(wait_nohang),
	TEST(wait_selects),
	TEST(waitid_tells),
	TEST(sigchld),
	TEST(no_zombies),
	TEST(orphan),
	TEST(subreaper),
	TEST(parent_death_signal),
	TEST(exit_status),
	TEST(process_groups),
	TEST(sessions),
	TEST(kill_group),
	TEST(zombie),
	TEST(clone_flags),
	TEST(unknown_flags),
	TEST(clone_tids),
	TEST(process_name),
	TEST(affinity),
	TEST(nice_values),
	TEST(resource_usage),
};
MAIN(tests)
