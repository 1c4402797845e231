package container

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// engine puts a program of that name, a shell script, into the PATH, which has nothing else but the
// shell's folder.
func engine(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestRun(t *testing.T) {
	engine(t, "podman", "case $1 in version) echo 1 ;; *) for a; do echo \"$a\"; done; exit $FAIL ;; esac\n")
	root := t.TempDir()
	sub := filepath.Join(root, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(sub)
	t.Setenv("FAIL", "0")
	var out strings.Builder
	if err := Run(t.Context(), root, []string{"go", "version"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{"run", "--rm", "--init", "-v", root + ":" + root, "-w", sub, image(), "go", "version"}
	if !slices.Equal(args, want) {
		t.Errorf("the engine was told %q, want %q", args, want)
	}
	t.Setenv("FAIL", "3")
	if err := Run(t.Context(), root, []string{"false"}, &out, &out); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a command that fails: %v", err)
	}
	if err := Run(t.Context(), sub+"/below", []string{"true"}, &out, &out); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("outside of the folder: %v", err)
	}
}

func TestNoEngine(t *testing.T) {
	engine(t, "docker", "echo 'Cannot connect to the daemon' >&2; echo more >&2; exit 1\n")
	err := Run(t.Context(), "/", nil, nil, nil)
	if err == nil || err.Error() != "no container engine runs on this machine: docker: Cannot connect to the daemon" {
		t.Errorf("an engine that does not answer: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err = Run(t.Context(), "/", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "neither docker nor podman") {
		t.Errorf("no engine: %v", err)
	}
}
