package debian

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
)

// listing says what is at each path but those that every package has.
func listing(tree *filetree.Tree) map[string]string {
	got := map[string]string{}
	for n := range tree.All() {
		switch n.Type() {
		case filetree.Dir:
		case filetree.Symlink:
			if !slices.Contains(aliases, n.Path) {
				got[n.Path] = "-> " + string(n.Data)
			}
		default:
			got[n.Path] = string(n.Data)
			if n.First != n.Path {
				got[n.Path] = "= " + n.First
			}
		}
	}
	return got
}

func TestMergeUsr(t *testing.T) {
	files := filetree.New()
	files.Dir("lib", 0o755)
	files.File("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", 0o755, []byte("loader"))
	files.Link("lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
	files.File("bin/true", 0o755, []byte("true"))
	files.Link("usr/bin/true", "/bin/true")
	files.File("usr/sbin/other", 0o755, []byte("other"))
	files.Link("sbin/other", "../usr/sbin/other")
	files.File("etc/passwd", 0o644, []byte("root"))
	files.Link("lib/systemd", "/usr/lib/else")
	if err := files.HardLink("usr/bin/false", "bin/true"); err != nil {
		t.Fatal(err)
	}
	merged, err := mergeUsr(files)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": "loader",
		"usr/lib64/ld-linux-x86-64.so.2":                "-> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		"usr/bin/false":                                 "true",
		"usr/bin/true":                                  "= usr/bin/false",
		"usr/sbin/other":                                "other",
		"usr/lib/systemd":                               "-> /usr/lib/else",
		"etc/passwd":                                    "root",
	}
	if diff := cmp.Diff(want, listing(merged)); diff != "" {
		t.Error(diff)
	}
	for _, name := range aliases {
		if e, ok := merged.Lookup(name); !ok || e.Type() != filetree.Symlink || string(e.Data) != "usr/"+name {
			t.Errorf("/%s: %o %q", name, e.Mode, e.Data)
		}
		if e, ok := merged.Lookup("usr/" + name); !ok || e.Type() != filetree.Dir {
			t.Errorf("/usr/%s: %o", name, e.Mode)
		}
	}

	// It is a layout that stays when it is merged, as base-files has it.
	again, err := mergeUsr(merged)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(merged.Paths(), again.Paths()); diff != "" {
		t.Errorf("merged again: %s", diff)
	}
}

func TestMergeUsrRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(*filetree.Tree)
		want  string
	}{
		{"two files", func(f *filetree.Tree) {
			f.File("bin/x", 0o755, []byte("1"))
			f.File("usr/bin/x", 0o755, []byte("2"))
		}, "/usr/bin/x is not the only file"},
		{"folder and file", func(f *filetree.Tree) {
			f.Dir("lib/x", 0o755)
			f.File("usr/lib/x", 0o755, nil)
		}, "/usr/lib/x is not the only file"},
		{"file at the top", func(f *filetree.Tree) { f.File("bin", 0o755, nil) }, "/bin is neither"},
		{"link elsewhere", func(f *filetree.Tree) { f.Link("lib", "opt/lib") }, "/lib is neither"},
	} {
		files := filetree.New()
		tt.build(files)
		if _, err := mergeUsr(files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
