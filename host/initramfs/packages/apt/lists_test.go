package apt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kevlar/host/cache"
)

// sourcesFile writes a file of sources for a repository without signatures, and says which.
func sourcesFile(t *testing.T, repository string) string {
	t.Helper()
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("apt-get is not on this machine")
	}
	file := filepath.Join(t.TempDir(), "test.list")
	write(t, file, "deb [trusted=yes] copy:"+repository+" ./\n")
	return file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const hello = `Package: hello
Version: 1.0
Architecture: amd64
Filename: ./hello.deb
Size: 5
SHA256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03

`

func TestLists(t *testing.T) {
	repository, dir := t.TempDir(), t.TempDir()
	sources := sourcesFile(t, repository)
	write(t, filepath.Join(repository, "Packages"), hello)
	write(t, filepath.Join(repository, "hello.deb"), "hello")
	open := func(update bool) *Lists {
		t.Helper()
		lists, err := Open(Config{Dir: dir, Kind: Binary, Sources: sources, Update: update})
		if err != nil {
			t.Fatal(err)
		}
		return lists
	}
	print := func(l *Lists) string {
		t.Helper()
		print, err := l.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	get := func(l *Lists) string {
		t.Helper()
		out, err := l.Get(t.Context(), "install", "-q", "--print-uris", "hello")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	lists := open(false)
	if got := print(lists); got != "" {
		t.Errorf("fingerprint without lists: %q", got)
	}
	if out := get(lists); !strings.Contains(out, "hello_1.0_amd64.deb 5 SHA256:5891b5b522d5df") {
		t.Errorf("printed %q", out)
	}
	first := print(lists)
	if first == "" {
		t.Error("no fingerprint after the first use")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 { // the lists and the lock
		t.Errorf("left behind: %v", left)
	}

	// The repository changes; the lists only do when they are asked to.
	write(t, filepath.Join(repository, "Packages"), strings.Replace(hello, "1.0", "2.0", 1))
	lists = open(false)
	if print(lists) != first || !strings.Contains(get(lists), "hello_1.0_") {
		t.Error("the lists changed without Update")
	}
	lists = open(true)
	if print(lists) != "" || !strings.Contains(get(lists), "hello_2.0_") {
		t.Error("the lists did not change with Update")
	}
	if second := print(lists); second == first || second == "" {
		t.Errorf("the fingerprints are %q and %q", first, second)
	}

	// The sources change.
	write(t, sources, "# other\ndeb [trusted=yes] copy:"+repository+" ./\n")
	if got := print(open(false)); got != "" {
		t.Errorf("fingerprint of lists from other sources: %q", got)
	}
	host, err := Open(Config{Dir: dir, Kind: Binary})
	if err != nil {
		t.Fatal(err)
	}
	if got := print(host); got != "" {
		t.Errorf("fingerprint when the host's sources are wanted: %q", got)
	}
}

// TestFailedUpdate keeps the lists that are there.
func TestFailedUpdate(t *testing.T) {
	repository, dir := t.TempDir(), t.TempDir()
	sources := sourcesFile(t, repository)
	write(t, filepath.Join(repository, "Packages"), hello)
	lists, err := Open(Config{Dir: dir, Kind: Binary, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lists.Get(t.Context(), "check"); err != nil {
		t.Fatal(err)
	}
	first, _ := lists.Fingerprint()
	if err := os.Remove(filepath.Join(repository, "Packages")); err != nil {
		t.Fatal(err)
	}
	broken, err := Open(Config{Dir: dir, Kind: Binary, Sources: sources, Update: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = broken.Get(t.Context(), "check")
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "Packages") {
		t.Errorf("without a list: %v", err)
	}
	if print, err := lists.Fingerprint(); print != first || err != nil {
		t.Errorf("afterwards: %q, %v", print, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

func TestErrors(t *testing.T) {
	repository := t.TempDir()
	sources := sourcesFile(t, repository)
	write(t, filepath.Join(repository, "Packages"), hello+
		strings.NewReplacer("hello", "other", "Size", "Conflicts: hello\nSize").Replace(hello)+
		strings.NewReplacer("hello", "lost", "Size", "Depends: nowhere\nSize").Replace(hello))
	lists, err := Open(Config{Dir: t.TempDir(), Kind: Binary, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]string{
		"nosuch":      "Unable to locate package nosuch",
		"hello=9":     "Version '9' for 'hello' was not found",
		"hello other": "packages that cannot be together: other : Conflicts: hello but 1.0 is to be installed",
		"lost":        "packages that cannot be together: lost : Depends: nowhere but it is not installable",
	} {
		_, err := lists.Get(t.Context(), append([]string{"install", "-q", "-y", "--print-uris"}, strings.Fields(names)...)...)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", names, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lists.Get(ctx, "check"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOwnSourcesName(t *testing.T) {
	sourcesFile(t, "/nowhere")
	lists, err := Open(Config{Dir: t.TempDir(), Kind: Binary, Sources: "sources.txt"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lists.Fingerprint(); err == nil || !strings.Contains(err.Error(), "sources.txt") {
		t.Errorf("got %v", err)
	}
}

func TestNoAPT(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(Config{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "apt-get is not on this machine") {
		t.Errorf("got %v", err)
	}
}

func TestOfKind(t *testing.T) {
	for _, tt := range []struct{ ext, text, want string }{
		{".list", "# deb no\ndeb a b c\n deb\t[x=y] a b c\n", "# deb no\ndeb-src a b c\n deb-src\t[x=y] a b c\n"},
		{".list", "deb-src a b c\n", "deb-src a b c\n"},
		{".sources", "Types: deb\nURIs: a\n\nTYPES:deb deb-src\n", "Types: deb-src\nURIs: a\n\nTYPES: deb-src\n"},
	} {
		if got := string(ofKind([]byte(tt.text), tt.ext, Source)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if got := string(ofKind([]byte(tt.text), tt.ext, Binary)); got != tt.text {
			t.Errorf("for binary packages: %q", got)
		}
	}
}

// TestTogether has two builders that start without lists.
func TestTogether(t *testing.T) {
	repository, dir := t.TempDir(), t.TempDir()
	sources := sourcesFile(t, repository)
	write(t, filepath.Join(repository, "Packages"), hello)
	errs := make(chan error)
	for range 2 {
		lists, err := Open(Config{Dir: dir, Kind: Binary, Sources: sources, Update: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			go func() {
				out, err := lists.Get(t.Context(), "install", "-q", "--print-uris", "hello")
				if err == nil && !strings.Contains(out, "hello_1.0_amd64.deb") {
					err = errors.New(out)
				}
				errs <- err
			}()
		}
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestWaitInterrupted waits for another process that has locked the lists.
func TestWaitInterrupted(t *testing.T) {
	dir := t.TempDir()
	lists, err := Open(Config{Dir: dir, Kind: Binary, Sources: sourcesFile(t, "/nowhere")})
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := cache.Dir(dir).Lock("lists")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := lists.Get(ctx, "check"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
}
