package suite

import (
	"strings"
	"testing"
)

func TestGoTest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod": "module m\n\ngo 1.26\n",
		"good/good_test.go": `package good
import "testing"
func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) {}) }
func TestB(t *testing.T) { t.Skip() }
`,
		"bad/bad_test.go": `package bad
import ("testing"; "os")
func TestC(t *testing.T) { t.Error("the reason", os.Getenv("WHY")) }
func TestD(t *testing.T) {}
`,
		"broken/broken_test.go": "package broken\nvar x = nothing\n",
		"crash/crash_test.go":   "package crash\nimport (\"os\"; \"testing\")\nfunc TestMain(*testing.M) { println(\"gone\"); os.Exit(3) }\n",
		"none/none.go":          "package none\n",
	})
	steps := 0
	v := GoTest(t.Context(), dir, []string{"WHY=given", "GOFLAGS="}, func(int) { steps++ }, "./...")
	if v.Passed != 2 || v.Skipped != 1 || v.Failed != 3 || steps != 4 {
		t.Errorf("%+v, %d steps", v, steps)
	}
	found := map[string]string{}
	for _, f := range v.Failures {
		found[f.Name] = strings.Join(f.Details, "\n")
	}
	for name, detail := range map[string]string{"m/bad TestC": "the reason given", "m/broken": "undefined: nothing", "m/crash": "gone"} {
		if !strings.Contains(found[name], detail) {
			t.Errorf("%s: %q lacks %q", name, found[name], detail)
		}
	}
}

func TestGoTestNothingToRun(t *testing.T) {
	if v := GoTest(t.Context(), t.TempDir(), []string{"GOFLAGS="}, nil, "./..."); v.Failed != 1 {
		t.Errorf("outside of a module: %+v", v)
	}
}

func TestCommand(t *testing.T) {
	if v := Command(t.Context(), t.TempDir(), []string{"A=b"}, "sh", "-c", `[ $A = b ]`); v.Passed != 1 || v.Failed != 0 {
		t.Errorf("%+v", v)
	}
	v := Command(t.Context(), t.TempDir(), nil, "sh", "-c", "echo why >&2; exit 3")
	if v.Failed != 1 || strings.Join(v.Failures[0].Details, "|") != "exit status 3|why" {
		t.Errorf("%+v", v)
	}
	if v := Command(t.Context(), t.TempDir(), nil, "/no/such/program"); v.Failed != 1 {
		t.Errorf("%+v", v)
	}
}
