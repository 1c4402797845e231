package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kevlar/host/bench"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	machineFlags
	kernels []string
	row     string
	json    bool
	save    string
	against string
}

func benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [flags]",
		Short: "Count instructions: of the boot, system calls and commands, beside Linux",
		Long: `Count instructions: of the boot, system calls and commands, beside Linux.

The machines run under QEMU's -icount, with one emulated processor, so the
figures do not depend on the host. They are means over several rounds, user mode
and kernel together; "least" is Kevlar's cheapest round. Ratios are to the
cheapest Linux of the row, of three: as Debian boots it; linux-noerms, on a
processor without fast string instructions, of which QEMU counts every byte; and
linux-lean, which is that without mitigations, zeroing of allocations, security
modules and audit.

The status is 1 if Kevlar takes more than its limits, or if its shell does not
work in a machine with 48 MiB.`,
		Example: `  kevlar bench --row 'pipe*'
  kevlar bench --kernel kevlar --save before.json
  kevlar bench --kernel kevlar --against before.json`,
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
	flags.StringSliceVar(&f.kernels, "kernel", []string{"kevlar", "linux", "linux-noerms", "linux-lean"},
		"`KERNELS` to count, the first compared with the others: kevlar, linux, linux-noerms, linux-lean or image files")
	flags.StringVar(&f.row, "row", "*", "count the rows alone whose names match `PATTERN`")
	flags.BoolVar(&f.json, "json", false, "print the counts as JSON")
	flags.StringVar(&f.save, "save", "", "write the counts to `FILE`, as JSON")
	flags.StringVar(&f.against, "against", "", "compare with the counts in `FILE`; the status is 1 if a row has grown by more than 3 %")
	flags.StringVar(&f.mem, "mem", "512M", "memory `SIZE`")
	flags.StringVar(&f.machine, "machine", "q35", "machine type: q35, pc or microvm")
	flags.StringVar(&f.cpu, "cpu", "", "processor `MODEL`; without it, all that QEMU can emulate")
	registerVerbose(flags, &f.verbose)
	f.cpus, f.accel = 1, "tcg"
	return cmd
}

func (f *benchFlags) run(ctx context.Context, w *workplace, out io.Writer) error {
	var before *bench.Report
	if f.against != "" {
		before = &bench.Report{}
		text, err := os.ReadFile(f.against)
		if err == nil {
			err = json.Unmarshal(text, before)
		}
		if err != nil {
			return fmt.Errorf("--against: %w", err)
		}
	}
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
		if !column.Linux && !counted && f.row == "*" {
			counted = true
			shell = f.shell(ctx, w)
		}
	}
	report := bench.NewReport(columns)
	if len(report.Kernels[0].Counts) == 0 {
		return fmt.Errorf("no row matches %q", f.row)
	}
	if missing := report.Missing(); counted && !columns[0].Linux && len(missing) > 0 {
		return fmt.Errorf("nothing was counted of %s", strings.Join(missing, ", "))
	}
	kept, err := f.tell(report, before, out)
	if err != nil {
		return err
	}
	if counted && !f.json {
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

// tell prints the report and saves it, and reports whether Kevlar keeps its limits.
func (f *benchFlags) tell(report, before *bench.Report, out io.Writer) (kept bool, err error) {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return false, err
	}
	text = append(text, '\n')
	if f.save != "" {
		if err := os.WriteFile(f.save, text, 0o644); err != nil {
			return false, err
		}
	}
	if f.json {
		kept = report.Print(io.Discard, before)
		_, err = out.Write(text)
		return kept, err
	}
	return report.Print(out, before), nil
}

// A linux is one of the ways to boot Debian's kernel.
type linux struct{ cpu, append string }

// linuxes are those by which Linux is measured.
var linuxes = map[string]linux{
	"linux":        {},
	"linux-noerms": {cpu: ",erms=off,fsrm=off"},
	"linux-lean":   {cpu: ",erms=off,fsrm=off", append: "mitigations=off init_on_alloc=0 security=none audit=0"},
}

// column counts one kernel.
func (f *benchFlags) column(ctx context.Context, w *workplace, name string, archives *bench.Archives) (column bench.Column, err error) {
	g := *f
	way, ok := linuxes[name]
	if g.kernel = name; ok {
		g.kernel = "linux"
	}
	if way.cpu != "" {
		if g.cpu == "" {
			g.cpu = "max"
		}
		g.cpu += way.cpu
	}
	c, err := g.config(ctx, w)
	if err != nil {
		return column, err
	}
	s := bench.Subject{Kernel: c.Kernel, Machine: c.Machine, CPU: c.CPU, Mem: c.Mem, Append: way.append}
	column.Title, column.Linux = name, c.Kernel.Linux
	if bench.Chosen(f.row, bench.BootName) {
		w.report.Step("counting the boot of %s", name)
		if column.Boot, err = s.Boot(ctx, archives); err != nil {
			return column, err
		}
	}
	w.report.Step("counting the operations of %s", name)
	if column.Operations, err = s.Operations(ctx, archives, f.row); err != nil || column.Linux {
		return column, err
	}
	column.Interrupts = map[int]float64{}
	for cpus := 1; cpus <= 2; cpus++ {
		if !bench.Chosen(f.row, bench.InterruptName(cpus)) {
			continue
		}
		w.report.Step("counting the interrupts of %s", name)
		if column.Interrupts[cpus], err = s.IdleInterrupt(ctx, archives, cpus); err != nil {
			return column, err
		}
	}
	return column, nil
}

// shell tries the shell of Kevlar.
func (f *benchFlags) shell(ctx context.Context, w *workplace) error {
	f.kernel = "kevlar"
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
