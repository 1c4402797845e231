package filetree

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadDir(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"bin/one": 0o751, "etc/secret": 0o600} {
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "bin/one"), filepath.Join(dir, "bin/two")); err != nil {
		t.Fatal(err)
	}
	os.Symlink("/bin/one", filepath.Join(dir, "link"))
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	if root {
		if err := unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			root = false // not everybody who is root may
		}
		os.Chown(filepath.Join(dir, "etc/secret"), 12, 34)
	}
	for name, seconds := range map[string]int64{"bin/one": 1234567890, "etc/secret": -5, "etc": 1 << 33} {
		at := time.Unix(seconds, 999)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadDir(dir, 10); err == nil || !strings.Contains(err.Error(), "too large together") {
		t.Errorf("beyond the limit: %v", err)
	}
	tree, err := ReadDir(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]int{}
	for n := range tree.All() {
		links[n.First]++
	}
	if e, _ := tree.Lookup("bin/two"); e.Mode != Regular|0o751 || string(e.Data) != "bin/one" || links["bin/one"] != 2 {
		t.Errorf("bin/two: mode %o, %q, %d names", e.Mode, e.Data, links["bin/one"])
	}
	for name, want := range map[string]uint32{"bin/two": 1234567890, "etc/secret": 0, "etc": math.MaxUint32} {
		if e, _ := tree.Lookup(name); e.Time != want {
			t.Errorf("%s: time %d, want %d", name, e.Time, want)
		}
	}
	if e, _ := tree.Lookup("link"); e.Type() != Symlink || string(e.Data) != "/bin/one" {
		t.Errorf("link: mode %o, %q", e.Mode, e.Data)
	}
	if e, _ := tree.Lookup("fifo"); e.Type() != FIFO {
		t.Errorf("fifo: mode %o", e.Mode)
	}
	if root {
		if e, _ := tree.Lookup("null"); e.Type() != CharDev || e.Major != 1 || e.Minor != 3 {
			t.Errorf("null: mode %o, %d:%d", e.Mode, e.Major, e.Minor)
		}
		if e, _ := tree.Lookup("etc/secret"); e.UID != 12 || e.GID != 34 || e.Mode != Regular|0o600 {
			t.Errorf("etc/secret: mode %o, owner %d:%d", e.Mode, e.UID, e.GID)
		}
	}
	if _, err := ReadDir(filepath.Join(dir, "none"), 1<<20); err == nil {
		t.Error("a folder that is not there was read")
	}
}

func TestResolve(t *testing.T) {
	tree := New()
	tree.File("usr/bin/busybox", 0o755, []byte("program"))
	tree.Link("bin", "usr/bin")
	tree.Link("sbin/init", "/bin/busybox")
	tree.Link("etc/init", "../sbin/init")
	tree.Link("loop", "loop")
	tree.Link("dangling", "usr/none")
	for name, want := range map[string]string{
		"usr/bin/busybox": "usr/bin/busybox", "bin/busybox": "usr/bin/busybox", "sbin/init": "usr/bin/busybox",
		"/etc/init": "usr/bin/busybox", "loop": "", "dangling": "", "none": "",
	} {
		if got, _, ok := tree.Resolve(name); got != want || ok != (want != "") {
			t.Errorf("%s leads to %q, %v; want %q", name, got, ok, want)
		}
	}
}
