// Commands of BusyBox, as a shell script has them: each is a fork, an exec of "sh -c COMMAND" and the wait for
// it, in a folder of tmpfs, with the standard streams on /dev/null.

#include "measure.h"

#include <sys/stat.h>

#define FOLDER "/tmp/busybox"

static char *const environment[] = {"PATH=/bin:/usr/bin", "LC_ALL=C", 0};

static void run_command(const char *command)
{
	char *const argv[] = {"sh", "-c", (char *)command, 0}, *const direct[] = {"true", 0};
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execve("/bin/busybox", command ? argv : direct, environment);
		_exit(127);
	}
	await(pid);
}

static void run(long n)
{
	while (n-- > 0)
		run_command(current->command);
}

// text makes the files of which the commands read: 1,000 lines of text, a small one, a folder with 30 files, a
// tree, an archive of it, 1 MiB, a configuration.
static void text(void)
{
	FILE *f;
	NEED(mkdir(FOLDER, 0755) == 0 && chdir(FOLDER) == 0);
	NEED(f = fopen("lines", "w"));
	for (unsigned i = 0; i < 1000; i++)
		fprintf(f, "line %u of the text, %s %u\n", i, i % 7 ? "ordinary" : "remarkable", i * 2654435761u);
	NEED(fclose(f) == 0);
	NEED(f = fopen("large", "w"));
	for (unsigned i = 0; ftell(f) < 1 << 20; i++)
		fprintf(f, "%u word%u %s\n", i * 2654435761u % 100000, i % 100, i % 3 ? "even" : "odd");
	NEED(fclose(f) == 0);
	NEED(f = fopen("config", "w"));
	for (int i = 0; i < 50; i++)
		fprintf(f, "# setting %d\nkey%d = value %d\n\n", i, i, i);
	NEED(fclose(f) == 0);
	run_command("head -c 1000 lines >small; mkdir folder; for i in $(seq 30); do : >folder/file$i; done;"
		    "for a in 1 2 3 4 5; do mkdir -p tree/a$a/b tree/a$a/c; for i in 1 2 3 4; do cp small tree/a$a/b/f$i; done; done;"
		    "tar -cf tree.tar tree; gzip -c lines >lines.gz");
}

static void remove_text(void)
{
	run_command("rm -rf " FOLDER "/*");
	NEED(chdir("/") == 0 && rmdir(FOLDER) == 0);
}

#define COMMAND(name, few, many, command) {name, text, run, remove_text, few, many, 0, command}

static const struct row rows[] = {
	COMMAND("exec_true", 1, 11, 0),
	COMMAND("shell_noop", 1, 11, ":"),
	COMMAND("echo", 1, 11, "echo hello"),
	COMMAND("cp_small", 1, 6, "cp small copy"),
	COMMAND("dd", 1, 3, "dd if=/dev/zero of=zeros bs=4096 count=256 && rm zeros"),
	COMMAND("mkdir_deep", 1, 4, "mkdir -p d/d/d/d/d/d/d/d && rm -r d"),
	COMMAND("find_tree", 1, 4, "find tree"),
	COMMAND("ls_dir", 1, 4, "ls -l folder"),
	COMMAND("grep", 1, 4, "grep -c remarkable lines"),
	COMMAND("sed", 1, 3, "sed s/text/book/ lines"),
	COMMAND("awk", 1, 3, "awk '{ n += $2 } END { print n }' lines"),
	COMMAND("sort", 1, 3, "sort lines"),
	COMMAND("wc", 1, 4, "wc lines"),
	COMMAND("md5sum", 1, 4, "md5sum lines"),
	COMMAND("sha256sum", 1, 4, "sha256sum lines"),
	COMMAND("tar_create", 1, 3, "tar -cf new.tar tree"),
	COMMAND("tar_extract", 1, 3, "mkdir out && tar -xf tree.tar -C out && rm -r out"),
	COMMAND("gzip", 1, 3, "gzip -c lines"),
	COMMAND("gunzip", 1, 3, "gunzip -c lines.gz"),
	COMMAND("script_loop", 1, 3, "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); done"),
	COMMAND("config_parse", 1, 3, "while read -r k e v; do case $k in ''|'#'*) ;; *) eval \"$k='$v'\" ;; esac; done <config"),
	COMMAND("cat_devnull", 1, 6, "cat lines >/dev/null"),
	COMMAND("pipeline", 0, 1, "cat large | grep odd | sed s/word/w/ | sort | uniq | wc -l"),
};

MEASURE(rows)
