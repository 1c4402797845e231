// Panics while a page fault is resolved: of the program, or of the kernel when it copies to or from the
// program's memory with locks of its own held.
#include "panicking.h"
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <termios.h>

static int operation; // that is armed, or NONE

static void touch(void)
{
	char *page = map_page();
	arm(operation);
	EQUAL(page[3], 'i');
}

// fault has the panic in a page fault of the program.
static void fault(void)
{
	mount_panicfs();
	for (int i = 0; i < 3; i++) {
		operation = PAGE;
		DIES(touch);
		operation = NONE;
		LIVES(touch);
	}
	unmount_panicfs();
}

// private_write has it in a write to a private mapping, which copies the page.
static void write_private(void)
{
	int fd = open("m/a", O_RDWR);
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(page != MAP_FAILED);
	arm(operation);
	page[3] = 'x';
	EQUAL(page[2], 'n');
}

static void private_fault(void)
{
	mount_panicfs();
	operation = PAGE;
	DIES(write_private);
	operation = NONE;
	LIVES(write_private);
	unmount_panicfs();
}

static char *shared_page;

static int touch_shared(void *unused)
{
	arm(PAGE);
	return *(volatile char *)shared_page;
}

// shared_space has a process that shares the address space of the one that is killed: it goes on, with
// faults and with changes of the mappings.
static void shared_space(void)
{
	mount_panicfs();
	shared_page = map_page();
	char *stack = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	for (int i = 0; i < 3; i++) {
		long before = contained();
		KILLED(clone(touch_shared, stack + (1 << 16), CLONE_VM | SIGCHLD, 0), SIGKILL);
		EQUAL(contained() - before, 1);
		alarm(10);
		EQUAL(munmap(map_page(), 4096), 0);
	}
	EQUAL(shared_page[3], 'i');
	EQUAL(munmap(shared_page, 4096), 0);
	unmount_panicfs();
}

static int thread(void *unused)
{
	for (;;)
		pause();
	return 0;
}

static void touch_with_threads(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	for (int i = 0; i < 4; i++) {
		char *stack = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(stack != MAP_FAILED);
		CHECK(clone(thread, stack + (1 << 16), flags, 0) > 0);
	}
	touch();
}

// threads has other threads in the process: it is killed as a whole.
static void threads(void)
{
	mount_panicfs();
	operation = PAGE;
	DIES(touch_with_threads);
	unmount_panicfs();
}

// What the calls below use; all children share it.
static int pipe_ends[2], master, slave, file, event, epoll;
static uint32_t *word;

static void on_signal(int sig) {}

// A call copies to or from the page.
struct call {
	const char *name;
	void (*run)(char *page);
};

