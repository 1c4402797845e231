package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// GoTest runs go test with the arguments in the folder dir, with env added to the environment, and
// counts the test functions. A package that does not build or crashes counts as one failure.
func GoTest(ctx context.Context, dir string, env []string, done func(n int), args ...string) Verdict {
	var v Verdict
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		v.fail("go test", err.Error())
		return v
	}
	events := json.NewDecoder(out)
	reader := newEvents(&v, done)
	for {
		var e event
		if events.Decode(&e) != nil {
			break
		}
		reader.take(e)
	}
	if err := cmd.Wait(); err != nil && v.Failed == 0 {
		v.fail("go test", append([]string{err.Error()}, lastLines(strings.TrimSpace(stderr.String()), maxDetails)...)...)
	}
	return v
}

// event is a line of go test -json; see "go doc test2json".
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
}

// events collects what go test reports.
type events struct {
	verdict *Verdict
	done    func(n int)
	output  map[string][]string // by package and test
	failed  map[string]bool     // packages with a failed test
}

func newEvents(v *Verdict, done func(n int)) *events {
	return &events{verdict: v, done: done, output: map[string][]string{}, failed: map[string]bool{}}
}

func (r *events) take(e event) {
	top, _, sub := strings.Cut(e.Test, "/")
	key := e.Package + " " + top
	switch e.Action {
	case "output":
		r.keep(key, e.Output)
	case "build-output":
		r.keep(e.ImportPath, e.Output)
	case "pass", "skip", "fail":
		if sub {
			return
		}
		r.end(e, key)
	}
}

// keep remembers a line of output, but not the lines that only frame a test.
func (r *events) keep(key, line string) {
	line = strings.TrimSuffix(line, "\n")
	for _, frame := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(line, frame) {
			return
		}
	}
	list := append(r.output[key], line)
	if len(list) > maxDetails {
		list = list[1:]
	}
	r.output[key] = list
}

// end counts a test function or, where none of its functions tells, a package.
func (r *events) end(e event, key string) {
	defer delete(r.output, key)
	v := r.verdict
	switch {
	case e.Test == "" && e.Action == "fail" && !r.failed[e.Package]:
		details := r.output[key]
		if e.FailedBuild != "" {
			details = r.output[e.FailedBuild]
		}
		v.fail(e.Package, details...)
	case e.Test == "":
	case e.Action == "fail":
		r.failed[e.Package] = true
		v.fail(fmt.Sprintf("%s %s", e.Package, e.Test), r.output[key]...)
	case e.Action == "skip":
		v.Skipped++
	default:
		v.Passed++
	}
	if r.done != nil && e.Test != "" {
		r.done(v.Passed + v.Failed + v.Skipped)
	}
}
