// Time: clocks, the vDSO, sleeping, interval timers and alarms.

#include "check.h"

#include <elf.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static volatile sig_atomic_t count;
static volatile int signal_number, signal_code, signal_value;

static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	signal_number = number;
	signal_code = info->si_code;
	signal_value = info->si_value.sival_int;
	count++;
}

static void handle(int number)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	CHECK(sigaction(number, &action, NULL) == 0);
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;
	CHECK(syscall(SYS_clock_gettime, clock, &t) == 0);
	CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void spin(int64_t nanoseconds)
{
	int64_t end = read_clock(CLOCK_PROCESS_CPUTIME_ID) + nanoseconds;
	while (read_clock(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 10000; i++)
			;
}

// function finds a function of the vDSO by its name.
static void *function(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	CHECK(base != NULL);
	Elf64_Ehdr *e = (Elf64_Ehdr *)base;
	Elf64_Phdr *p = (Elf64_Phdr *)(base + e->e_phoff);
	Elf64_Dyn *dynamic = NULL;
	char *load = NULL;
	for (int i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && load == NULL)
			load = base + p[i].p_offset - p[i].p_vaddr;
		if (p[i].p_type == PT_DYNAMIC)
			dynamic = (Elf64_Dyn *)(base + p[i].p_offset);
	}
	CHECK(load != NULL && dynamic != NULL);
	Elf64_Sym *symbols = NULL;
	char *strings = NULL;
	uint32_t *hash = NULL;
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		void *address = load + dynamic->d_un.d_ptr;
		if (dynamic->d_tag == DT_SYMTAB)
			symbols = address;
		if (dynamic->d_tag == DT_STRTAB)
			strings = address;
		if (dynamic->d_tag == DT_HASH)
			hash = address;
	}
	CHECK(symbols != NULL && strings != NULL && hash != NULL);
	for (uint32_t i = 0; i < hash[1]; i++) {
		if (symbols[i].st_shndx != SHN_UNDEF && strcmp(strings + symbols[i].st_name, name) == 0)
			return load + symbols[i].st_value;
	}
	return NULL;
}

// The vDSO and the system call read the same clocks: in turn they never go back.
static void vdso_agrees(void)
{
	int (*get)(clockid_t, struct timespec *) = function("__vdso_clock_gettime");
	CHECK(get != NULL);
	clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
			      CLOCK_MONOTONIC_RAW};
	for (int i = 0; i < 6; i++) {
		int64_t last = 0;
		for (int round = 0; round < 2000; round++) {
			struct timespec t;
			CHECK(get(clocks[i], &t) == 0);
			int64_t a = t.tv_sec * 1000000000LL + t.tv_nsec, b = read_clock(clocks[i]);
			if (a < last || b < a)
				fail(__FILE__, __LINE__, "clock %d goes back: %lld %lld %lld", clocks[i], (long long)last,
				     (long long)a, (long long)b);
			last = b;
		}
	}
	struct timespec t;
	CHECK(get(77, &t) != 0);
}

