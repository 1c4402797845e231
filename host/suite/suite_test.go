package suite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
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
	if _, err := exec.LookPath("musl-gcc"); err != nil {
		t.Skip("musl-gcc is not installed")
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"s/run":      "#!/bin/sh\n",
		"s/a.case":   "true\n",
		"s/answer.h": "#define ANSWER 42\n",
		"s/answer.c": "// cflags: -DFROM_FLAGS=1\n#include \"answer.h\"\n#include <linux/futex.h>\nint main(void) { return ANSWER + FROM_FLAGS; }\n",
	})
	s := Suite{Name: "s", Dir: filepath.Join(dir, "s")}
	b := &initramfs.Builder{Dir: t.TempDir()}
	archive, err := s.Archive(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := cpio.Decode(archive)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"suites", "suites/s", "suites/s/a.case", "suites/s/bin", "suites/s/bin/answer", "suites/s/run"}
	if diff := cmp.Diff(want, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	if e, _ := tree.Lookup("suites/s/run"); e.Mode != filetree.Regular|0o755 {
		t.Errorf("run has mode %o", e.Mode)
	}
	program, _ := tree.Lookup("suites/s/bin/answer")
	file := filepath.Join(dir, "answer")
	if err := os.WriteFile(file, program.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	err = exec.Command(file).Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 43 {
		t.Errorf("the program ends with %v", err)
	}
	write(t, dir, map[string]string{"s/answer.c": "int main(void) { return nothing; }\n"})
	if _, err := s.Archive(t.Context(), b); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a program that cannot be compiled: %v", err)
	}
}