static void pipe_write(char *page) { EQUAL(write(pipe_ends[1], page, 5), 5); }
static void pipe_read(char *page)
{
	EQUAL(write(pipe_ends[1], "abcde", 5), 5);
	EQUAL(read(pipe_ends[0], page, 5), 5);
}
static void tty_write(char *page) { EQUAL(write(slave, page, 5), 5); }
static void tty_read(char *page)
{
	EQUAL(write(master, "line\n", 5), 5);
	EQUAL(read(slave, page, 5), 5);
}
static void pty_write(char *page) { EQUAL(write(master, page, 5), 5); }
static void pty_read(char *page)
{
	EQUAL(write(slave, "abcde", 5), 5);
	CHECK(read(master, page, 5) > 0);
}
static void tty_settings(char *page) { EQUAL(ioctl(slave, TCGETS, page), 0); }
static void file_write(char *page) { EQUAL(pwrite(file, page, 5, 0), 5); }
static void file_append(char *page)
{
	lseek(file, 0, SEEK_SET);
	EQUAL(write(file, page, 5), 5);
}
static void file_read(char *page)
{
	lseek(file, 0, SEEK_SET);
	EQUAL(read(file, page, 5), 5);
}
static void file_vector(char *page)
{
	struct iovec *v = (struct iovec *)page;
	CHECK(preadv(file, v, 1, 0) <= 0);
}
static void send_offset(char *page) { CHECK(sendfile(pipe_ends[1], file, (off_t *)page, 0) <= 0); }
static void event_write(char *page) { EQUAL(write(event, page, 8), 8); }
static void event_read(char *page)
{
	uint64_t one = 1;
	EQUAL(write(event, &one, 8), 8);
	EQUAL(read(event, page, 8), 8);
}
static void epoll_events(char *page)
{
	uint64_t one = 1;
	EQUAL(write(event, &one, 8), 8);
	EQUAL(epoll_wait(epoll, (void *)page, 1, 1000), 1);
}
static void poll_array(char *page) { CHECK(poll((void *)page, 1, 0) >= 0); }
static void select_sets(char *page) { EQUAL(select(20, 0, (void *)(page + 2048), 0, &(struct timeval){0}), 0); }
static void path(char *page)
{
	struct stat st;
	FAILS(stat(page, &st), ENOENT);
}
static void stat_result(char *page) { EQUAL(stat("m", (void *)page), 0); }
static void directory(char *page)
{
	int fd = open("/proc/self", O_RDONLY);
	CHECK(syscall(SYS_getdents64, fd, page, 1000) > 0);
	fd = open("/", O_RDONLY);
	CHECK(syscall(SYS_getdents64, fd, page, 1000) > 0);
}
static void root_directory(char *page)
{
	int fd = open("/", O_RDONLY);
	CHECK(syscall(SYS_getdents64, fd, page, 1000) > 0);
}
static void proc_file(char *page)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	CHECK(read(fd, page, 1000) > 0);
}
static void random_bytes(char *page) { EQUAL(syscall(SYS_getrandom, page, 100, 0), 100); }
static void futex_word(char *page) { FAILS(syscall(SYS_futex, page, FUTEX_WAIT, 1, 0, 0, 0), EAGAIN); }
static void futex_requeue(char *page)
{
	CHECK(syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 1, 1, page, 0) >= 0);
	FAILS(syscall(SYS_futex, page, FUTEX_CMP_REQUEUE, 1, 1, word, 1), EAGAIN);
}
static void futex_operation(char *page)
{
	CHECK(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1, page, FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)) >= 0);
}
static void pipe_result(char *page) { EQUAL(pipe((int *)page), 0); }
static void signal_action(char *page) { EQUAL(syscall(SYS_rt_sigaction, SIGUSR1, 0, page, 8), 0); }
static void signal_mask(char *page) { EQUAL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, page, 8), 0); }
static void signal_info(char *page)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, 0);
	raise(SIGUSR2);
	EQUAL(syscall(SYS_rt_sigtimedwait, &set, page, 0, 8), SIGUSR2);
}
static void signal_frame(char *page)
{
	stack_t s = {.ss_sp = page, .ss_size = 4096};
	EQUAL(sigaltstack(&s, 0), 0);
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	EQUAL(sigaction(SIGUSR1, &a, 0), 0);
	raise(SIGUSR1);
}
static void wait_status(char *page)
{
	CHECK(fork() != 0 || (_exit(3), 0));
	CHECK(wait((int *)page) > 0);
}
static void clone_tid(char *page)
{
	long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, page, 0, 0);
	if (pid == 0)
		_exit(0);
	EQUAL(end(pid), 0);
}
static void exec_path(char *page)
{
	char *argv[] = {"x", 0};
	FAILS(execve(page, argv, argv), ENOENT);
}
static void exec_argument(char *page)
{
	char *argv[] = {"true", page, 0};
	CHECK(execve("/bin/true", argv, argv + 2) == 0);
}
static void exec_vector(char *page)
{
	char *argv[] = {"true", 0};
	CHECK(execve("/bin/true", argv, (char **)(page + 2048)) == 0);
}
static void sleep_time(char *page) { CHECK(nanosleep((void *)(page + 2048), 0) == 0); }
static void resources(char *page) { EQUAL(getrusage(RUSAGE_SELF, (void *)page), 0); }
static void name_of_system(char *page) { EQUAL(uname((void *)page), 0); }
static void working_directory(char *page) { CHECK(syscall(SYS_getcwd, page, 4096) > 0); }
static void core_map(char *page) { EQUAL(mincore((void *)((long)&word & -4096), 1, (void *)page), 0); }
static void descriptor_lock(char *page) { CHECK(fcntl(file, F_GETLK, page + 2048) <= 0); }
static void mount_options(char *page)
{
	EQUAL(mount("none", "m/d", "tmpfs", 0, page + 2048), 0);
	EQUAL(umount("m/d"), 0);
}

