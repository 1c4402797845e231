package suite

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/cache"
)

// write makes files below a folder. Those named run are executable.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		perm := os.FileMode(0o644)
		if filepath.Base(name) == "run" {
			perm = 0o755
		}
		if err := os.WriteFile(path, []byte(text), perm); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"README.md":           "",
		"a/run":               "#!/bin/sh\n",
		"a/cases/x.case":      "",
		"a/cases/g/y.case":    "",
		"a/cases/g/notes.txt": "",
		"a/suite.conf":        "# a remark\ncpus 3\n\nmem 1G\ntimeout 20m\nslow true\ntags one two\npanics true\n",
		"b/b_test.go":         "package b\n",
		"data/file":           "",
	})
	got, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Suite{
		{Name: "a", Dir: filepath.Join(dir, "a"), Cases: 2, Conf: Conf{CPUs: 3, Mem: 1 << 30, Timeout: 20 * time.Minute, Slow: true, Tags: []string{"one", "two"}, Panics: true}},
		{Name: "b", Dir: filepath.Join(dir, "b"), Go: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFindErrors(t *testing.T) {
	for text, want := range map[string]string{
		"cpus many":    "suite.conf:1",
		"\ncolour red": "suite.conf:2: unknown key",
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"s/run": "", "s/suite.conf": text})
		if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"s/run": ""})
	if err := os.Chmod(filepath.Join(dir, "s/run"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "not executable") {
		t.Error(err)
	}
	if list, err := Find(filepath.Join(dir, "none")); err != nil || list != nil {
		t.Errorf("no folder: %v, %v", list, err)
	}
}

func TestArchive(t *testing.T) {
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skip(compiler, "is not installed")
	}
	dir, store := t.TempDir(), cache.Dir(t.TempDir())
	write(t, dir, map[string]string{
		"s/run":      "#!/bin/sh\n",
		"s/answer.h": "#define ANSWER 42\n",
		"s/answer.c": "// cflags: -DFROM_FLAGS=1\n#include \"answer.h\"\n#include <linux/futex.h>\nint main(void) { return ANSWER + FROM_FLAGS; }\n",
	})
	s := Suite{Name: "s", Dir: filepath.Join(dir, "s")}
	compiled := func() int {
		list, _ := filepath.Glob(store.Path("c", "*"))
		return len(list)
	}
	first, err := s.Archive(t.Context(), store, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(first, []byte("suites/s/bin/answer\x00")) || bytes.Contains(first, []byte("suites/s/answer.c\x00")) {
		t.Error("the archive does not hold the program in place of its source")
	}
	programs, _ := filepath.Glob(store.Path("c", "*"))
	os.Chmod(programs[0], 0o755)
	err = exec.Command(programs[0]).Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 43 {
		t.Errorf("the program ends with %v", err)
	}
	second, err := s.Archive(t.Context(), store, nil)
	if err != nil || !bytes.Equal(first, second) || compiled() != 1 {
		t.Errorf("the second time: %v, %d programs", err, compiled())
	}
	write(t, dir, map[string]string{"s/answer.h": "#define ANSWER 1\n"})
	if _, err := s.Archive(t.Context(), store, nil); err != nil || compiled() != 2 {
		t.Errorf("with another header: %v, %d programs", err, compiled())
	}
	write(t, dir, map[string]string{"s/answer.c": "int main(void) { return nothing; }\n"})
	if _, err := s.Archive(t.Context(), store, nil); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a program that cannot be compiled: %v", err)
	}
}
