package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"kevlar/host/console"
	"kevlar/host/guest"
	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/progress"
	"kevlar/host/vm"
)

// runFlags are the flags of run alone.
type runFlags struct {
	machineFlags
	initramfs string
	root      string
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
if Kevlar itself failed. A shell has this terminal; exit ends the machine, and
Ctrl-] typed three times kills it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
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
	flags.StringVar(&f.initramfs, "initramfs", "", "boot this cpio archive `FILE`, plain or gzip, as it is")
	flags.StringVar(&f.root, "root", "", "boot the root file system in `DIR` or FILE.tar as it is, with its own init")
	flags.StringVar(&f.log, "log", "", "write the kernel log to `FILE`")
	flags.BoolVar(&f.strace, "strace", false, "write the guest's system calls to the kernel log")
	flags.BoolVar(&f.gdb, "gdb", false, "wait for a debugger on TCP port 1234")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print QEMU's command line instead of running it")
	return cmd
}

// gdbAddress is where QEMU waits for a debugger.
const gdbAddress = "tcp:127.0.0.1:1234"

func (f *runFlags) run(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	foreign, err := f.foreign(argv)
	if err != nil {
		return 0, err
	}
	defer foreign.Close()
	if f.log != "" && foreign.given && f.kernel == "linux" {
		return 0, errors.New("--log: Linux writes its log to the console, where the archive's own init is")
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
	var archives [][]byte
	if !foreign.given {
		archive, err := rootfs(ctx, w)
		if err != nil {
			return 0, err
		}
		archives = append(archives, archive)
	}
	if f.dryRun {
		return 0, f.printArgs(c, w, foreign, archives, argv, stdout)
	}
	if f.log != "" {
		file, err := os.Create(f.log)
		if err != nil {
			return 0, plainError(err)
		}
		log := &logFile{file: file}
		defer log.close(w.report)
		c.Log = log
	}
	if f.gdb {
		w.report.Note("waiting for: gdb -ex 'target remote 127.0.0.1:1234' %s", w.cache.Path("kernel", "kevlar.elf"))
	}
	if len(argv) > 0 {
		return guest.Command(ctx, c, archives, argv, stdin, stdout, stderr)
	}
	return f.interact(ctx, c, w, foreign, archives, stdin, stdout)
}

// A foreign root file system brings an init of its own.
type foreign struct {
	given bool
	path  string // of its archive, if that is in a file
	data  []byte // the archive, if not
	vm.Initramfs
}

// foreign returns the root file system that the flags name, if they do, once it is clear that a kernel
// can start from it.
func (f *runFlags) foreign(argv []string) (r foreign, err error) {
	switch {
	case f.initramfs == "" && f.root == "":
		return r, nil
	case f.initramfs != "" && f.root != "":
		return r, errors.New("--initramfs and --root are two root file systems")
	case len(argv) > 0:
		return r, errors.New("--initramfs and --root boot an init of their own; they take no COMMAND")
	case f.initramfs != "":
		r = foreign{given: true, path: f.initramfs, Initramfs: vm.InitramfsFile(f.initramfs)}
		return r, cpio.CheckFile(f.initramfs, initOf(f.append))
	}
	root, err := initramfs.FromRoot(f.root)
	if err != nil {
		return r, err
	}
	if root.Init != "" && root.Init != "/init" && !strings.Contains(f.append, "rdinit=") {
		f.append = strings.TrimSpace(f.append + " rdinit=" + root.Init)
	}
	if err := cpio.Check(bytes.NewReader(root.Data), initOf(f.append)); err != nil {
		return r, fmt.Errorf("%s: %v", f.root, err)
	}
	r = foreign{given: true, data: root.Data}
	r.Initramfs, err = vm.InitramfsData(root.Data)
	return r, err
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
func (f *runFlags) interact(ctx context.Context, c *guest.Config, w *workplace, r foreign, archives [][]byte, stdin io.Reader, stdout io.Writer) (int, error) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	w.report.Step("type exit to end the machine, or Ctrl-] three times to kill it")
	t, err := console.Open(stdin, stdout, kill)
	if err != nil {
		return 0, err
	}
	defer t.Restore()
	if !r.given {
		return guest.Shell(ctx, c, archives, t)
	}
	return guest.Foreign(ctx, c, r.Initramfs, t)
}

// printArgs prints the command line of the machine that run would start.
func (f *runFlags) printArgs(c *guest.Config, w *workplace, r foreign, archives [][]byte, argv []string, stdout io.Writer) error {
	kind, path := guest.ForForeign, r.path
	if path == "" {
		path = w.cache.Path("initramfs.cpio")
		switch {
		case r.given:
			archives = [][]byte{r.data}
		case len(argv) == 0:
			kind = guest.ForShell
		default:
			kind = guest.ForCommand
		}
		if err := writeFile(path, append(archives, c.Kernel.Overlay)...); err != nil {
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

// initOf returns the path of the first process, which the kernel command line may set.
func initOf(commandLine string) string {
	init := "/init"
	for _, word := range strings.Fields(commandLine) {
		if path, ok := strings.CutPrefix(word, "rdinit="); ok {
			init = path
		}
	}
	return init
}

// writeFile writes parts to a file, which appears only when it is complete.
func writeFile(path string, parts ...[]byte) error {
	err := writeAside(path, parts)
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %v", path, pe.Err) // the name of the file aside means nothing to anybody
	}
	return err
}

func writeAside(path string, parts [][]byte) error {
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
	if err := tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
