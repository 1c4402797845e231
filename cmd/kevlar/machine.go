package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	source "kevlar"
	"kevlar/host/accel"
	"kevlar/host/cache"
	"kevlar/host/guest"
	"kevlar/host/hostpkg"
	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/kernelbuild"
	"kevlar/host/oracle"
	"kevlar/host/progress"
	"kevlar/host/vm"
)

// machineFlags are the flags of every subcommand that boots machines.
type machineFlags struct {
	kernel  string
	cpus    int
	mem     string
	accel   string
	machine string
	cpu     string
	append  string
	timeout time.Duration
	verbose bool
}

func (f *machineFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.kernel, "kernel", "kevlar", "kernel to boot: kevlar, linux (Debian's, fetched once) or an image `FILE`")
	flags.IntVar(&f.cpus, "cpus", 1, "number of processors")
	flags.StringVar(&f.mem, "mem", "512M", "memory `SIZE`, such as 64M or 2G")
	flags.StringVar(&f.accel, "accel", "auto", "accelerator: auto, kvm or tcg")
	flags.StringVar(&f.machine, "machine", "q35", "machine type: q35, pc or microvm")
	flags.StringVar(&f.cpu, "cpu", "", "processor `MODEL`; without it, all that the accelerator has")
	flags.StringVar(&f.append, "append", "", "more words for the kernel command line")
	flags.Var((*seconds)(&f.timeout), "timeout", "end the machine after this `TIME`, in seconds or such as 2m, with status 124")
	registerVerbose(flags, &f.verbose)
}

// registerVerbose adds the flag that every subcommand with steps has. Its one letter is left to those who
// mean a volume by it, and are told what there is instead.
func registerVerbose(flags *pflag.FlagSet, verbose *bool) {
	flags.BoolVar(verbose, "verbose", false, "tell the steps even when not on a terminal")
}

// seconds is a time on the command line: a number of seconds, or as time.ParseDuration has it.
type seconds time.Duration

func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if d := n * float64(time.Second); math.Abs(d) < math.MaxInt64 {
			*s = seconds(d)
			return nil
		}
		return errors.New("too long")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("write 90, 90s or 1m30s")
	}
	*s = seconds(d)
	return nil
}

func (s *seconds) String() string {
	if *s == 0 {
		return "0" // which the help does not name as a default
	}
	return time.Duration(*s).String()
}
func (s *seconds) Type() string { return "TIME" }

// workplace is where a subcommand works.
type workplace struct {
	root   string // of the source tree; "" if it is used outside of one
	cache  cache.Dir
	report *progress.Reporter
	epoch  uint32 // the time of what is made, in seconds since 1970
}

func newWorkplace(stderr io.Writer, verbose bool) (*workplace, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	w := &workplace{root: kernelbuild.FindRoot(dir), report: progress.New(stderr, verbose)}
	if w.epoch, err = sourceDateEpoch(os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		return nil, err
	}
	w.cache, err = cache.Open(w.root)
	return w, err
}

// config turns the flags into the configuration of a machine. The kernel is built or fetched.
func (f *machineFlags) config(ctx context.Context, w *workplace) (*guest.Config, error) {
	if f.timeout < 0 {
		return nil, fmt.Errorf("--timeout %v: a time limit cannot be negative", f.timeout)
	}
	mem, err := vm.ParseSize(f.mem)
	if err != nil {
		return nil, err
	}
	choice, err := accel.Host.Choose(f.accel)
	if err != nil {
		return nil, err
	}
	c := &guest.Config{
		Machine: f.machine, Accel: choice, CPU: f.cpu, CPUs: f.cpus, Mem: mem,
		Append: f.append, Timeout: f.timeout,
	}
	if err := (&vm.Config{Machine: c.Machine, CPUs: c.CPUs, Mem: c.Mem}).Check(); err != nil {
		return nil, err
	}
	if err := f.checkKernel(mem); err != nil {
		return nil, err
	}
	w.report.Step("accelerator: %s", choice)
	if err := hostpkg.Ensure(ctx, w.report, hostpkg.QEMU); err != nil {
		return nil, err
	}
	c.Kernel, err = f.image(ctx, w)
	return c, err
}

