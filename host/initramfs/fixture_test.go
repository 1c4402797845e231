package initramfs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/packages"
)

// A site is a folder with a manifest and its sources, and a builder with an empty store. Its packages
// come from a provider that makes them up.
type site struct {
	tb       testing.TB
	dir      string
	builder  *Builder
	provider *madeUp
	built    map[string]string // reasons of the parts that the last build made
}

// newSite makes a site with so many C programs, of which the first three include the same header, and
// with three packages.
func newSite(tb testing.TB, programs int) *site {
	tb.Helper()
	if _, err := exec.LookPath("musl-gcc"); err != nil {
		tb.Skip("musl-gcc is not on this machine")
	}
	s := &site{tb: tb, dir: filepath.Join(tb.TempDir(), "site"), provider: &madeUp{version: "1"}}
	s.builder = s.newBuilder()
	for i := range programs {
		include, value := "", "0"
		if i < 3 {
			include, value = "#include \"value.h\"\n", "VALUE"
		}
		s.write(fmt.Sprintf("c/p%02d.c", i), fmt.Sprintf("%s#include <stddef.h>\nint main(void) { return %s + %d; }\n", include, value, i))
	}
	s.write("c/value.h", "#define VALUE 1\n")
	s.write("motd", "hello\n")
	s.write("site/index.html", "<p>\n")
	s.write("manifest.toml", `
[[packages]]
from = "debian"
names = ["one", "two", "three"]

[[c]]
sources = ["c/*.c"]
to = "bin"
compiler = "musl-gcc"
flags = ["-static", "-O0"]

[[folder]]
source = "site"
path = "var/www"

[[link]]
path = "bin/link"
target = "p00"

[[file]]
path = "etc/motd"
source = "motd"

[[file]]
path = "init"
text = "#!/bin/sh\n"
mode = 0o755
`)
	return s
}

func (s *site) newBuilder() *Builder {
	return &Builder{Dir: s.tb.TempDir(), Providers: map[string]Provider{"debian": s.provider}}
}

func (s *site) write(name, text string) {
	s.tb.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.tb.Fatal(err)
	}
}

// edit replaces a part of a file.
func (s *site) edit(name, old, new string) {
	s.tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || !strings.Contains(string(text), old) {
		s.tb.Fatalf("%s does not hold %q: %v", name, old, err)
	}
	s.write(name, strings.Replace(string(text), old, new, 1))
}

// try builds as a new process would.
func (s *site) try(ctx context.Context) ([]byte, error) {
	s.built = map[string]string{}
	m, err := manifest.Read(filepath.Join(s.dir, "manifest.toml"))
	if err != nil {
		return nil, err
	}
	b := *s.builder
	b.Explain = func(e Explanation) {
		if e.Built {
			s.built[e.Part] = e.Reason
		}
	}
	return b.Build(ctx, m, "none")
}

func (s *site) build() []byte {
	s.tb.Helper()
	archive, err := s.try(s.tb.Context())
	if err != nil {
		s.tb.Fatal(err)
	}
	return archive
}

// parts returns the names of the parts that the last build made.
func (s *site) parts() string {
	var list []string
	for name := range s.built {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// madeUp is a provider whose packages have one file each.
type madeUp struct {
	version string
	fetched atomic.Int32
	fail    error
}

func (m *madeUp) Fingerprint() (string, error) { return "version " + m.version, nil }

func (m *madeUp) Resolve(_ context.Context, names []string) (list []packages.Package, err error) {
	for _, name := range names {
		list = append(list, packages.Package{Name: name, Version: m.version, Digest: "sha256:" + name + m.version})
	}
	return list, m.fail
}

func (m *madeUp) Fetch(_ context.Context, p packages.Package) (*filetree.Tree, error) {
	m.fetched.Add(1)
	t := filetree.New()
	t.Add("usr/share/"+p.Name, filetree.Entry{Mode: filetree.Regular | 0o644, Time: 1234567890, Data: make([]byte, 100_000)})
	t.File("usr/share/"+p.Name+".version", 0o644, []byte(p.Version))
	return t, nil
}
