package initramfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/packages"
)

func decode(t *testing.T, archive []byte) *filetree.Tree {
	t.Helper()
	tree, err := cpio.Decode(archive)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestBuild(t *testing.T) {
	s := newSite(t, 4)
	tree := decode(t, s.build())
	for name, want := range map[string]filetree.Entry{
		"bin/link":           {Mode: filetree.Symlink | 0o777, Data: []byte("p00")},
		"etc/motd":           {Mode: filetree.Regular | 0o644, Data: []byte("hello\n")},
		"init":               {Mode: filetree.Regular | 0o755, Data: []byte("#!/bin/sh\n")},
		"usr/share/two":      {Mode: filetree.Regular | 0o644, Time: 1234567890, Data: make([]byte, 100_000)},
		"var/www/index.html": {Mode: filetree.Regular | 0o644, Data: []byte("<p>\n")},
	} {
		if got, _ := tree.Lookup(name); !cmp.Equal(got, want) {
			t.Errorf("%s: %v", name, cmp.Diff(want, got))
		}
	}
	for i := range 4 {
		if e, _ := tree.Lookup(fmt.Sprintf("bin/p%02d", i)); !bytes.HasPrefix(e.Data, []byte("\x7fELF")) || e.Mode != filetree.Regular|0o755 {
			t.Errorf("program %d: mode %o, %.4q", i, e.Mode, e.Data)
		}
	}
}

// TestRebuilds makes one change after the other: each has what depends on it made again, and nothing
// else.
func TestRebuilds(t *testing.T) {
	s := newSite(t, 4)
	last := s.build()
	for _, step := range []struct {
		name   string
		change func()
		built  string
		reason string // of one of them
	}{
		{"nothing", func() {}, "", ""},
		{"the time of every file", func() {
			filepath.WalkDir(s.dir, func(file string, _ os.DirEntry, _ error) error {
				return os.Chtimes(file, time.Now(), time.Now().Add(time.Hour))
			})
		}, "", ""},
		{"a source", func() { s.write("c/p03.c", "int main(void) { return 30; }\n") }, "c/p03.c", "source c/p03.c changed"},
		{"a header", func() { s.write("c/value.h", "#define VALUE 2\n") }, "c/p00.c, c/p01.c, c/p02.c", "header c/value.h changed"},
		{"a flag", func() { s.edit("manifest.toml", `"-O0"`, `"-O1"`) }, "c/p00.c, c/p01.c, c/p02.c, c/p03.c", "flags changed"},
		{"a file", func() { s.write("motd", "good day\n") }, "/etc/motd", "content changed"},
		{"a folder", func() { s.write("site/new.html", "<p>\n") }, "site/", "file new.html is new"},
		{"a link", func() { s.edit("manifest.toml", `target = "p00"`, `target = "p01"`) }, "folders, links and devices", "the manifest changed"},
		{"the lists of packages", func() { s.provider.version = "2" }, "packages of debian: one two three", "package one changed"},
		{"back to an earlier source", func() { s.write("c/p03.c", "#include <stddef.h>\nint main(void) { return 0 + 3; }\n") }, "c/p03.c", ""},
	} {
		step.change()
		archive := s.build()
		if got := s.parts(); got != step.built {
			t.Errorf("%s: built %q, want %q", step.name, got, step.built)
		}
		found := step.reason == ""
		for _, reason := range s.built {
			found = found || reason == step.reason
		}
		if !found {
			t.Errorf("%s: the reasons are %v", step.name, s.built)
		}
		if bytes.Equal(archive, last) != (step.built == "") {
			t.Errorf("%s: the archive is equal: %v", step.name, bytes.Equal(archive, last))
		}
		last = archive
	}
	if n := s.provider.fetched.Load(); n != 6 {
		t.Errorf("%d packages were fetched, not three in two versions", n)
	}
}

// TestTimes has the times of packages kept, those of what is made be the builder's, and those of a folder
// count if they are asked for.
func TestTimes(t *testing.T) {
	s := newSite(t, 1)
	date := func(seconds int64) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(s.dir, "site/index.html"), time.Now(), time.Unix(seconds, 0)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(page uint32) []byte {
		t.Helper()
		archive := s.build()
		tree := decode(t, archive)
		for name, want := range map[string]uint32{
			"usr/share/two": 1234567890, "usr/share": s.builder.Epoch, "bin/p00": s.builder.Epoch, "etc/motd": s.builder.Epoch,
			"bin/link": s.builder.Epoch, "var/www/index.html": page,
		} {
			if e, _ := tree.Lookup(name); e.Time != want {
				t.Errorf("%s: time %d, want %d", name, e.Time, want)
			}
		}
		return archive
	}
	first := check(0)
	s.builder.Epoch = 1e9
	check(1e9)
	date(5555)
	check(1e9)
	s.builder.Epoch = 0
	if !bytes.Equal(check(0), first) {
		t.Error("the same inputs give other bytes")
	}
	s.edit("manifest.toml", `path = "var/www"`, "path = \"var/www\"\ntimes = true")
	check(5555)
	date(7777)
	check(7777)
}

// TestModeAndOwner has changes that no part's content depends on.
func TestModeAndOwner(t *testing.T) {
	s := newSite(t, 1)
	first := s.build()
	s.edit("manifest.toml", "source = \"motd\"", "source = \"motd\"\nmode = 0o600\nuid = 7")
	second := s.build()
	e, _ := decode(t, second).Lookup("etc/motd")
	if bytes.Equal(first, second) || e.Mode != filetree.Regular|0o600 || e.UID != 7 {
		t.Errorf("mode %o, owner %d", e.Mode, e.UID)
	}
}

// TestCompilerChanges has a compiler that is a script; another script is another compiler.
func TestCompilerChanges(t *testing.T) {
	s := newSite(t, 2)
	compiler := filepath.Join(t.TempDir(), "cc")
	script := func(remark string) {
		if err := os.WriteFile(compiler, []byte("#!/bin/sh\n# "+remark+"\nexec musl-gcc \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("one")
	s.edit("manifest.toml", `compiler = "musl-gcc"`, fmt.Sprintf("compiler = %q", compiler))
	s.build()
	s.build()
	if got := s.parts(); got != "" {
		t.Errorf("with the same compiler: built %q", got)
	}
	script("another")
	s.build()
	if got := s.parts(); got != "c/p00.c, c/p01.c" {
		t.Errorf("with another compiler: built %q", got)
	}
}

// TestSameBytes builds the same site in two folders, with other times and another umask.
func TestSameBytes(t *testing.T) {
	one, two := newSite(t, 3), newSite(t, 3)
	first := one.build()
	defer syscall.Umask(syscall.Umask(0o077))
	filepath.WalkDir(two.dir, func(file string, _ os.DirEntry, _ error) error {
		return os.Chtimes(file, time.Unix(1e9, 0), time.Unix(1e9, 0))
	})
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	t.Setenv("TZ", "Pacific/Auckland")
	if !bytes.Equal(first, two.build()) {
		t.Error("two folders with the same content give different archives")
	}
}

// TestFolderWithPatternInName has a manifest in a folder whose name would be a pattern of others.
func TestFolderWithPatternInName(t *testing.T) {
	s := newSite(t, 1)
	other := newSite(t, 1)
	other.dir = filepath.Join(other.dir, `a[b]*?\`)
	if err := os.CopyFS(other.dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.build(), other.build()) {
		t.Error("the name of the folder makes a difference")
	}
}

// TestDamagedStore damages every entry; nothing of that gets into an archive.
func TestDamagedStore(t *testing.T) {
	s := newSite(t, 2)
	first := s.build()
	err := filepath.WalkDir(s.builder.Dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 1
		return os.WriteFile(file, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, s.build()) {
		t.Error("the archive is another one")
	}
	if got := s.parts(); !strings.Contains(got, "c/p00.c, c/p01.c") {
		t.Errorf("built %q", got)
	}
}

func TestBuildErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(s *site)
		want   []string // parts of the message
	}{
		{"a program that does not compile", func(s *site) { s.write("c/p00.c", "int main(void) { return nothing; }\n") },
			[]string{"manifest.toml:6:1: compiling c/p00.c:", "nothing"}},
		{"a header that is gone", func(s *site) { os.Remove(filepath.Join(s.dir, "c/value.h")) },
			[]string{"manifest.toml:6:1: compiling c/p0", "value.h: No such file"}},
		{"no sources", func(s *site) { s.edit("manifest.toml", "c/*.c", "d/*.c") }, []string{"manifest.toml:6:1: d/*.c: no such file"}},
		{"a program and a file at one path", func(s *site) { s.edit("manifest.toml", `path = "init"`, `path = "bin/p00"`) },
			[]string{"manifest.toml:6:1: /bin/p00 is made of c/p00.c and is described in line 24, too"}},
		{"no compiler", func(s *site) { s.edit("manifest.toml", `"musl-gcc"`, `"no-such-cc"`) }, []string{"manifest.toml:6:1: compiler no-such-cc: not found"}},
		{"a file that is gone", func(s *site) { os.Remove(filepath.Join(s.dir, "motd")) }, []string{"manifest.toml:20:1: motd: no such file"}},
		{"a folder that is gone", func(s *site) { os.RemoveAll(filepath.Join(s.dir, "site")) }, []string{"manifest.toml:12:1: site: no such file"}},
		{"packages that are not there", func(s *site) { s.provider.fail, s.provider.version = errors.New("package four: unknown"), "9" },
			[]string{"manifest.toml:2:1: package four: unknown"}},
		{"a file below a file", func(s *site) { s.edit("manifest.toml", `path = "init"`, `path = "etc/motd/below"`) },
			[]string{"manifest.toml:24:1: etc/motd/below: etc/motd is not a folder"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, 2)
			good := s.build()
			tt.change(s)
			_, err := s.try(t.Context())
			if err == nil {
				t.Fatal("built")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: does not say %q", err, part)
				}
			}
			// What went wrong leaves nothing behind that a later build would take.
			other := newSite(t, 2)
			other.builder.Dir = s.builder.Dir
			if !bytes.Equal(good, other.build()) {
				t.Error("afterwards the first manifest gives another archive")
			}
		})
	}
}

// TestInterrupted has a build given up in the middle: it ends at once, without temporary files.
func TestInterrupted(t *testing.T) {
	s := newSite(t, 1)
	s.edit("manifest.toml", `compiler = "musl-gcc"`, fmt.Sprintf("compiler = %q", filepath.Join(s.dir, "slow")))
	started := filepath.Join(t.TempDir(), "started")
	s.write("slow", "#!/bin/sh\ncase \"$*\" in *-MD*) : >"+started+"; sleep 60 ;; esac\nexec musl-gcc \"$@\"\n")
	os.Chmod(filepath.Join(s.dir, "slow"), 0o755)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	begin := time.Now()
	if _, err := s.try(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v to end", took)
	}
	left, _ := filepath.Glob(filepath.Join(s.builder.Dir, "*", ".tmp-*"))
	if len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

// TestTwoAtOnce has several builders fill one store.
func TestTwoAtOnce(t *testing.T) {
	s := newSite(t, 3)
	const builders = 3
	archives := make(chan []byte, builders)
	for range builders {
		go func() {
			other := *s
			archive, err := other.try(t.Context())
			if err != nil {
				t.Error(err)
			}
			archives <- archive
		}()
	}
	first := <-archives
	for range builders - 1 {
		if !bytes.Equal(first, <-archives) {
			t.Error("two builders at once make different archives")
		}
	}
}

// TestBusyboxGivesWay has a package with a program that is also an applet, in a folder that is a link.
func TestBusyboxGivesWay(t *testing.T) {
	m := &manifest.Manifest{
		Name: "m", Dir: t.TempDir(),
		Packages: []manifest.Packages{{From: "debian", Names: []string{"coreutils"}}},
		Busybox:  []manifest.Busybox{{Path: "bin/busybox"}},
	}
	b := &Builder{Dir: t.TempDir(), Providers: map[string]Provider{"debian": &coreutils{}}}
	archive, err := b.Build(t.Context(), m, "none")
	if err != nil {
		t.Fatal(err)
	}
	tree := decode(t, archive)
	if e, _ := tree.Lookup("usr/bin/ls"); string(e.Data) != "the package's" {
		t.Errorf("usr/bin/ls is %.20q", e.Data)
	}
	if e, _ := tree.Lookup("usr/bin/ash"); string(e.Data) != "/bin/busybox" {
		t.Errorf("usr/bin/ash is %.20q", e.Data)
	}
	if e, _ := tree.Lookup("usr/bin/busybox"); !bytes.HasPrefix(e.Data, []byte("\x7fELF")) {
		t.Errorf("usr/bin/busybox is %.20q", e.Data)
	}
}

// coreutils is a provider with one package.
type coreutils struct{ madeUp }

func (*coreutils) Fetch(context.Context, packages.Package) (*filetree.Tree, error) {
	t := filetree.New()
	t.File("usr/bin/ls", 0o755, []byte("the package's"))
	t.Link("bin", "usr/bin")
	return t, nil
}

func TestDefault(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	b := &Builder{Dir: t.TempDir()}
	archive, err := b.Build(t.Context(), m, "none")
	if err != nil {
		t.Fatal(err)
	}
	tree := decode(t, archive)
	for name, mode := range map[string]uint32{
		"init": filetree.Regular | 0o755, "bin/busybox": filetree.Regular | 0o755, "bin/sh": filetree.Symlink | 0o777,
		"usr/bin/wc": filetree.Symlink | 0o777, "dev/console": filetree.CharDev | 0o600, "tmp": filetree.Dir | 0o1777,
		"etc/passwd": filetree.Regular | 0o644, "kevlar/run": filetree.Regular | 0o755,
	} {
		if e, ok := tree.Lookup(name); !ok || e.Mode != mode {
			t.Errorf("%s: mode %o, want %o", name, e.Mode, mode)
		}
	}
	if err := cpio.Check(bytes.NewReader(archive), "/init"); err != nil {
		t.Error(err)
	}
}
