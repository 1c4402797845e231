package cache

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T) Dir {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestOpenHidesFromGit(t *testing.T) {
	d := open(t)
	data, err := os.ReadFile(d.Path(".gitignore"))
	if err != nil || string(data) != "*\n" {
		t.Fatalf("%q, %v", data, err)
	}
}

func TestFileBuildsOnce(t *testing.T) {
	d := open(t)
	builds := 0
	for range 2 {
		path, err := d.File(func(tmp string) error {
			builds++
			return os.WriteFile(tmp, []byte("made"), 0o644)
		}, "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(path); string(data) != "made" {
			t.Fatalf("entry holds %q", data)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
}

// TestFullDisk has the error name the cache, not a file in it that nobody knows.
func TestFullDisk(t *testing.T) {
	d := open(t)
	build := func(tmp string) error { return &os.PathError{Op: "write", Path: tmp, Err: unix.ENOSPC} }
	want := "the cache in " + string(d) + ": no space left on device"
	if _, err := d.File(build, "a"); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := d.Tree(build, "b"); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	d := open(t)
	wrong := errors.New("wrong")
	if _, err := d.File(func(tmp string) error {
		os.WriteFile(tmp, []byte("half"), 0o644)
		return wrong
	}, "a", "f"); err != wrong {
		t.Fatal(err)
	}
	if _, err := d.Tree(func(tmp string) error {
		os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644)
		return wrong
	}, "a", "t"); err != wrong {
		t.Fatal(err)
	}
	if n := entries(t, d.Path("a")); n != 0 {
		t.Errorf("%d entries left behind", n)
	}
}

func TestTree(t *testing.T) {
	d := open(t)
	path, err := d.Tree(func(tmp string) error {
		return os.WriteFile(filepath.Join(tmp, "x"), []byte("y"), 0o644)
	}, "tree")
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(filepath.Join(path, "x")); string(data) != "y" {
		t.Errorf("tree holds %q", data)
	}
}

func TestLockExcludes(t *testing.T) {
	d := open(t)
	unlock, err := d.Lock("l")
	if err != nil {
		t.Fatal(err)
	}
	var held atomic.Bool
	held.Store(true)
	done := make(chan bool)
	go func() {
		second, err := d.Lock("l")
		if err == nil {
			defer second()
		}
		done <- err == nil && !held.Load()
	}()
	time.Sleep(20 * time.Millisecond)
	held.Store(false)
	unlock()
	if !<-done {
		t.Error("the second holder came in while the first held the lock")
	}
}
