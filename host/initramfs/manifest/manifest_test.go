package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const all = `
[debian]
sources = "debian.sources"

[alpine]
mirror = "https://mirror.example/alpine"
repositories = ["v3.20/main"]
keys = ["key.pub"]

[[packages]]
from = "debian"
names = ["bash"]

[[packages]]
from = "alpine"
names = ["busybox", "musl>=1.2"]

[[source.recipe]]
name = "hello"
build = "make"
install = [{ from = "hello", to = "usr/bin/hello" }]

[[packages]]
from = "source"
names = ["hello"]

[[busybox]]
path = "/bin/busybox"

[[folder]]
source = "site"
path = "var/www"
skip = ["*.tmp"]

[[c]]
sources = ["*.c"]
to = "/usr/lib/tests/"
flags = ["-static"]

[[go]]
package = "./cmd/hello"
path = "bin/hello"

[[dir]]
path = "tmp"
mode = 0o1777

[[link]]
path = "bin/sh"
target = "busybox"

[[device]]
path = "dev/null"
kind = "char"
major = 1
minor = 3

[[file]]
path = "etc/motd"
text = "hello"
uid = 5
`

func TestParse(t *testing.T) {
	m, err := Parse("m.toml", []byte(all))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Packages) != 3 || len(m.Source.Recipes) != 1 || m.Debian.Sources != "debian.sources" || m.Alpine.Repositories[0] != "v3.20/main" {
		t.Errorf("%+v", m)
	}
	mode, text := uint32(0o1777), "hello"
	for _, d := range []string{
		cmp.Diff(Dir{At: Pos{44, 1}, Path: "tmp", Mode: &mode}, m.Dirs[0]),
		cmp.Diff(C{At: Pos{35, 1}, To: "usr/lib/tests", Sources: []string{"*.c"}, Compiler: "musl-gcc", Flags: []string{"-static"}}, m.C[0]),
		cmp.Diff(Busybox{At: Pos{27, 1}, Path: "bin/busybox"}, m.Busybox[0]),
		cmp.Diff(File{At: Pos{58, 1}, Path: "etc/motd", Text: &text, Owner: Owner{UID: 5}}, m.Files[0]),
		cmp.Diff(Device{At: Pos{52, 1}, Path: "dev/null", Kind: "char", Major: 1, Minor: 3}, m.Devices[0]),
	} {
		if d != "" {
			t.Error(d)
		}
	}
	if Perm(m.Files[0].Mode, 0o644) != 0o644 || Perm(m.Dirs[0].Mode, 0o755) != 0o1777 {
		t.Error("modes")
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"[[file]]\npath = \"a\"\ntext = \"\"\nowner = 3\n":                                        `m.toml:4:1: unknown key "owner"`,
		"[[fiel]]\npath = \"a\"\n":                                                                `m.toml:1:3: unknown key "fiel"`,
		"[[file]]\npath = 5\n":                                                                    "m.toml:2:8: integer where a string belongs",
		"[[file]\n":                                                                               "m.toml:1:",
		"\n\n[[file]]\npath = \"a\"\n":                                                            "m.toml:3:1: a file needs either a source or a text",
		"[[file]]\npath = \"a\"\ntext = \"\"\nsource = \"b\"\n":                                   "either a source or a text",
		"[[file]]\ntext = \"\"\n":                                                                 "m.toml:1:1: a path is missing",
		"[[file]]\npath = \"/\"\ntext = \"\"\n":                                                   "the root itself",
		"[[file]]\npath = \"a/../../b\"\ntext = \"\"\n":                                           "m.toml:1:1: a/../../b: a path that climbs",
		"[[file]]\npath = \"a\"\ntext = \"\"\nmode = 0o10000\n":                                   "a mode has",
		"[[file]]\npath = \"a\"\ntext = \"\"\n\n[[dir]]\npath = \"/a/\"\n":                        "m.toml:1:1: /a: is described already, in line 5",
		"[[link]]\npath = \"a\"\n":                                                                "a link needs a target",
		"[[device]]\npath = \"a\"\nkind = \"chair\"\n":                                            `of the kind "chair"`,
		"[[device]]\npath = \"a\"\nkind = \"fifo\"\nmajor = 1\n":                                  "a FIFO has no numbers",
		"[[packages]]\nfrom = \"redhat\"\nnames = [\"a\"]\n":                                      `m.toml:1:1: packages from "redhat"`,
		"[[packages]]\nfrom = \"debian\"\n":                                                       "no names",
		"[[packages]]\nfrom = \"alpine\"\nnames = [\"a\"]\n":                                      "m.toml:1:1: packages of Alpine need a table [alpine]",
		"[[c]]\nsources = [\"[\"]\nto = \"bin\"\n":                                                "is not a pattern",
		"[[c]]\nto = \"bin\"\n":                                                                   "need sources",
		"[[c]]\nsources = [\"a.c\"]\nto = \"bin\"\npath = \"bin/a\"\n":                            "either a folder, to, or a path",
		"[[go]]\npath = \"bin/a\"\n":                                                              "needs a package",
		"[[folder]]\npath = \"a\"\n":                                                              "needs a source",
		"[[folder]]\npath = \"a\"\nsource = \"b\"\nskip = [\"[\"]\n":                              "is not a pattern",
		"[[file]]\npath = \"a\"\ntext = \"\"\nmode = \"0755\"\n":                                  "m.toml:4:8: string where an integer belongs",
		"[[dir]]\npath = \"a\\u0000b\"\n":                                                         "a zero byte",
		"file = [{ path = \"a\", text = \"\" }, { path = \"a\", text = \"\" }]\n":                 "/a: is described already",
		"[[file]]\npath = \"x\"\ntext = \"\"\n\n[[file]]\npath = \"y\"\n\n[[file]]\npath = \"z\"": "m.toml:5:1: a file needs",
	} {
		_, err := Parse("m.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "m.toml")
	if err := os.WriteFile(file, []byte(all), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if m.SourcePath("site") != filepath.Join(dir, "site") || m.SourcePath("/etc/motd") != "/etc/motd" {
		t.Errorf("%s, %s", m.SourcePath("site"), m.SourcePath("/etc/motd"))
	}
	if _, err := Read(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("a manifest that is not there: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(all))
	f.Add([]byte("[[file]]\npath = \"a\"\n[[file.x]]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse("m.toml", text)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if file.Path == "" || strings.HasPrefix(file.Path, "/") || strings.Contains("/"+file.Path+"/", "/../") {
				t.Errorf("path %q", file.Path)
			}
		}
	})
}
