package filetree

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// text is a regular file.
func text(s string) Entry { return Entry{Mode: Regular | 0o644, Data: []byte(s)} }

func dir(perm uint32) Entry { return Entry{Mode: Dir | perm} }

func link(target string) Entry { return Entry{Mode: Symlink | 0o777, Data: []byte(target)} }

type step struct {
	name string
	e    Entry
}

func insertAll(t *testing.T, tree *Tree, steps ...step) {
	t.Helper()
	for _, s := range steps {
		if err := tree.Insert(s.name, s.e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInsertFollowsLinks(t *testing.T) {
	tree := New()
	insertAll(t, tree,
		step{"./usr/lib/", dir(0o755)},
		step{"lib", link("usr/lib")},
		step{"lib64", link("/lib")},
		step{"up", link("../../../usr")},
		step{"lib/one", text("")},
		step{"lib64/two", text("")},
		step{"up/three", text("")},
		step{"lib64", dir(0o700)}, // is a folder already, behind two links
		step{"run/later", link("/var/later")},
		step{"run/later/file", text("")},
	)
	want := []string{"lib", "lib64", "run", "run/later", "up", "usr", "usr/lib", "usr/lib/one", "usr/lib/two", "usr/three",
		"var", "var/later", "var/later/file"}
	if diff := cmp.Diff(want, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	if e, _ := tree.Lookup("usr/lib"); e.Mode != Dir|0o700 {
		t.Errorf("usr/lib has mode %o", e.Mode)
	}
}

func TestInsertRefuses(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, want := range map[string]string{
		"":                           "without a name",
		"/etc/passwd":                "absolute",
		"..":                         "climbs",
		"../x":                       "climbs",
		"a/../../x":                  "climbs",
		"a/..":                       "the root itself",
		".":                          "the root itself",
		"./":                         "the root itself",
		"a\x00b":                     "zero byte",
		long:                         "too long",
		strings.Repeat("a/", 3000):   "too long",
		"file/x":                     "file is not a folder",
		"loop/x":                     "too many links",
		"full":                       "not empty",
		"deep/" + long[:200] + "/yy": "too long",
	} {
		tree := New()
		insertAll(t, tree, step{"file", text("")}, step{"loop", link("loop")}, step{"full/x", text("")},
			step{"deep", link(strings.Repeat("0123456789/", 365))})
		if err := tree.Insert(name, text("")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", name, err, want)
		}
		if err := tree.HardLink(name, "file"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("hard link %.40q: %v, want %q", name, err, want)
		}
	}
}

func TestInsertReplaces(t *testing.T) {
	tree := New()
	insertAll(t, tree,
		step{"a", text("1")}, step{"a", text("2")},
		step{"empty", dir(0o755)}, step{"empty", text("file")},
		step{"l", link("a")}, step{"l", text("not through the link")},
		step{"d/x", text("")}, step{"d", dir(0o700)},
		step{"m", link("a")}, step{"m", dir(0o755)}, // a link to no folder gives way
	)
	for name, want := range map[string]Entry{
		"a": text("2"), "empty": text("file"), "l": text("not through the link"), "d": dir(0o700), "m": dir(0o755), "d/x": text(""),
	} {
		got, _ := tree.Lookup(name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHardLink(t *testing.T) {
	tree := New()
	insertAll(t, tree, step{"bin", link("usr/bin")}, step{"usr/bin/a", text("x")}, step{"d", dir(0o755)})
	for _, name := range []string{"bin/b", "c"} {
		if err := tree.HardLink(name, "bin/a"); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]Name{}
	for n := range tree.All() {
		got[n.Path] = n
	}
	for _, name := range []string{"c", "usr/bin/a", "usr/bin/b"} {
		if n := got[name]; n.First != "c" || n.Links != 3 || string(n.Data) != "x" {
			t.Errorf("%s: %+v", name, n)
		}
	}
	// A name that is replaced takes nothing from the others.
	insertAll(t, tree, step{"c", text("y")})
	if e, _ := tree.Lookup("usr/bin/b"); string(e.Data) != "x" {
		t.Errorf("usr/bin/b holds %q", e.Data)
	}
	for target, want := range map[string]string{"d": "folder", "none": "not there", "../x": "climbs", "/c": "absolute"} {
		if err := tree.HardLink("e", target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestMerge(t *testing.T) {
	base, over := New(), New()
	insertAll(t, base,
		step{"usr/lib", dir(0o755)}, step{"lib", link("usr/lib")},
		step{"root", dir(0o700)}, step{"etc", dir(0o755)}, step{"etc/a", text("base")}, step{"etc/b", text("base")})
	insertAll(t, over,
		step{"lib/x.so", text("x")}, step{"root/.profile", text("")}, step{"etc", dir(0o750)}, step{"etc/a", text("over")})
	if err := over.HardLink("lib/y.so", "lib/x.so"); err != nil {
		t.Fatal(err)
	}
	if err := base.Merge(over); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Entry{
		"lib": link("usr/lib"), "usr/lib/x.so": text("x"), "root": dir(0o700), "etc": dir(0o750),
		"etc/a": text("over"), "etc/b": text("base"),
	} {
		got, _ := base.Lookup(name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for n := range base.All() {
		if n.Path == "usr/lib/y.so" && n.First != "usr/lib/x.so" {
			t.Errorf("the hard link became a file of its own: %+v", n)
		}
	}
	clash := New()
	insertAll(t, clash, step{"etc", text("")})
	if err := base.Merge(clash); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a file over a folder: %v", err)
	}
}