// The other functions of the vDSO: gettimeofday, time, getcpu.
static void vdso_others(void)
{
	int (*get)(struct timeval *, void *) = function("__vdso_gettimeofday");
	time_t (*seconds)(time_t *) = function("__vdso_time");
	int (*cpu)(unsigned *, unsigned *, void *) = function("__vdso_getcpu");
	CHECK(get != NULL && seconds != NULL && cpu != NULL);
	struct timeval v;
	int64_t before = read_clock(CLOCK_REALTIME) / 1000;
	CHECK(get(&v, NULL) == 0);
	int64_t between = v.tv_sec * 1000000LL + v.tv_usec;
	CHECK(before <= between && between <= read_clock(CLOCK_REALTIME) / 1000);
	time_t s, first = read_clock(CLOCK_REALTIME_COARSE) / 1000000000;
	CHECK(seconds(&s) == s);
	CHECK(s >= first && s <= read_clock(CLOCK_REALTIME) / 1000000000);
	unsigned number = 12345;
	CHECK(cpu(&number, NULL, NULL) == 0);
	CHECK(number < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

// The clocks that there are, their resolution, and those that there are not.
static void clocks(void)
{
	struct timespec t;
	CHECK(read_clock(CLOCK_REALTIME) > 1600000000LL * 1000000000);
	CHECK(read_clock(CLOCK_MONOTONIC) > 0);
	CHECK(read_clock(CLOCK_BOOTTIME) >= read_clock(CLOCK_MONOTONIC) - 1000 * MS);
	int64_t coarse = read_clock(CLOCK_REALTIME_COARSE), difference = read_clock(CLOCK_REALTIME) - coarse;
	CHECK(difference >= 0 && difference < 5000 * MS);
	clockid_t fine[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID};
	for (int i = 0; i < 5; i++) {
		CHECK(clock_getres(fine[i], &t) == 0);
		EQUAL(t.tv_sec * 1000000000LL + t.tv_nsec, 1);
	}
	FAILS(syscall(SYS_clock_gettime, 77, &t), EINVAL);
	FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
	FAILS(syscall(SYS_clock_getres, 77, &t), EINVAL);
	t.tv_sec = 1;
	FAILS(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t), EINVAL);
	CHECK(setuid(1000) == 0);
	FAILS(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EPERM);
}

// The clock of a process counts its computing, not its sleeping; times and getrusage agree.
static void cpu_time(void)
{
	int64_t begin = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	pause_ms(200);
	CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) - begin < 150 * MS);
	spin(100 * MS);
	int64_t used = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	CHECK(read_clock(CLOCK_THREAD_CPUTIME_ID) >= 100 * MS);
	struct rusage usage;
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	int64_t sum = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
		      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
	CHECK(sum >= used - 30 * MS && sum <= used + 200 * MS);
	struct tms t;
	CHECK(times(&t) != (clock_t)-1);
	CHECK((t.tms_utime + t.tms_stime) * 10 * MS >= used - 50 * MS);
}

// A sleep lasts as long as it is told to, by an interval or until a time.
static void sleeping(void)
{
	struct timespec t = {0, 120 * MS};
	int64_t begin = now();
	CHECK(nanosleep(&t, NULL) == 0);
	CHECK(now() - begin >= 120 * MS);
	t = (struct timespec){0, 1000000000};
	FAILS(nanosleep(&t, NULL), EINVAL);
	t = (struct timespec){-1, 0};
	FAILS(nanosleep(&t, NULL), EINVAL);
	int64_t until = now() + 100 * MS;
	t = (struct timespec){until / 1000000000, until % 1000000000};
	EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(now() >= until);
	begin = now();
	EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(now() - begin < 5000 * MS);
	until = read_clock(CLOCK_REALTIME) + 100 * MS;
	t = (struct timespec){until / 1000000000, until % 1000000000};
	EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(read_clock(CLOCK_REALTIME) >= until);
	EQUAL(clock_nanosleep(77, 0, &t, NULL), EINVAL);
}

// alarm sends SIGALRM once; it tells what was left, and is not inherited, but kept by exec.
static void alarms(void)
{
	handle(SIGALRM);
	EQUAL(alarm(100), 0);
	unsigned left = alarm(1);
	CHECK(left >= 90 && left <= 100);
	int64_t begin = now();
	pause();
	CHECK(now() - begin >= 900 * MS);
	EQUAL(count, 1);
	EQUAL(signal_code, SI_KERNEL);
	EQUAL(alarm(100), 0);
	pid_t pid = fork();
	if (pid == 0) {
		EQUAL(alarm(0), 0);
		_exit(0);
	}
	PASSES(pid);
	CHECK(alarm(0) > 50);
	EQUAL(alarm(0), 0);
}

// ITIMER_REAL goes off again and again, until it is stopped.
static void real_timer(void)
{
	struct itimerval t = {{0, 20000}, {0, 50000}}, old;
	handle(SIGALRM);
	int64_t begin = now();
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	CHECK(getitimer(ITIMER_REAL, &old) == 0);
	EQUAL(old.it_interval.tv_usec, 20000);
	CHECK(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 50000);
	while (count < 5)
		pause();
	CHECK(now() - begin >= 130 * MS);
	memset(&t, 0, sizeof t);
	CHECK(setitimer(ITIMER_REAL, &t, &old) == 0);
	EQUAL(old.it_interval.tv_usec, 20000);
	CHECK(getitimer(ITIMER_REAL, &old) == 0);
	EQUAL(old.it_value.tv_usec + old.it_interval.tv_usec, 0);
	int before = count;
	pause_ms(60);
	EQUAL(count, before);
	t.it_value.tv_usec = 1000000;
	FAILS(syscall(SYS_setitimer, ITIMER_REAL, &t, NULL), EINVAL);
	FAILS(syscall(SYS_setitimer, 9, &old, NULL), EINVAL);
}

