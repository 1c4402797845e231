package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"kevlar/host/console"
	"kevlar/host/guest"
	"kevlar/host/progress"
	"kevlar/host/vm"
)

// runFlags are the flags of run alone.
type runFlags struct {
	machineFlags
	memGiven  bool // mem is no default
	initramfs string
	root      string
	init      string
	user      string
	dir       string
	env       []string
	copies    []string
	copyOuts  []string
	tty       bool
	log       string
	strace    bool
	gdb       bool
	dryRun    bool
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] [-- COMMAND [ARG...]]",
		Short: "Boot a machine and run a command in it, or a shell on this terminal",
		Long: `Boot a machine and run a command in it, or a shell on this terminal.

A command has the standard streams of this program, byte for byte, and its exit
status: the command's own, 128+N if signal N killed it, 124 after --timeout, 125
if Kevlar itself failed. A shell has this terminal, and so has a command with
--tty; exit ends the machine, and Ctrl-] typed three times kills it.

The root file system is a small one with BusyBox, or what --root or --initramfs
name. Kevlar's init, which runs COMMAND or the shell, is added to it in /kevlar.
Without a COMMAND an archive of --initramfs boots its own init instead, and so
does a tree of --root that has one and is no container's; --init chooses.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.memGiven = cmd.Flags().Changed("mem")
			status, err := f.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err == nil && status != 0 {
				err = exitStatus(status)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // the flags behind COMMAND are its own
	f.register(flags)
	flags.StringVar(&f.initramfs, "initramfs", "", "take the root file system from this cpio archive `FILE`, plain or gzip")
	flags.StringVar(&f.root, "root", "", "take the root file system from `DIR` or FILE.tar, such as a docker export")
	flags.StringVar(&f.init, "init", "", "first process: `PATH` of one in the root file system, or kevlar")
	flags.StringVarP(&f.user, "user", "u", "", "run as `USER[:GROUP]`, names or numbers")
	flags.StringVarP(&f.dir, "workdir", "w", "", "start in the folder `DIR` of the guest")
	flags.StringArrayVarP(&f.env, "env", "e", nil, "set `NAME=VALUE` in the environment; a NAME alone takes the value it has here")
	flags.BoolVarP(&f.tty, "tty", "t", false, "give COMMAND this terminal, as a shell has it, in place of streams")
	flags.StringArrayVar(&f.copies, "copy", nil, "copy a file or folder into the guest first: `IN:OUT`, a path here and one there")
	flags.StringArrayVar(&f.copyOuts, "copy-out", nil, "copy a file or folder of the guest here in the end: `GUEST:HOST`, a path there and one here")
	flags.StringVar(&f.log, "log", "", "write the kernel log to `FILE`")
	flags.BoolVar(&f.strace, "strace", false, "write the guest's system calls to the kernel log, and that to standard error without --log")
	flags.BoolVar(&f.gdb, "gdb", false, "wait for a debugger on TCP port 1234")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print QEMU's command line instead of running it")
	return cmd
}

// gdbAddress is where QEMU waits for a debugger.
const gdbAddress = "tcp:127.0.0.1:1234"

func (f *runFlags) run(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	r, err := f.rootfs(argv)
	if err != nil {
		return 0, err
	}
	copies, err := f.prepare(r)
	if err != nil {
		return 0, err
	}
	outs, err := copyOuts(f.copyOuts)
	if err != nil {
		return 0, err
	}
	if f.strace && f.kernel == "linux" {
		return 0, errors.New("--strace works with Kevlar's kernel only")
	}
	w, err := newWorkplace(stderr, f.verbose)
	if err != nil {
		return 0, err
	}
	c, err := f.config(ctx, w)
	if err != nil {
		return 0, err
	}
	c.Strace = f.strace
	c.Contained = func(panics int) {
		w.report.Note("the kernel contained %d panics; --log FILE keeps what it says about them", panics)
	}
	if f.gdb {
		c.GDB = gdbAddress
	}
	c.User, c.Dir, c.Env = f.user, f.dir, f.env
	if err := r.complete(ctx, w); err != nil {
		return 0, err
	}
	if len(copies) > 0 {
		r.archives = append(r.archives, copies)
	}
	if err := f.fit(c, w, r); err != nil {
		return 0, err
	}
	if f.dryRun {
		return 0, f.printArgs(c, w, r, argv, stdout)
	}
	switch {
	case f.log != "":
		file, err := os.Create(f.log)
		if err != nil {
			return 0, plainError(err)
		}
		log := &logFile{file: file}
		defer log.close(w.report)
		c.Log = log
	case f.strace:
		c.Log = stderr
		if !f.onPipes(argv) && progress.IsTerminal(stdin) && progress.IsTerminal(stderr) {
			c.Log = &rawWriter{stderr}
		}
	}
	if f.gdb {
		w.report.Note("waiting for: gdb -ex 'target remote 127.0.0.1:1234' %s", c.Kernel.ELF)
	}
	var files taken
	c.Taken = &files
	for _, out := range outs {
		c.Take = append(c.Take, out.from)
	}
	var status int
	if f.onPipes(argv) {
		status, err = guest.Command(ctx, c, r.archives, argv, stdin, stdout, stderr)
	} else {
		status, err = f.interact(ctx, c, w, r, argv, stdin, stdout)
	}
	if err == nil && len(outs) > 0 {
		err = files.unpack(outs)
	}
	return status, err
}

// onPipes says whether a command has the standard streams of this program: what else there is has the
// terminal.
func (f *runFlags) onPipes(argv []string) bool { return len(argv) > 0 && !f.tty }

// prepare looks at what the flags say of the command or the shell, and returns the archive of what is to
// be copied into the guest.
func (f *runFlags) prepare(r *rootfs) ([]byte, error) {
	for flag, given := range map[string]bool{"--user": f.user != "", "--workdir": f.dir != "", "--env": len(f.env) > 0, "--copy": len(f.copies) > 0, "--copy-out": len(f.copyOuts) > 0} {
		if given && r.own {
			return nil, fmt.Errorf("%s is for Kevlar's init, and the root file system's own would run; add --init kevlar", flag)
		}
	}
	if err := checkUser(f.user); err != nil {
		return nil, err
	}
	if f.dir != "" && !path.IsAbs(f.dir) {
		return nil, fmt.Errorf("--workdir %s: a path in the guest begins with /", f.dir)
	}
	var err error
	if f.env, err = environment(f.env, os.LookupEnv); err != nil {
		return nil, err
	}
	return copyArchive(f.copies)
}

// logFile is where the kernel log goes. It remembers the first error.
type logFile struct {
	file *os.File
	err  error
}

func (l *logFile) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	if l.err == nil {
		l.err = err
	}
	return n, err
}

// close says if something of the log was lost.
func (l *logFile) close(report *progress.Reporter) {
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	if l.err != nil {
		report.Note("the kernel log is not complete: %v", plainError(l.err))
	}
}

// interact gives the guest this terminal.
func (f *runFlags) interact(ctx context.Context, c *guest.Config, w *workplace, r *rootfs, argv []string, stdin io.Reader, stdout io.Writer) (int, error) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	if r.own {
		w.report.Step("%s starts, the root file system's own; --init kevlar gives a shell", initOf(f.append))
		w.report.Step("type Ctrl-] three times to kill the machine")
	} else if len(argv) > 0 {
		w.report.Step("type Ctrl-] three times to kill the machine")
	} else {
		w.report.Step("type exit to end the machine, or Ctrl-] three times to kill it")
	}
	t, err := console.Open(stdin, stdout, kill)
	if err != nil {
		return 0, err
	}
	defer t.Restore()
	if !r.own {
		return guest.Shell(ctx, c, r.archives, argv, t)
	}
	root, err := r.initramfs()
	if err != nil {
		return 0, err
	}
	defer root.Close()
	return guest.Foreign(ctx, c, root, t)
}

// rawWriter writes lines to a terminal that is in raw mode.
type rawWriter struct{ w io.Writer }

func (r *rawWriter) Write(p []byte) (int, error) {
	_, err := r.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), err
}

// printArgs prints the command line of the machine that run would start.
func (f *runFlags) printArgs(c *guest.Config, w *workplace, r *rootfs, argv []string, stdout io.Writer) error {
	kind, path := guest.ForForeign, r.path
	if path == "" {
		path = w.cache.Path("initramfs.cpio")
		switch {
		case r.own:
		case f.onPipes(argv):
			kind = guest.ForCommand
		default:
			kind = guest.ForShell
		}
		if err := writeFile(path, 0o644, append(r.archives, c.Kernel.Overlay)...); err != nil {
			return err
		}
	}
	args, err := guest.Args(c, vm.InitramfsFile(path), kind)
	if err != nil {
		return err
	}
	for i, arg := range args {
		args[i] = shellWord(arg)
	}
	_, err = fmt.Fprintln(stdout, strings.Join(args, " "))
	return err
}

// shellWord quotes a word for a shell if it has to be.
func shellWord(s string) string {
	const plain = "-_./:=,+%@"
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(plain, r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// writeFile writes parts to a file, which appears only when it is complete.
func writeFile(path string, mode os.FileMode, parts ...[]byte) error {
	err := writeAside(path, mode, parts)
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %v", path, pe.Err) // the name of the file aside means nothing to anybody
	}
	return err
}

func writeAside(path string, mode os.FileMode, parts [][]byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	for _, part := range parts {
		if _, err := tmp.Write(part); err != nil {
			tmp.Close()
			return err
		}
	}
	if err := tmp.Chmod(mode); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
