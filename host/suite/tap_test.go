package suite

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judge feeds a suite's output in pieces and judges it.
func judge(output string, piece, cases, status int) Verdict {
	tap := NewTAP("s")
	for p := range slices.Chunk([]byte(output), piece) {
		tap.Write(p)
	}
	return tap.Judge(cases, status)
}

func TestTAP(t *testing.T) {
	const good = "# a remark\nok 1 - a/b\nok 2 - c # SKIP no reason\nok 3\n1..3\n# end s\n"
	for _, piece := range []int{1, 7, 1000} {
		if diff := cmp.Diff(Verdict{Passed: 2, Skipped: 1}, judge(good, piece, 3, 0)); diff != "" {
			t.Errorf("in pieces of %d: %s", piece, diff)
		}
	}
	if v := judge(strings.TrimSuffix(good, "\n"), 100, 3, 0); v.Failed != 0 {
		t.Errorf("without the last newline: %+v", v)
	}
	if v := judge(good, 100, -1, 0); v.Failed != 0 {
		t.Errorf("with an unknown number of cases: %+v", v)
	}
}

func TestTAPFailedCase(t *testing.T) {
	got := judge("ok 1 - a\nnot ok 2 - b/c\n# stdout differs:\n#  x\n#\nok 3 - d\n# not of b\n1..3\n# end s\n", 10, 3, 1)
	want := Verdict{Passed: 2, Failed: 1, Failures: []Failure{{"s/b/c", []string{"stdout differs:", " x", ""}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTAPMustFail has outputs in which something is wrong, although no case failed.
func TestTAPMustFail(t *testing.T) {
	tests := []struct {
		name, output  string
		cases, status int
		reason        string
	}{
		{"nothing", "", 0, 0, "last line"},
		{"no marker", "ok 1 - a\n1..1\n", 1, 0, "last line"},
		{"wrong marker", "ok 1 - a\n1..1\n# end t\n", 1, 0, "last line"},
		{"something after the marker", "ok 1 - a\n1..1\n# end s\nmore\n", 1, 0, "last line"},
		{"no plan", "ok 1 - a\n# end s\n", 1, 0, "no plan"},
		{"empty plan", "1..0\n# end s\n", 0, 0, "nothing in the plan"},
		{"plan twice", "ok 1 - a\n1..1\n1..1\n# end s\n", 1, 0, "twice"},
		{"a case without a file", "ok 1 - a\nok 2 - b\n1..2\n# end s\n", 1, 0, "the plan is 2, but there are 1 cases"},
		{"a case left out", "ok 1 - a\n1..1\n# end s\n", 2, 0, "the plan is 1, but there are 2 cases"},
		{"a lost line", "ok 1 - a\n1..2\n# end s\n", 2, 0, "number 2 was not reported"},
		{"a number twice", "ok 1 - a\nok 1 - b\n1..1\n# end s\n", 1, 0, "twice"},
		{"a number outside", "ok 1 - a\nok 9 - b\n1..1\n# end s\n", 1, 0, "outside"},
		{"status", "ok 1 - a\n1..1\n# end s\n", 1, 2, "status is 2"},
		{"status hides a failure", "not ok 1 - a\n1..1\n# end s\n", 1, 0, "status is 0 with a failed case"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(tt.output, 100, tt.cases, tt.status)
			var details []string
			for _, f := range v.Failures {
				details = append(details, f.Details...)
			}
			if v.Failed == 0 || !strings.Contains(strings.Join(details, "\n"), tt.reason) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestTAPShowsStrayLines(t *testing.T) {
	v := judge("./run: line 3: syntax error\n", 100, 5, 2)
	if v.Failed != 1 || !slices.Contains(v.Failures[0].Details, "  ./run: line 3: syntax error") {
		t.Errorf("%+v", v)
	}
}

func TestTAPProgress(t *testing.T) {
	tap := NewTAP("s")
	var seen []int
	tap.Progress = func(n int) { seen = append(seen, n) }
	tap.Write([]byte("ok 1\nnot ok 2\n# x\nok 3\n1..3\n"))
	if !slices.Equal(seen, []int{1, 2, 3}) {
		t.Error(seen)
	}
}

func FuzzTAP(f *testing.F) {
	f.Add([]byte("ok 1 - a\nnot ok 2 - b\n# d\n1..2\n# end s\n"), 2, 1)
	f.Fuzz(func(t *testing.T, data []byte, cases, status int) {
		tap := NewTAP("s")
		tap.Write(data)
		v := tap.Judge(cases, status)
		if v.Failed == 0 && (status != 0 || !strings.Contains(string(data), "# end s")) {
			t.Errorf("%q passed with status %d", data, status)
		}
	})
}
