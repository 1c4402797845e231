package compile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/initramfs/store"
)

// goModule writes a module with a program, a package of its own, and embedded files.
func goModule(t *testing.T) (dir string, write func(name, text string)) {
	t.Helper()
	dir = t.TempDir()
	write = func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example\n\ngo 1.24\n")
	write("value/value.go", "package value\n\nconst Value = 1\n")
	write("cmd/p/main.go", "package main\n\nimport (\n\t\"embed\"\n\t\"example/value\"\n)\n\n//go:embed data\nvar data embed.FS\n\nfunc main() { println(value.Value, data != embed.FS{}) }\n")
	write("cmd/p/data/one", "1")
	write("unrelated/x.go", "package unrelated\n")
	return dir, write
}

// TestGoInputs builds once and then asks after each change whether the program is the same still.
func TestGoInputs(t *testing.T) {
	dir, write := goModule(t)
	s, err := store.Open(filepath.Join(t.TempDir(), "store"), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	g := Go{Dir: dir, Package: "./cmd/p", Flags: []string{"-ldflags=-w"}}
	tools := New(s, s.Digests())
	if _, ok, err := tools.GoInputs(g); ok || err != nil {
		t.Fatalf("before it was ever built: %v, %v", ok, err)
	}
	program, made, err := tools.BuildGo(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(program, []byte("\x7fELF")) {
		t.Errorf("no program: %.10q", program)
	}
	key := store.NewKey(words("", made)...)
	same := func() bool {
		t.Helper()
		inputs, ok, err := New(s, s.Digests()).GoInputs(g)
		if err != nil {
			t.Fatal(err)
		}
		return ok && store.NewKey(words("", inputs)...) == key
	}
	if !same() {
		t.Error("nothing changed, and it is another program")
	}
	for _, change := range []struct {
		name, text string
		same       bool
	}{
		{"unrelated/x.go", "package unrelated // changed\n", true},
		{"README", "", true},
		{"cmd/p/README", "", true},
		{"cmd/p/main_test.go", "package main\n", true},
		{"value/value.go", "package value\n\nconst Value = 2\n", false},
		{"value/more.go", "package value\n", false},
		{"cmd/p/data/one", "2", false},
		{"cmd/p/data/two", "", false},
		{"go.mod", "module example\n\ngo 1.25\n", false},
	} {
		file := filepath.Join(dir, change.name)
		old, err := os.ReadFile(file)
		write(change.name, change.text)
		if same() != change.same {
			t.Errorf("%s changed: the same program is %v", change.name, !change.same)
		}
		if err != nil {
			os.Remove(file)
		} else {
			write(change.name, string(old))
		}
	}
	if !same() {
		t.Error("all is as it was, and it is another program")
	}
}

func TestGoErrors(t *testing.T) {
	dir, write := goModule(t)
	s, err := store.Open(filepath.Join(t.TempDir(), "store"), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	tools := New(s, s.Digests())
	if _, _, err := tools.BuildGo(t.Context(), Go{Dir: dir, Package: "./value"}); err == nil || err.Error() != "building ./value: is package value, and no program" {
		t.Error(err)
	}
	write("cmd/p/main.go", "package main\n\nfunc main() { none() }\n")
	if _, _, err := tools.BuildGo(t.Context(), Go{Dir: dir, Package: "./cmd/p"}); err == nil || !strings.Contains(err.Error(), "main.go:3:15: undefined: none") {
		t.Error(err)
	}
}
