package source

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestTreeIsComplete has the Go toolchain find all that the kernel is built from in the tree.
func TestTreeIsComplete(t *testing.T) {
	list := func(dir string) []byte {
		t.Helper()
		cmd := exec.Command("go", "list", "-deps", "-tags", "baremetal",
			"-f", `{{if not .Standard}}{{.ImportPath}}{{range .GoFiles}} {{.}}{{end}}{{range .SFiles}} {{.}}{{end}}{{end}}`, "./kernel")
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, Tree); err != nil {
		t.Fatal(err)
	}
	if got, want := list(dir), list("."); !bytes.Equal(got, want) || !bytes.Contains(want, []byte("kevlar/kernel ")) {
		t.Errorf("the tree has\n%s\nnot\n%s", got, want)
	}
}