// leastMemory is the memory, in bytes, below which a kernel does not get as far as a shell.
var leastMemory = map[bool]int64{
	false: 24 << 20,
	true:  80 << 20, // Linux
}

// checkKernel looks at what was asked for before anything is built or fetched.
func (f *machineFlags) checkKernel(mem int64) error {
	linux := f.kernel == "linux"
	if !linux && f.kernel != "kevlar" {
		var err error
		if linux, err = inspect(f.kernel); err != nil {
			return err
		}
	}
	if least := leastMemory[linux]; mem < least {
		return fmt.Errorf("too little memory: %s; this kernel needs at least %dM", f.mem, least>>20)
	}
	return nil
}

// kernel builds the Kevlar kernel with additional build tags.
func (w *workplace) kernel(ctx context.Context, tags ...string) (guest.Kernel, error) {
	k, err := w.buildKernel(ctx, tags...)
	if err != nil {
		return guest.Kernel{}, err
	}
	return guest.Kernel{Image: k.Image, ELF: k.ELF}, nil
}

func (w *workplace) buildKernel(ctx context.Context, tags ...string) (*kernelbuild.Kernel, error) {
	return kernelbuild.Build(ctx, w.root, source.Tree, w.cache, w.report, tags...)
}

// image builds, fetches or finds the kernel.
func (f *machineFlags) image(ctx context.Context, w *workplace) (guest.Kernel, error) {
	switch f.kernel {
	case "kevlar":
		return w.kernel(ctx)
	case "linux":
		k, err := oracle.Fetch(ctx, w.cache, w.report)
		if err != nil {
			return guest.Kernel{}, err
		}
		modules, err := k.Load(oracle.VirtioSerial...)
		if err != nil {
			return guest.Kernel{}, err
		}
		overlay, err := cpio.Encode(oracle.Overlay(modules))
		return guest.Kernel{Image: k.Image, Linux: true, Overlay: overlay}, err
	}
	linux, err := inspect(f.kernel)
	if err != nil {
		return guest.Kernel{}, err
	}
	path, err := filepath.Abs(f.kernel)
	return guest.Kernel{Image: path, Linux: linux}, err
}

// inspect says whether the kernel image in a file is Linux's. Anything but a bzImage (see
// Documentation/arch/x86/boot.rst in the Linux source) and an ELF file is refused.
func inspect(file string) (linux bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return false, plainError(err)
	}
	defer f.Close()
	head := make([]byte, 0x206)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return false, plainError(err)
	}
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return false, nil
	case n == cap(head) && binary.LittleEndian.Uint16(head[0x1fe:]) == 0xaa55 && string(head[0x202:0x206]) == "HdrS":
		return true, nil
	}
	return false, fmt.Errorf("%s: neither a Kevlar image nor a Linux kernel", file)
}

// plainError takes the name of the system call off an error of package os.
func plainError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %v", pe.Path, pe.Err)
	}
	return err
}

// builder returns what builds root file systems.
func (w *workplace) builder() *initramfs.Builder {
	return &initramfs.Builder{Dir: w.cache.Path("rootfs"), Epoch: w.epoch, Report: w.report}
}

// sourceDateEpoch returns the time that reproducible-builds.org/specs/source-date-epoch has in a variable, 0
// if it is not set.
func sourceDateEpoch(text string) (uint32, error) {
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds that an archive can hold", text)
	}
	return uint32(seconds), nil
}

// defaultRootfs returns the archive of the default root file system.
func defaultRootfs(ctx context.Context, w *workplace) ([]byte, error) {
	m, err := initramfs.Default()
	if err != nil {
		return nil, err
	}
	return w.builder().Build(ctx, m, "none")
}
