package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"kevlar/host/guest"
)

// defaultTimeout is how long a suite may take that names no time of its own.
const defaultTimeout = 10 * time.Minute

// Run is one boot for one suite.
type Run struct {
	Suite    *Suite
	Config   guest.Config // Log is set by Run
	Archives [][]byte     // the root file system, the suite included
	Patterns []string     // cases to run, as the suite's script understands them; none for all
	LogFile  string       // the kernel log is kept here
	Progress func(done int)
}

// Do boots the machine, runs the suite and judges it.
func (r *Run) Do(ctx context.Context) Verdict {
	s := r.Suite
	c := r.Config
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
		if s.Conf.Timeout > 0 {
			c.Timeout = s.Conf.Timeout
		}
	}
	c.Mem = max(c.Mem, s.Conf.Mem)
	var log bytes.Buffer
	c.Log = &log
	panics := 0
	c.Contained = func(n int) { panics = n }

	tap := NewTAP(s.Name)
	tap.Progress = r.Progress
	var stderr bytes.Buffer
	argv := append([]string{"sh", "-c", `cd "$0" && exec ./run "$@"`, "/suites/" + s.Name}, r.Patterns...)
	status, err := guest.Command(ctx, &c, r.Archives, argv, nil, tap, &stderr)

	cases := s.Cases
	if len(r.Patterns) > 0 {
		cases = -1
	}
	v := tap.Judge(cases, status)
	if err != nil {
		details := []string{err.Error()}
		if f, ok := errors.AsType[*guest.Failure](err); ok {
			details = append(details, f.Log...)
		}
		v.fail(s.Name, details...)
	}
	if (panics > 0) != s.Conf.Panics {
		v.fail(s.Name, fmt.Sprintf("the kernel contained %d panics", panics))
	}
	if v.Failed > 0 {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			v.Failures = append(v.Failures, Failure{s.Name + ": standard error output", lastLines(text, maxDetails)})
		}
		v.Failures = append(v.Failures, Failure{s.Name + ": the kernel log is in " + r.LogFile, nil})
	}
	if err := os.WriteFile(r.LogFile, log.Bytes(), 0o644); err != nil {
		v.fail(s.Name, err.Error())
	}
	return v
}

// lastLines returns at most n lines from the end of a text.
func lastLines(text string, n int) []string {
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-n):]
}
