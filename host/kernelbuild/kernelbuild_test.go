package kernelbuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kevlar/host/cache"
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
	if _, err := Build(t.Context(), "", dir, nil); err == nil || !strings.Contains(err.Error(), "source tree") {
		t.Error(err)
	}
	root := t.TempDir()
	os.WriteFile(filepath.Join(root, "go.mod"), []byte("module kevlar\n\ngo 1.26\n"), 0o644)
	os.Mkdir(filepath.Join(root, "kernel"), 0o755)
	os.WriteFile(filepath.Join(root, "kernel", "main.go"), []byte("package main\n\nfunc main() { missing() }\n"), 0o644)
	if _, err := Build(t.Context(), root, dir, nil); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Error(err)
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