#define CALL(name) {#name, name}
static const struct call calls[] = {
	CALL(pipe_write), CALL(pipe_read), CALL(tty_write), CALL(tty_read), CALL(pty_write), CALL(pty_read),
	CALL(tty_settings), CALL(file_write), CALL(file_append), CALL(file_read), CALL(file_vector),
	CALL(event_write), CALL(event_read), CALL(epoll_events), CALL(poll_array), CALL(select_sets),
	CALL(send_offset), CALL(path), CALL(stat_result), CALL(directory), CALL(root_directory), CALL(proc_file),
	CALL(random_bytes), CALL(futex_word), CALL(futex_requeue), CALL(futex_operation), CALL(pipe_result),
	CALL(signal_action), CALL(signal_mask), CALL(signal_info), CALL(signal_frame), CALL(wait_status),
	CALL(clone_tid), CALL(exec_path), CALL(exec_argument), CALL(exec_vector), CALL(sleep_time), CALL(resources),
	CALL(name_of_system), CALL(working_directory), CALL(core_map), CALL(descriptor_lock), CALL(mount_options),
};

static const struct call *call;

// clear_page undoes what calls have written.
static void clear_page(void)
{
	static char zero[4096];
	int fd = open("m/a", O_RDWR);
	EQUAL(pwrite(fd, zero, sizeof zero, 0), sizeof zero);
	close(fd);
}

// use_page makes the call with a page that the kernel has to fetch.
static void use_page(void)
{
	char *page = map_page();
	alarm(10);
	arm(operation);
	call->run(page);
}

// make_objects makes what the calls use, with nothing in it that they might wait for.
static void make_objects(void)
{
	EQUAL(pipe(pipe_ends), 0);
	EQUAL(openpty(&master, &slave, 0, 0, 0), 0);
	file = open("file", O_RDWR | O_CREAT, 0644);
	CHECK(file >= 0);
	EQUAL(write(file, "content", 7), 7);
	event = eventfd(0, EFD_NONBLOCK);
	epoll = epoll_create1(0);
	EQUAL(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &(struct epoll_event){.events = EPOLLIN}), 0);
	word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
}

// copies has the panic in every call that copies, and the same call without it afterwards, with the same
// objects.
static void copies(void)
{
	mount_panicfs();
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		call = &calls[i];
		make_objects();
		clear_page();
		operation = PAGE;
		long before = contained();
		int status = end(start(use_page));
		if (status != SIGKILL || contained() != before + 1)
			fail(__FILE__, __LINE__, "%s: status %#x, %ld panics", call->name, status, contained() - before);
		operation = NONE;
		status = end(start(use_page));
		if (status != 0)
			fail(__FILE__, __LINE__, "%s afterwards: status %#x", call->name, status);
		int fds[] = {pipe_ends[0], pipe_ends[1], master, slave, file, event, epoll};
		for (int k = 0; k < 7; k++)
			EQUAL(close(fds[k]), 0);
		EQUAL(munmap(word, 4096), 0);
	}
	unmount_panicfs();
}

// free_memory returns the free memory in kB.
static long free_memory(void)
{
	char text[200] = "";
	int fd = open("/proc/meminfo", O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atol(strstr(text, "MemFree:") + 8);
}

// gives_back fails unless the address spaces come back of those who were killed, the ones they were
// making included.
static void gives_back(void)
{
	void (*runs[])(char *) = {pipe_write, file_read, exec_argument, clone_tid};
	struct call c = {"", 0};
	mount_panicfs();
	make_objects();
	operation = PAGE;
	call = &c;
	for (int i = 0; i < 4; i++) {
		c.run = runs[i];
		for (int k = 0; k < 10; k++)
			KILLED(start(use_page), SIGKILL);
		reap_orphans();
		long before = free_memory();
		for (int k = 0; k < 50; k++)
			KILLED(start(use_page), SIGKILL);
		reap_orphans();
		// An address space would be twice that. What the heap has grown by comes back some seconds later.
		long lost = 0;
		for (int k = 0; k < 150 && (lost = before - free_memory()) > 1000; k++)
			usleep(100000);
		if (lost > 1000)
			fail(__FILE__, __LINE__, "run %d: %ld kB are lost", i, lost);
	}
	unmount_panicfs();
}

static struct test tests[] = {
	TEST(fault),
	TEST(private_fault),
	TEST(shared_space),
	TEST(threads),
	TEST(copies),
	TEST(gives_back),
};
MAIN(tests)
