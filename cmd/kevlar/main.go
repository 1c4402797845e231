// Command kevlar builds the Kevlar kernel, boots it in a virtual machine, and tests it.
//
//	kevlar run                    a shell in a fresh machine
//	kevlar run -- COMMAND [ARG]   a command, with the streams and the exit status of a local one
//	kevlar build -o FILE          the kernel's image alone
//	kevlar initramfs -o FILE      the root file system alone
//	kevlar test [SUITE]           everything that is checked
//	kevlar bench                  instructions of the boot and of system calls, beside Linux
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kevlar/host/console"
	"kevlar/host/guest"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == console.GuardCommand {
		if console.Guard() != nil {
			os.Exit(guest.StatusFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // whoever does not want to wait for the end can say so again
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// exitStatus is the error of a subcommand that has said all there is to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// run is the program: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:               "kevlar",
		Short:             "Kevlar is a Linux-compatible kernel written in Go",
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetVersionTemplate("kevlar {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return habit(err) })
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(runCommand(), buildCommand(), initramfsCommand(), testCommand(), benchCommand())
	err := root.ExecuteContext(ctx)

	var status exitStatus
	var failure *guest.Failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &failure):
		report(stderr, failure)
		return failure.Status
	}
	if ctx.Err() != nil { // whatever it is that did not work then
		fmt.Fprintln(stderr, "kevlar: interrupted")
		return guest.StatusKilled
	}
	fmt.Fprintf(stderr, "kevlar: %s\n", strings.TrimPrefix(err.Error(), "kevlar: "))
	return guest.StatusFailed
}

// habits are what people type who know the commands of container engines.
var habits = map[string]string{
	"v":  "-v: there are no volumes; --copy IN:OUT copies files into the guest (and --verbose tells the steps)",
	"i":  "-i is not needed: the standard input is the command's; -t gives it this terminal",
	"rm": "--rm is not needed: nothing is left of a machine that has ended",
}

// habit turns the error of a flag that there is not into what there is instead.
func habit(err error) error {
	if f, ok := errors.AsType[*pflag.NotExistError](err); ok && habits[f.GetSpecifiedName()] != "" {
		return errors.New(habits[f.GetSpecifiedName()])
	}
	return err
}

// report says in one line why a run failed. If it is the kernel's doing, the end of its log follows.
func report(w io.Writer, f *guest.Failure) {
	fmt.Fprintf(w, "kevlar: %s\n", f.Reason)
	if f.Status != guest.StatusFailed {
		return
	}
	for _, line := range f.Log {
		fmt.Fprintf(w, "  | %s\n", line)
	}
}
