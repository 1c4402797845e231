// Terminals: the line discipline, control characters, jobs, window size, the ends of a pty.

#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void open_pty(void)
{
	int unlock = 0, number;
	char name[40];
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(master >= 0);
	CHECK(ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	FAILS(open(name, O_RDWR | O_NOCTTY), EIO); // locked
	CHECK(ioctl(master, TIOCSPTLCK, &unlock) == 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
}

static void type(const char *keys)
{
	CHECK(write(master, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

// shows fails unless the next output of the terminal is the text.
static void shows(const char *text)
{
	char output[500] = "";
	size_t length = strlen(text), have = 0;
	struct pollfd p = {master, POLLIN, 0};
	while (have < length && poll(&p, 1, 10000) == 1) {
		ssize_t n = read(master, output + have, length - have);
		CHECK(n > 0);
		have += n;
	}
	if (have != length || memcmp(output, text, length) != 0)
		fail(__FILE__, __LINE__, "the terminal shows \"%.*s\", not \"%s\"", (int)have, output, text);
}

static void shows_nothing(void)
{
	struct pollfd p = {master, POLLIN, 0};
	EQUAL(poll(&p, 1, 100), 0);
}

static void reads(const char *text)
{
	char input[5000];
	ssize_t n = read(slave, input, sizeof input);
	if (n != (ssize_t)strlen(text) || memcmp(input, text, n) != 0)
		fail(__FILE__, __LINE__, "a program reads \"%.*s\", not \"%s\"", (int)n, input, text);
}

static int readable(void)
{
	struct pollfd p = {slave, POLLIN, 0};
	return poll(&p, 1, 0);
}

static void set_local(tcflag_t on, tcflag_t off)
{
	struct termios t;
	CHECK(tcgetattr(slave, &t) == 0);
	t.c_lflag = (t.c_lflag | on) & ~off;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
}

// A new terminal has the settings of Linux.
static void initial_settings(void)
{
	struct termios t;
	open_pty();
	CHECK(tcgetattr(slave, &t) == 0);
	EQUAL(t.c_iflag, ICRNL | IXON);
	EQUAL(t.c_oflag, OPOST | ONLCR);
	EQUAL(t.c_cflag, B38400 | CS8 | CREAD);
	EQUAL(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	EQUAL(t.c_cc[VINTR], 3);
	EQUAL(t.c_cc[VQUIT], 28);
	EQUAL(t.c_cc[VERASE], 127);
	EQUAL(t.c_cc[VKILL], 21);
	EQUAL(t.c_cc[VEOF], 4);
	EQUAL(t.c_cc[VSUSP], 26);
	EQUAL(t.c_cc[VSTART], 17);
	EQUAL(t.c_cc[VSTOP], 19);
	EQUAL(t.c_cc[VWERASE], 23);
	EQUAL(t.c_cc[VLNEXT], 22);
	EQUAL(t.c_cc[VMIN], 1);
	EQUAL(t.c_cc[VTIME], 0);
	CHECK(isatty(slave) && isatty(master));
	struct winsize w;
	CHECK(ioctl(slave, TIOCGWINSZ, &w) == 0);
	EQUAL(w.ws_row + w.ws_col, 0);
	int file = open("f", O_RDWR | O_CREAT, 0600);
	FAILS(tcgetattr(file, &t), ENOTTY);
}

// A line can be read when it is complete; what is typed is echoed; output gets its carriage returns.
static void lines(void)
{
	open_pty();
	type("hel");
	shows("hel");
	EQUAL(readable(), 0);
	type("lo\r");
	shows("lo\r\n");
	EQUAL(readable(), 1);
	int waiting;
	CHECK(ioctl(slave, FIONREAD, &waiting) == 0);
	EQUAL(waiting, 6);
	type("next\n");
	shows("next\r\n");
	reads("hello\n");
	reads("next\n");
	CHECK(write(slave, "out\nput", 7) == 7);
	shows("out\r\nput");
	char c;
	type("ab\n");
	EQUAL(read(slave, &c, 1), 1);
	EQUAL(c, 'a');
	reads("b\n");
}

// Erase, word erase, kill and literal next edit a line.
static void editing(void)
{
	open_pty();
	type("abc\177\177x\n");
	shows("abc\b \b\b \bx\r\n");
	reads("ax\n");
	type("two words\027W\n");
	reads("two W\n");
	type("gone\025kept\n");
	reads("kept\n");
	type("a\026\003b\n");
	reads("a\003b\n");
	type("\177\177ok\n");
	reads("ok\n");
	type("a\001\177b\n");
	reads("ab\n");
}

// End of file ends a line without a newline, and reads as 0 at the start of one.
static void end_of_file(void)
{
	char c;
	open_pty();
	type("part\004");
	reads("part");
	type("\004");
	EQUAL(read(slave, &c, 1), 0);
	type("line\n\004");
	reads("line\n");
	EQUAL(read(slave, &c, 1), 0);
	type("x\n");
	reads("x\n");
}

// Without ECHO nothing is shown; control characters are shown with a caret.
static void echoing(void)
{
	open_pty();
	type("a\001\n");
	shows("a^A\r\n");
	reads("a\001\n");
	set_local(0, ECHO);
	type("secret\n");
	reads("secret\n");
	shows_nothing();
	set_local(ECHONL, 0);
	type("x\n");
	shows("\r\n");
}

// Without ICANON bytes are there at once; VMIN and VTIME say how long to wait.
static void raw_mode(void)
{
	struct termios t;
	char text[10];
	open_pty();
	CHECK(tcgetattr(slave, &t) == 0);
	cfmakeraw(&t);
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	type("a\r\003\004");
	EQUAL(read(slave, text, 10), 4);
	CHECK(memcmp(text, "a\r\003\004", 4) == 0);
	shows_nothing();
	CHECK(write(slave, "a\nb", 3) == 3);
	shows("a\nb");
	t.c_cc[VMIN] = 0;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	EQUAL(read(slave, text, 10), 0);
	t.c_cc[VTIME] = 2;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	int64_t begin = now();
	EQUAL(read(slave, text, 10), 0);
	CHECK(now() - begin >= 180 * MS);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	type("xy");
	EQUAL(readable(), 0);
	type("z");
	EQUAL(readable(), 1);
	EQUAL(read(slave, text, 10), 3);
	t.c_cc[VTIME] = 2;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	type("1");
	EQUAL(read(slave, text, 10), 1);
}

// Stop and start hold the output back and let it go.
static void flow_control(void)
{
	open_pty();
	type("\023");
	shows_nothing();
	pid_t pid = fork();
	if (pid == 0)
		_exit(write(slave, "held", 4) == 4 ? 0 : 1);
	shows_nothing();
	type("\021");
	shows("held");
	PASSES(pid);
	CHECK(tcflow(slave, TCOOFF) == 0);
	CHECK(tcflow(slave, TCOON) == 0);
	CHECK(write(slave, "x", 1) == 1);
	shows("x");
	type("thrown away");
	CHECK(tcflush(slave, TCIFLUSH) == 0);
	type("kept\n");
	reads("kept\n");
}

// Without a reader at the other end: EIO at the master, end of file at the slave, and POLLHUP.
static void hang_up(void)
{
	char c;
	open_pty();
	struct pollfd p = {master, POLLIN, 0};
	CHECK(write(slave, "last", 4) == 4);
	close(slave);
	shows("last");
	FAILS(read(master, &c, 1), EIO);
	EQUAL(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLHUP);
	open_pty();
	close(master);
	EQUAL(read(slave, &c, 1), 0);
	FAILS(write(slave, "x", 1), EIO);
	p = (struct pollfd){slave, POLLIN, 0};
	EQUAL(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLHUP);
}

static volatile sig_atomic_t counts[65]; // of signals by number

static void note(int number)
{
	counts[number]++;
}

static void wait_for(int number)
{
	for (int i = 0; i < 2000 && counts[number] == 0; i++)
		pause_ms(10);
	CHECK(counts[number] > 0);
}

// lead makes this process the leader of a session with the terminal; the rest of the test runs in it.
static void lead(void)
{
	CHECK(setsid() > 0);
	CHECK(ioctl(slave, TIOCSCTTY, 0) == 0);
}

// session runs a function in a new session with a terminal of its own.
static void session(void (*run)(void))
{
	open_pty();
	pid_t pid = fork();
	if (pid == 0) {
		lead();
		run();
		_exit(0);
	}
	PASSES(pid);
}

static void check_control(void)
{
	EQUAL(tcgetsid(slave), getpid());
	EQUAL(tcgetpgrp(slave), getpgrp());
	int tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0);
	CHECK(write(tty, "here", 4) == 4);
	shows("here");
	FAILS(tcsetpgrp(slave, 0x3fffffff), ESRCH);
	pid_t pid = fork();
	if (pid == 0) { // a group in front must be of the session
		setsid();
		FAILS(open("/dev/tty", O_RDWR), ENXIO);
		FAILS(tcgetpgrp(slave), ENOTTY);
		_exit(0);
	}
	PASSES(pid);
	int saved = slave;
	open_pty();
	FAILS(ioctl(slave, TIOCSCTTY, 0), EPERM); // a session has one terminal only
	slave = saved;
	signal(SIGHUP, SIG_IGN);
	CHECK(ioctl(slave, TIOCNOTTY) == 0);
	FAILS(open("/dev/tty", O_RDWR), ENXIO);
}

// The leader of a session gets a controlling terminal, which is /dev/tty, and may give it up.
static void controlling_terminal(void)
{
	session(check_control);
}

static void check_signals(void)
{
	signal(SIGINT, note);
	signal(SIGQUIT, note);
	signal(SIGTSTP, note);
	type("abc");
	shows("abc");
	type("\003");
	wait_for(SIGINT);
	shows("^C");
	EQUAL(readable(), 0);
	type("x\n");
	reads("x\n"); // the interrupt threw the beginning of the line away
	type("\034");
	wait_for(SIGQUIT);
	type("\032");
	wait_for(SIGTSTP);
	set_local(0, ISIG);
	counts[SIGINT] = 0;
	type("\003\n");
	reads("\003\n");
	EQUAL(counts[SIGINT], 0);
}

// The control characters send SIGINT, SIGQUIT and SIGTSTP to the group in front.
static void signal_characters(void)
{
	session(check_signals);
}

static void use_terminal_from_behind(void)
{
	char c;
	struct termios t;
	setpgid(0, 0);
	signal(SIGTTOU, SIG_DFL);
	CHECK(write(slave, "w", 1) == 1); // without TOSTOP everybody may write
	CHECK(read(slave, &c, 1) == 1);   // stops with SIGTTIN
	EQUAL(c, 'r');
	kill(getpid(), SIGSTOP);
	CHECK(tcgetattr(slave, &t) == 0);
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0); // stops with SIGTTOU
	kill(getpid(), SIGSTOP);
	signal(SIGTTIN, SIG_IGN);
	FAILS(read(slave, &c, 1), EIO);
	signal(SIGTTOU, SIG_IGN);
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
}

static void stops_with(pid_t pid, int number)
{
	int status;
	EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	EQUAL(WSTOPSIG(status), number);
}

static void check_background(void)
{
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = start(use_terminal_from_behind);
	setpgid(pid, pid);
	stops_with(pid, SIGTTIN);
	CHECK(tcsetpgrp(slave, pid) == 0);
	EQUAL(tcgetpgrp(slave), pid);
	CHECK(kill(pid, SIGCONT) == 0);
	type("r\n");
	stops_with(pid, SIGSTOP);
	CHECK(tcsetpgrp(slave, getpgrp()) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	stops_with(pid, SIGTTOU);
	CHECK(tcsetpgrp(slave, pid) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	stops_with(pid, SIGSTOP);
	CHECK(tcsetpgrp(slave, getpgrp()) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	PASSES(pid);
}

// A group in the background is stopped by SIGTTIN when it reads, and by SIGTTOU when it changes the terminal.
static void background(void)
{
	session(check_background);
}

static void check_window(void)
{
	struct winsize w = {.ws_row = 50, .ws_col = 132};
	signal(SIGWINCH, note);
	CHECK(ioctl(master, TIOCSWINSZ, &w) == 0);
	wait_for(SIGWINCH);
	memset(&w, 0, sizeof w);
	CHECK(ioctl(slave, TIOCGWINSZ, &w) == 0);
	EQUAL(w.ws_row, 50);
	EQUAL(w.ws_col, 132);
	counts[SIGWINCH] = 0;
	CHECK(ioctl(master, TIOCSWINSZ, &w) == 0); // no change, no signal
	pause_ms(50);
	EQUAL(counts[SIGWINCH], 0);
}

// A change of the window's size is a SIGWINCH for the group in front.
static void window_size(void)
{
	session(check_window);
}

// When the terminal goes, the leader of its session gets SIGHUP, and when the leader ends, the group in front.
static void hang_up_signals(void)
{
	int ends[2];
	char c;
	CHECK(pipe(ends) == 0);
	open_pty();
	pid_t pid = fork();
	if (pid == 0) {
		close(master);
		close(ends[0]);
		lead();
		signal(SIGHUP, note);
		CHECK(write(ends[1], "r", 1) == 1);
		wait_for(SIGHUP);
		_exit(0);
	}
	CHECK(read(ends[0], &c, 1) == 1);
	close(slave);
	close(master);
	PASSES(pid);

	open_pty();
	pid_t leader = fork();
	if (leader == 0) {
		lead();
		if (fork() == 0) {
			signal(SIGHUP, note);
			CHECK(write(ends[1], "r", 1) == 1);
			wait_for(SIGHUP);
			CHECK(write(ends[1], "h", 1) == 1);
			_exit(0);
		}
		pause_ms(300);
		_exit(0);
	}
	PASSES(leader);
	CHECK(read(ends[0], &c, 1) == 1 && c == 'r');
	CHECK(read(ends[0], &c, 1) == 1 && c == 'h');
}

static const struct test tests[] = {
	TEST(initial_settings),
	TEST(lines),
	TEST(editing),
	TEST(end_of_file),
	TEST(echoing),
	TEST(raw_mode),
	TEST(flow_control),
	TEST(hang_up),
	TEST(controlling_terminal),
	TEST(signal_characters),
	TEST(background),
	TEST(window_size),
	TEST(hang_up_signals),
};
MAIN(tests)
