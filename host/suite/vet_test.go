package suite

import (
	"strings"
	"testing"
)

func TestVet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":              "module m\n\ngo 1.26\n",
		"kernel/a.go":         "package kernel\n\nvar x = 1\n",
		"kernel/soft.go":      "//go:build !baremetal\n\npackage kernel\n\nfunc soft() int { return x }\n",
		"kernel/soft_test.go": "package kernel\n\nimport \"testing\"\n\nfunc TestSoft(t *testing.T) { soft() }\n",
	})
	t.Setenv("GOFLAGS", "")
	if v := Vet(t.Context(), dir); v.Passed != 2 || v.Failed != 0 {
		t.Errorf("%+v", v)
	}
	write(t, dir, map[string]string{"kernel/hard.go": "//go:build baremetal\n\npackage kernel\n\nvar y = missing\n"})
	v := Vet(t.Context(), dir)
	if v.Passed != 1 || v.Failed != 1 || !strings.Contains(strings.Join(v.Failures[0].Details, "\n"), "undefined: missing") {
		t.Errorf("%+v", v)
	}
}
