package suite

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Verdict is the outcome of a suite or of a check of another kind.
type Verdict struct {
	Passed, Failed, Skipped int
	Failures                []Failure
}

// Failure is something that failed, with what is known about it.
type Failure struct {
	Name    string
	Details []string
}

// fail counts and keeps one failure.
func (v *Verdict) fail(name string, details ...string) {
	v.Failed++
	v.Failures = append(v.Failures, Failure{name, details})
}

// Add adds another verdict to v.
func (v *Verdict) Add(w Verdict) {
	v.Passed += w.Passed
	v.Failed += w.Failed
	v.Skipped += w.Skipped
	v.Failures = append(v.Failures, w.Failures...)
}

// TAP reads what a suite prints, in the Test Anything Protocol: "ok 1 - NAME" and "not ok 2 - NAME"
// lines with diagnostics "# ..." behind them, a plan "1..N", and last the line "# end SUITE".
type TAP struct {
	Suite    string
	Progress func(done int) // is called after each result; may be nil

	verdict Verdict
	partial []byte
	seen    map[int]bool
	plan    int // -1 before it was seen
	current int // index in verdict.Failures that diagnostics belong to; -1 for none
	last    string
	stray   []string // lines that are not TAP
}

// NewTAP returns a reader for a suite's output.
func NewTAP(suite string) *TAP {
	return &TAP{Suite: suite, seen: map[int]bool{}, plan: -1, current: -1}
}

var (
	resultLine = regexp.MustCompile(`^(not )?ok ([0-9]+)(?: -)? ?(.*)$`)
	planLine   = regexp.MustCompile(`^1\.\.([0-9]+)$`)
	skipMark   = regexp.MustCompile(`(?i) # skip\b`)
)

const (
	maxDetails = 150     // lines kept for a failure: the longest table of a suite, and some
	maxLine    = 1 << 16 // bytes
)

// Write takes the output in pieces of any size.
func (t *TAP) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, ok := bytes.Cut(p, []byte("\n"))
		if room := maxLine - len(t.partial); len(line) > room {
			line = line[:room]
		}
		t.partial = append(t.partial, line...)
		if !ok {
			return n, nil
		}
		t.line(string(t.partial))
		t.partial = t.partial[:0]
		p = rest
	}
}

func (t *TAP) line(s string) {
	t.last = s
	if m := planLine.FindStringSubmatch(s); m != nil {
		if t.plan >= 0 {
			t.verdict.fail(t.Suite, "the plan was printed twice")
		}
		t.plan, _ = strconv.Atoi(m[1])
		t.current = -1
		return
	}
	if m := resultLine.FindStringSubmatch(s); m != nil {
		t.result(m[1] == "", m[2], m[3])
		return
	}
	switch {
	case t.current >= 0 && strings.HasPrefix(s, "#"):
		if f := &t.verdict.Failures[t.current]; len(f.Details) < maxDetails {
			f.Details = append(f.Details, strings.TrimPrefix(strings.TrimPrefix(s, "#"), " "))
		}
	case !strings.HasPrefix(s, "#") && len(t.stray) < maxDetails:
		t.stray = append(t.stray, s)
	}
}

func (t *TAP) result(ok bool, number, name string) {
	t.current = -1
	n, err := strconv.Atoi(number)
	if err != nil || t.seen[n] {
		t.verdict.fail(t.Suite, "number "+number+" was reported twice")
		return
	}
	t.seen[n] = true
	switch {
	case !ok:
		t.current = len(t.verdict.Failures)
		t.verdict.fail(t.Suite + "/" + name)
	case skipMark.MatchString(name):
		t.verdict.Skipped++
	default:
		t.verdict.Passed++
	}
	if t.Progress != nil {
		t.Progress(len(t.seen))
	}
}

// Judge ends the reading. A suite passes only if its last line is the end marker, its plan is met
// by one result for each number, the plan is the number of its cases (unless that is negative:
// unknown), and its exit status is 0 without a failed case.
func (t *TAP) Judge(cases, status int) Verdict {
	if len(t.partial) > 0 {
		t.line(string(t.partial))
		t.partial = nil
	}
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if end := "# end " + t.Suite; t.last != end {
		add("the last line is not %q but %q", end, t.last)
	}
	switch {
	case t.plan < 0:
		add("there is no plan; %d results came", len(t.seen))
	case cases >= 0 && t.plan != cases:
		add("the plan is %d, but there are %d cases", t.plan, cases)
	case t.plan == 0:
		add("there is nothing in the plan")
	}
	missing := 0
	for n := 1; n <= t.plan; n++ {
		if !t.seen[n] {
			if missing++; missing <= 3 {
				add("number %d was not reported", n)
			}
		}
	}
	if len(t.seen) != t.plan-missing && t.plan >= 0 {
		add("numbers outside the plan were reported")
	}
	if status != 0 && t.verdict.Failed == 0 {
		add("the exit status is %d without a failed case", status)
	}
	if status == 0 && t.verdict.Failed > 0 {
		add("the exit status is 0 with a failed case")
	}
	if len(wrong) > 0 {
		for _, line := range t.stray {
			wrong = append(wrong, "  "+line)
		}
		t.verdict.fail(t.Suite, wrong...)
	}
	return t.verdict
}
