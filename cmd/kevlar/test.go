package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kevlar/host/guest"
	"kevlar/host/hostpkg"
	"kevlar/host/progress"
	"kevlar/host/suite"
)

func testCommand() *cobra.Command {
	var f machineFlags
	var m measures
	cmd := &cobra.Command{
		Use:   "test [flags] [SUITE[:PATTERN]...]",
		Short: "Run the checks: vet, unit tests and guest suites",
		Long: `Run the checks. Without a SUITE these are vet (go vet), unit (go test -race) and
all guest suites, on Kevlar at one and at two CPUs; with --kernel linux the guest
suites alone. A PATTERN picks cases of a suite, as in 'busybox:text/*'.

The last line is "N passed, N failed, N skipped"; the status is 1 if one failed.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := newWorkplace(cmd.ErrOrStderr(), f.verbose)
			if err != nil {
				return err
			}
			if w.root == "" {
				return errors.New("the checks are in Kevlar's source tree, and this is outside of it")
			}
			t := &tester{flags: f, measures: m, workplace: w, out: cmd.OutOrStdout(), oneSize: cmd.Flags().Changed("cpus")}
			t.live = progress.IsTerminal(t.out)
			return t.run(cmd.Context(), args)
		},
	}
	f.register(cmd.Flags())
	m.register(cmd.Flags())
	return cmd
}

// measures say how much the suites do whose length is open. A zero field leaves that to the suite.
type measures struct {
	seed  string
	calls int
	time  time.Duration
	runs  int
}

func (m *measures) register(flags *pflag.FlagSet) {
	flags.StringVar(&m.seed, "seed", "", "fuzz: repeat the run with this `NUMBER`")
	flags.IntVar(&m.calls, "calls", 0, "fuzz: make `N` calls as each user")
	flags.IntVar(&m.runs, "runs", 0, "bombs: set off every bomb in every machine `N` times")
	flags.DurationVar(&m.time, "for", 0, "soak: go on for this `DURATION`, as 1h or 90s")
}

// environment is how the measures reach a suite of Go tests.
func (m *measures) environment() (env []string) {
	if m.seed != "" {
		env = append(env, "KEVLAR_SEED="+m.seed)
	}
	if m.calls > 0 {
		env = append(env, fmt.Sprintf("KEVLAR_CALLS=%d", m.calls))
	}
	if m.time > 0 {
		env = append(env, "KEVLAR_FOR="+m.time.String())
	}
	if m.runs > 0 {
		env = append(env, fmt.Sprintf("KEVLAR_RUNS=%d", m.runs))
	}
	return env
}

// tester runs checks and adds up what they say.
type tester struct {
	flags machineFlags
	measures
	*workplace
	out     io.Writer
	live    bool // out is a terminal, where a line can be written over
	oneSize bool // the number of CPUs was given
	total   suite.Verdict
	base    *guest.Config
	unready bool // the machines cannot be made ready
	rootfs  []byte
}

func (t *tester) run(ctx context.Context, names []string) error {
	suites, err := suite.Find(filepath.Join(t.root, "suites"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.known(suites, name); err != nil {
			return err
		}
	}
	all := len(names) == 0
	onHost := all && t.flags.kernel == "kevlar"
	if onHost || slices.Contains(names, "vet") {
		t.vet(ctx)
	}
	if onHost || slices.Contains(names, "unit") {
		t.unit(ctx)
	}
	for i := range suites {
		s := &suites[i]
		if all && !s.Conf.Slow {
			t.suite(ctx, s, nil)
		}
		for _, name := range names {
			if name, pattern, ok := strings.Cut(name, ":"); name == s.Name {
				var patterns []string
				if ok {
					patterns = append(patterns, pattern)
				}
				t.suite(ctx, s, patterns)
			}
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintln(t.out, "interrupted")
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.total.Passed, t.total.Failed, t.total.Skipped)
	switch {
	case ctx.Err() != nil:
		return exitStatus(guest.StatusKilled)
	case t.total.Failed > 0:
		return exitStatus(1)
	}
	return nil
}

// known says whether there is such a suite.
func (t *tester) known(suites []suite.Suite, name string) error {
	name, _, _ = strings.Cut(name, ":")
	list := []string{"vet", "unit"}
	for _, s := range suites {
		list = append(list, s.Name)
	}
	if slices.Contains(list, name) {
		return nil
	}
	return fmt.Errorf("no suite %q; there are %s", name, strings.Join(list, ", "))
}

// check runs one check, unless the whole run was interrupted, and prints how it went.
func (t *tester) check(ctx context.Context, title string, do func(done func(n int)) suite.Verdict) {
	if ctx.Err() != nil {
		return
	}
	begin := time.Now()
	if t.live {
		fmt.Fprintf(t.out, "%s ...", title)
	}
	v := do(func(n int) {
		if t.live {
			fmt.Fprintf(t.out, "\r\x1b[K%s ... %d", title, n)
		}
	})
	if t.live {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	if ctx.Err() != nil {
		return // what it says is void
	}
	t.total.Add(v)
	skipped := ""
	if v.Skipped > 0 {
		skipped = fmt.Sprintf(", %d skipped", v.Skipped)
	}
	fmt.Fprintf(t.out, "%s: %d passed, %d failed%s (%.1fs)\n", title, v.Passed, v.Failed, skipped, time.Since(begin).Seconds())
	for _, f := range v.Failures {
		fmt.Fprintf(t.out, "FAIL %s\n", f.Name)
		for _, line := range f.Details {
			fmt.Fprintf(t.out, "  | %s\n", line)
		}
	}
}

func (t *tester) vet(ctx context.Context) {
	t.check(ctx, "vet", func(func(int)) suite.Verdict { return suite.Vet(ctx, t.root) })
}

func (t *tester) unit(ctx context.Context) {
	t.check(ctx, "unit", func(done func(int)) suite.Verdict {
		// The race detector needs cgo; the tests of the builder of root file systems compile for musl.
		if err := hostpkg.Ensure(ctx, t.report, hostpkg.GCC, hostpkg.LibC, hostpkg.Musl, hostpkg.Busybox); err != nil {
			return suite.Failed("unit", err)
		}
		return suite.GoTest(ctx, t.root, []string{"CGO_ENABLED=1"}, done, "-race", ".", "./cmd/...", "./host/...", "./kernel/...")
	})
}

// suite runs a suite in machines of one or several sizes.
func (t *tester) suite(ctx context.Context, s *suite.Suite, patterns []string) {
	if !t.ready(ctx) || len(s.Conf.Tags) > 0 && t.flags.kernel != "kevlar" {
		t.total.Skipped++
		return
	}
	sizes := []int{t.flags.cpus}
	if !t.oneSize {
		switch {
		case s.Conf.CPUs > 0:
			sizes = []int{s.Conf.CPUs}
		case t.flags.kernel == "kevlar":
			sizes = []int{1, 2}
		}
	}
	for _, cpus := range sizes {
		title := fmt.Sprintf("%s on %s, %d CPU", s.Name, t.flags.kernel, cpus)
		if cpus > 1 {
			title += "s"
		}
		t.check(ctx, title, func(done func(int)) suite.Verdict {
			v, err := t.runSuite(ctx, s, cpus, patterns, done)
			if err != nil {
				return suite.Failed(s.Name, err)
			}
			return v
		})
	}
}

func (t *tester) runSuite(ctx context.Context, s *suite.Suite, cpus int, patterns []string, done func(int)) (suite.Verdict, error) {
	if s.Go {
		return t.goSuite(ctx, s, cpus, patterns, done)
	}
	archive, err := s.Archive(ctx, t.builder())
	if err != nil {
		return suite.Verdict{}, err
	}
	logs := t.cache.Path("log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return suite.Verdict{}, err
	}
	config := *t.base
	config.CPUs = cpus
	if len(s.Conf.Tags) > 0 {
		if config.Kernel, err = t.kernel(ctx, s.Conf.Tags...); err != nil {
			return suite.Verdict{}, err
		}
	}
	r := suite.Run{
		Suite: s, Config: config, Archives: [][]byte{t.rootfs, archive}, Patterns: patterns, Progress: done,
		LogFile: filepath.Join(logs, fmt.Sprintf("%s-%s-%dcpu.log", s.Name, filepath.Base(t.flags.kernel), cpus)),
	}
	return r.Do(ctx), nil
}

// ready builds or fetches, at the first time, what all machines need. That is a check of its own; if it
// fails the suites cannot run.
func (t *tester) ready(ctx context.Context) bool {
	if t.base != nil || t.unready {
		return t.base != nil
	}
	t.check(ctx, "build", func(func(int)) suite.Verdict {
		err := t.prepare(ctx)
		if err != nil {
			return suite.Failed("build", err)
		}
		return suite.Verdict{Passed: 1}
	})
	t.unready = t.base == nil
	return !t.unready
}

func (t *tester) prepare(ctx context.Context) (err error) {
	if t.rootfs, err = defaultRootfs(ctx, t.workplace); err != nil {
		return err
	}
	t.base, err = t.flags.config(ctx, t.workplace)
	return err
}

// goSuiteTime is how long a suite of Go tests may take: they give each machine a limit of its own.
func (t *tester) goSuiteTime(s *suite.Suite) time.Duration {
	if s.Conf.Timeout > 0 {
		return s.Conf.Timeout
	}
	return time.Hour + 4*t.time + time.Duration(t.calls)*10*time.Millisecond
}

// goSuite runs a suite whose checks are Go tests. They start this program, whose path and whose
// flags for a machine are in the environment.
func (t *tester) goSuite(ctx context.Context, s *suite.Suite, cpus int, patterns []string, done func(int)) (suite.Verdict, error) {
	self, err := os.Executable()
	if err != nil {
		return suite.Verdict{}, err
	}
	args := []string{"-count=1", "-timeout", t.goSuiteTime(s).String()}
	if len(patterns) > 0 {
		args = append(args, "-run", patterns[0])
	}
	f := t.flags
	kernel := f.kernel
	if kernel != "linux" {
		kernel = t.base.Kernel.Image // all tests have the same one, and are elsewhere
	}
	env := []string{
		"KEVLAR=" + self,
		fmt.Sprintf("KEVLAR_FLAGS=--kernel %s --cpus %d --mem %s --accel %s --machine %s", kernel, cpus, f.mem, f.accel, f.machine),
	}
	env = append(env, t.environment()...)
	if t.oneSize {
		env = append(env, fmt.Sprintf("KEVLAR_CPUS=%d", cpus)) // for suites that choose their machines
	}
	return suite.GoTest(ctx, t.root, env, done, append(args, "./suites/"+s.Name)...), nil
}