// ITIMER_VIRTUAL and ITIMER_PROF count the time that the process computes.
static void cpu_timers(void)
{
	struct itimerval t = {{0, 0}, {0, 400000}};
	int timers[] = {ITIMER_VIRTUAL, ITIMER_PROF}, numbers[] = {SIGVTALRM, SIGPROF};
	for (int i = 0; i < 2; i++) {
		handle(numbers[i]);
		count = 0;
		CHECK(setitimer(timers[i], &t, NULL) == 0);
		pause_ms(500);
		EQUAL(count, 0);
		int64_t limit = now() + 20000 * MS;
		while (count == 0) {
			spin(5 * MS);
			CHECK(now() < limit);
		}
		EQUAL(signal_number, numbers[i]);
		EQUAL(count, 1);
	}
}

// RLIMIT_CPU sends SIGXCPU, and SIGKILL at the hard limit.
static void cpu_limit(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit limit = {1, 5};
		CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
		for (;;)
			;
	}
	KILLED(pid, SIGXCPU);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = {1, 2};
		CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
		signal(SIGXCPU, SIG_IGN);
		for (;;)
			;
	}
	KILLED(pid, SIGKILL);
}

// Timers of timer_create carry their value, count overruns, and can be read and deleted.
static void posix_timers(void)
{
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 77};
	struct itimerspec t = {{0, 10 * MS}, {0, 30 * MS}}, old;
	handle(SIGRTMIN + 1);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_gettime(timer, &old) == 0);
	EQUAL(old.it_value.tv_nsec, 0);
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	while (count < 3)
		pause();
	EQUAL(signal_code, SI_TIMER);
	EQUAL(signal_value, 77);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pause_ms(100);
	siginfo_t info;
	EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 1);
	CHECK(timer_getoverrun(timer) >= 4);
	CHECK(timer_delete(timer) == 0);
	FAILS(syscall(SYS_timer_delete, (int)(intptr_t)timer), EINVAL);
}

// timer_cost returns how long a sleep of 200 ms takes, in milliseconds.
static int64_t timer_cost(void)
{
	struct timespec begin, end;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
	pause_ms(200);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
	return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / MS;
}

static void many(int n, int notify, int signo)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = signo};
	struct itimerspec t = {{0, 1000}, {0, 1000}};
	for (int i = 0; i < n; i++) {
		timer_t timer;
		CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
		CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	}
}

static void quiet_timers(void)
{
	// Timers whose expiries nobody is told of cost nothing, however short they are.
	many(400, SIGEV_NONE, 0);
	signal(SIGUSR2, SIG_IGN);
	many(100, SIGEV_SIGNAL, SIGUSR2);
	CHECK(timer_cost() < 5000);

	// What has passed is reckoned when somebody asks.
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct itimerspec t = {{0, 20 * MS}, {0, 20 * MS}}, left;
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	pause_ms(50);
	CHECK(timer_gettime(timer, &left) == 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20 * MS);
	EQUAL(timer_getoverrun(timer), 0);
	t.it_interval.tv_nsec = 0;
	t.it_value.tv_nsec = MS;
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	pause_ms(10);
	CHECK(timer_gettime(timer, &left) == 0);
	EQUAL(left.it_value.tv_nsec, 0);
}

static void ignored_timers(void)
{
	// An ignored signal does not end the interval of a POSIX timer.
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
	struct itimerspec t = {{0, 10 * MS}, {0, 10 * MS}};
	signal(SIGRTMIN + 2, SIG_IGN);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	pause_ms(50);
	handle(SIGRTMIN + 2);
	while (count < 3)
		pause();
	CHECK(timer_delete(timer) == 0);

	// It ends that of an interval timer, until a signal of that number is taken.
	struct itimerval i = {{0, 10000}, {0, 10000}}, old;
	signal(SIGALRM, SIG_IGN);
	CHECK(setitimer(ITIMER_REAL, &i, NULL) == 0);
	pause_ms(50);
	CHECK(getitimer(ITIMER_REAL, &old) == 0);
	EQUAL(old.it_value.tv_usec, 0);
	EQUAL(old.it_interval.tv_usec, 10000);
	count = 0;
	handle(SIGALRM);
	pause_ms(50);
	EQUAL(count, 0);
	CHECK(kill(getpid(), SIGALRM) == 0);
	CHECK(count >= 1); // the interval may have ended again by now
	while (count < 3)
		pause();
}

