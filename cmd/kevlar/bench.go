package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kevlar/host/bench"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	machineFlags
	kernels []string
}

func benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [flags]",
		Short: "Count instructions: of the boot and of system calls, beside Linux",
		Long: `Count instructions: of the boot and of system calls, beside Linux.

The machines run under QEMU's -icount, with one emulated processor, so the
figures do not depend on the host. The status is 1 if Kevlar takes more than its
limits, or if its shell does not work in a machine with 48 MiB.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := newWorkplace(cmd.ErrOrStderr(), f.verbose)
			if err != nil {
				return err
			}
			if w.root == "" {
				return errors.New("what is measured with is in Kevlar's source tree, and this is outside of it")
			}
			return f.run(cmd.Context(), w, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.kernels, "kernel", []string{"kevlar", "linux", "linux-fast"},
		"`KERNELS` to count, the first compared with the others: kevlar, linux, linux-fast (with mitigations=off) or image files")
	flags.StringVar(&f.mem, "mem", "512M", "memory `SIZE`")
	flags.StringVar(&f.machine, "machine", "q35", "machine type: q35, pc or microvm")
	flags.StringVar(&f.cpu, "cpu", "", "processor `MODEL`; without it, all that QEMU can emulate")
	registerVerbose(flags, &f.verbose)
	f.cpus, f.accel = 1, "tcg"
	return cmd
}

func (f *benchFlags) run(ctx context.Context, w *workplace, out io.Writer) error {
	archives, err := bench.NewArchives(ctx, w.root, w.builder())
	if err != nil {
		return err
	}
	var columns []bench.Column
	shell := error(nil)
	counted := false // whether Kevlar is among the kernels
	for _, name := range f.kernels {
		column, err := f.column(ctx, w, name, archives)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		columns = append(columns, column)
		if !column.Linux && !counted {
			counted = true
			shell = f.shell(ctx, w)
		}
	}
	kept := bench.Print(out, columns)
	if counted {
		fmt.Fprintf(out, "interactive shell in %d MiB: ", bench.ShellMemory>>20)
		if shell != nil {
			fmt.Fprintln(out, shell)
		} else {
			fmt.Fprintln(out, "works")
		}
	}
	if !kept || shell != nil {
		return exitStatus(1)
	}
	return nil
}

// column counts one kernel.
func (f *benchFlags) column(ctx context.Context, w *workplace, name string, archives *bench.Archives) (column bench.Column, err error) {
	extra := ""
	if f.kernel = name; name == "linux-fast" {
		f.kernel, extra = "linux", "mitigations=off"
	}
	c, err := f.config(ctx, w)
	if err != nil {
		return column, err
	}
	s := bench.Subject{Kernel: c.Kernel, Machine: c.Machine, CPU: c.CPU, Mem: c.Mem, Append: extra}
	column.Title, column.Linux = name, c.Kernel.Linux
	w.report.Step("counting the boot of %s", name)
	if column.Boot, err = s.Boot(ctx, archives); err != nil {
		return column, err
	}
	w.report.Step("counting the operations of %s", name)
	if column.Operations, err = s.Operations(ctx, archives); err != nil || column.Linux {
		return column, err
	}
	w.report.Step("counting the interrupts of %s", name)
	column.Interrupts = map[int]float64{}
	for cpus := 1; cpus <= 2 && err == nil; cpus++ {
		column.Interrupts[cpus], err = s.IdleInterrupt(ctx, archives, cpus)
	}
	return column, err
}

// shell tries the shell of the kernel that column was last called with.
func (f *benchFlags) shell(ctx context.Context, w *workplace) error {
	c, err := f.config(ctx, w)
	if err != nil {
		return err
	}
	root, err := defaultRootfs(ctx, w)
	if err != nil {
		return err
	}
	w.report.Step("typing to a shell in %d MiB", bench.ShellMemory>>20)
	return bench.Shell(ctx, c, [][]byte{root})
}
