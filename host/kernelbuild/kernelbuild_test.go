package kernelbuild

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kevlar/host/cache"
	"kevlar/host/progress"
)

func TestFindRoot(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(dir, text string) {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := FindRoot(deep); got != "" {
		t.Errorf("without a go.mod file: %q", got)
	}
	write(root, "module kevlar\n\ngo 1.26\n")
	if got := FindRoot(deep); got != root {
		t.Errorf("%q, want %q", got, root)
	}
	write(deep, "module other\n")
	if got := FindRoot(deep); got != root {
		t.Errorf("another module inside: %q", got)
	}
}

func TestBuildErrors(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	root := t.TempDir()
	os.WriteFile(filepath.Join(root, "go.mod"), []byte("module kevlar\n\ngo 1.26\n"), 0o644)
	os.Mkdir(filepath.Join(root, "kernel"), 0o755)
	os.WriteFile(filepath.Join(root, "kernel", "main.go"), []byte("package main\n\nfunc main() { missing() }\n"), 0o644)
	var said bytes.Buffer
	report := progress.New(&said, true)
	want := "building the kernel: # kevlar/kernel\nkernel/main.go:3:15: undefined: missing"
	for _, place := range []string{root, ""} {
		if _, err := Build(t.Context(), place, os.DirFS(root), dir, report); err == nil || err.Error() != want {
			t.Errorf("in %q: %v", place, err)
		}
	}
	if text := said.String(); text != "kevlar: building the kernel\nkevlar: building the kernel\n" {
		t.Errorf("said %q", text)
	}
	t.Setenv("PATH", "")
	if _, err := Build(t.Context(), root, nil, dir, nil); err == nil || !strings.Contains(err.Error(), "go.dev/dl") {
		t.Errorf("without a toolchain: %v", err)
	}
}

// TestCompileAgain has nothing to say if there is nothing to do.
func TestCompileAgain(t *testing.T) {
	root := t.TempDir()
	os.WriteFile(filepath.Join(root, "go.mod"), []byte("module kevlar\n\ngo 1.26\n"), 0o644)
	os.Mkdir(filepath.Join(root, "kernel"), 0o755)
	program := fmt.Sprintf("package main\n\nfunc main() { println(%q) }\n", rand.Text()) // which was never built
	os.WriteFile(filepath.Join(root, "kernel", "main.go"), []byte(program), 0o644)
	for _, want := range []string{"kevlar: building the kernel\n", ""} {
		var said bytes.Buffer
		// There is no such program as the image, but it compiles.
		err := compile(t.Context(), root, filepath.Join(root, "elf"), progress.New(&said, true), nil)
		if err != nil && !strings.Contains(err.Error(), "entry") {
			t.Error(err)
		}
		if said.String() != want {
			t.Errorf("said %q, want %q", said.String(), want)
		}
	}
}

func TestUnpack(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	sources := fstest.MapFS{"go.mod": {Data: []byte("module kevlar\n")}, "kernel/a/b.go": {Data: []byte("package a\n")}}
	first, err := unpack(sources, dir)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(first, "kernel/a/b.go")); err != nil || string(data) != "package a\n" {
		t.Errorf("%q, %v", data, err)
	}
	if again, err := unpack(sources, dir); err != nil || again != first {
		t.Errorf("%s, %v", again, err)
	}
	old := time.Now().Add(-2 * keep)
	os.Chtimes(first, old, old)
	sources["kernel/a/b.go"].Data = []byte("package b\n")
	second, err := unpack(sources, dir)
	if err != nil || second == first {
		t.Errorf("%s, %v", second, err)
	}
	if _, err := os.Stat(first); err == nil {
		t.Error("old sources are not removed")
	}
}

// TestStandalone has this test's program carry an image, another one instead, and a damaged one.
func TestStandalone(t *testing.T) {
	if k, err := carried(cache.Dir(t.TempDir())); k != nil || err != nil {
		t.Errorf("a program without an image: %v, %v", k, err)
	}
	plain, err := self()
	if err != nil {
		t.Fatal(err)
	}
	image := []byte("the image")
	program, err := Standalone(image)
	if err != nil {
		t.Fatal(err)
	}
	tr, length, err := readTrailer(bytes.NewReader(program), int64(len(program)))
	if err != nil || tr.Size != uint64(len(image)) || len(program) != len(plain)+len(image)+length {
		t.Errorf("%+v, %v", tr, err)
	}
	for _, bad := range [][]byte{nil, program[:len(program)-1], plain, program[len(program)-length:]} {
		if _, _, err := readTrailer(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("a program of %d bytes carries an image", len(bad))
		}
	}
}

func TestEvict(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * keep)
	for _, name := range []string{"kevlar-1.img", "kevlar-2.img", "kevlar-3.img", "kevlar-tag-1.img.txt"} {
		path := filepath.Join(dir, name)
		os.WriteFile(path, nil, 0o644)
		if name != "kevlar-3.img" {
			os.Chtimes(path, old, old)
		}
	}
	evict(filepath.Join(dir, "kevlar-"), filepath.Join(dir, "kevlar-2.img"))
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 3 {
		t.Errorf("left are %q", left)
	}
}
