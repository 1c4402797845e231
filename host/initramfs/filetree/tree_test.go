package filetree

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddFS(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"run": 0o700, "cases/a.case": 0o600, "skip/x": 0o600} {
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o700)
		if err := os.WriteFile(file, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	os.Symlink("run", filepath.Join(dir, "link"))
	tree := New()
	if err := tree.AddFS("suites/s", dir, false, func(name string) bool { return name == "skip" }); err != nil {
		t.Fatal(err)
	}
	want := []string{"suites", "suites/s", "suites/s/cases", "suites/s/cases/a.case", "suites/s/link", "suites/s/run"}
	if diff := cmp.Diff(want, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	if e, _ := tree.Lookup("suites/s/run"); e.Mode != Regular|0o755 {
		t.Errorf("run has mode %o", e.Mode)
	}
	if e, _ := tree.Lookup("suites/s/cases/a.case"); e.Mode != Regular|0o644 || string(e.Data) != "cases/a.case" {
		t.Errorf("a.case: %o %q", e.Mode, e.Data)
	}
	if e, _ := tree.Lookup("suites/s/link"); e.Mode != Symlink|0o777 || string(e.Data) != "run" {
		t.Errorf("link: %o %q", e.Mode, e.Data)
	}
}

// TestAddFSMerges copies into a tree that has links to folders, and folders with modes of their own.
func TestAddFSMerges(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"bin/program", "tmp/file", "new/file"} {
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o700)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := New()
	tree.Dir("usr/bin", 0o755)
	tree.Link("bin", "usr/bin")
	tree.Dir("tmp", 0o1777)
	if err := tree.AddFS("/", dir, true, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"bin", "new", "new/file", "tmp", "tmp/file", "usr", "usr/bin", "usr/bin/program"}
	if diff := cmp.Diff(want, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	for name, mode := range map[string]uint32{"bin": Symlink | 0o777, "tmp": Dir | 0o1777, "new": Dir | 0o755} {
		if e, _ := tree.Lookup(name); e.Mode != mode {
			t.Errorf("%s has mode %o, want %o", name, e.Mode, mode)
		}
	}
}