static void set_while_pending(void)
{
	// A timer that is set while its signal is pending begins anew.
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	struct itimerspec t = {{0, 1 * MS}, {0, 1 * MS}}, later = {{10, 0}, {10, 0}}, left;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	pause_ms(20);
	CHECK(timer_settime(timer, 0, &later, NULL) == 0);
	siginfo_t info;
	EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + 3);
	CHECK(timer_gettime(timer, &left) == 0);
	CHECK(left.it_value.tv_sec < 10);
	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
	pause_ms(20);
	CHECK(timer_delete(timer) == 0);

	// The signal of a timer that is gone stays, and counts.
	struct rlimit limit = {16, 16};
	CHECK(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
	int made = 0;
	for (; made < 100 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; made++) {
		CHECK(timer_settime(timer, 0, &t, NULL) == 0);
		pause_ms(3);
		CHECK(timer_delete(timer) == 0);
	}
	CHECK(made <= 16);
	FAILS(timer_create(CLOCK_MONOTONIC, &event, &timer), EAGAIN);
}

static timer_t of_thread;

static void *time_itself(void *unused)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec t = {{0, 10 * MS}, {0, 10 * MS}};
	CHECK(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &of_thread) == 0);
	CHECK(timer_settime(of_thread, 0, &t, NULL) == 0);
	return unused;
}

// The clock of a thread ends with it; its timers stay.
static void thread_clock_ends(void)
{
	handle(SIGRTMIN);
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, time_itself, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	pause_ms(20); // it may not be quite gone yet
	count = 0;
	struct itimerspec t = {{0, 10 * MS}, {0, 10 * MS}};
	CHECK(timer_gettime(of_thread, &t) == 0);
	EQUAL(t.it_value.tv_nsec, 0);
	EQUAL(t.it_interval.tv_nsec, 0);
	t.it_value.tv_nsec = 1;
	FAILS(timer_settime(of_thread, 0, &t, NULL), ESRCH);
	spin(50 * MS);
	EQUAL(count, 0);
	EQUAL(timer_getoverrun(of_thread), 0);
	CHECK(timer_delete(of_thread) == 0);
	FAILS(timer_gettime(of_thread, &t), EINVAL);
}

// Setting the wall clock moves sleeps and timers until times of it, and no others.
static void set_wall_clock(void)
{
	struct timespec real, until;
	CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
	until = real;
	until.tv_sec += 3600;
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0);
		_exit(0);
	}
	struct itimerspec t = {.it_value = until}, hour = {.it_value.tv_sec = 3600};
	int fd = timerfd_create(CLOCK_REALTIME, 0), other = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) == 0);
	CHECK(timerfd_settime(other, 0, &hour, NULL) == 0);
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	CHECK(timer_settime(timer, TIMER_ABSTIME, &t, NULL) == 0);
	usleep(50000); // the child sleeps
	CHECK(clock_settime(CLOCK_REALTIME, &until) == 0);
	uint64_t expired = 0;
	CHECK(read(fd, &expired, sizeof expired) == sizeof expired);
	EQUAL(expired, 1);
	EQUAL(sigwaitinfo(&set, NULL), SIGUSR1);
	PASSES(pid);
	FAILS(read(other, &expired, sizeof expired), EAGAIN);
	CHECK(timerfd_gettime(other, &t) == 0);
	CHECK(t.it_value.tv_sec > 3500);
	CHECK(clock_settime(CLOCK_REALTIME, &real) == 0);
}

static const struct test tests[] = {
	TEST(vdso_agrees),
	TEST(vdso_others),
	TEST(clocks),
	TEST(cpu_time),
	TEST(sleeping),
	TEST(alarms),
	TEST(real_timer),
	TEST(cpu_timers),
	TEST(cpu_limit),
	TEST(posix_timers),
	TEST(quiet_timers),
	TEST(ignored_timers),
	TEST(set_while_pending),
	TEST(thread_clock_ends),
	TEST(set_wall_clock),
};
MAIN(tests)
