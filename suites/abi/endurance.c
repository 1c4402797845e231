// Many programs, one after the other: what each of them had comes back.

#include "check.h"

#include <fcntl.h>

// number returns the number behind a name in a file, or the file's first number if the name is "".
static long number(const char *file, const char *name)
{
	char text[4096] = "";
	int fd = open(file, O_RDONLY);
	if (fd < 0)
		return -1;
	CHECK(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	char *at = strstr(text, name);
	CHECK(at);
	return atol(at + strlen(name));
}

static long free_memory(void) { return number("/proc/meminfo", "MemFree:"); }

// goroutines returns how many the kernel has, -1 if it is not made of them.
static long goroutines(void) { return number("/proc/sys/kernel/kevlar/goroutines", ""); }

static void run_programs(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			execl("/bin/busybox", "true", NULL);
			_exit(127);
		}
		PASSES(pid);
	}
}

// Ten thousand programs take no more memory than a hundred, and leave nobody behind. The kernel has some
// seconds for what it does when it is idle.
static void ten_thousand_programs(void)
{
	run_programs(100);
	pause_ms(1000);
	long memory = free_memory(), threads = goroutines();
	run_programs(10000);
	long lost = 0, more = 0;
	for (int i = 0; i < 100; i++) {
		lost = memory - free_memory();
		more = goroutines() - threads;
		if (lost <= 1024 && more <= 0)
			return;
		pause_ms(100);
	}
	fail(__FILE__, __LINE__, "%ld kB and %ld goroutines are lost", lost, more);
}

static const struct test tests[] = {
	TEST(ten_thousand_programs),
};
MAIN(tests)
