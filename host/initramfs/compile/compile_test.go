package compile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/store"
)

// bench is a folder of sources with a compiler of its own: a script that calls gcc and keeps a list of
// what it has compiled.
type bench struct {
	t        *testing.T
	dir      string
	compiler string
	store    *store.Store
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not on this machine")
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "store"), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: t.TempDir(), store: s, compiler: filepath.Join(t.TempDir(), "cc")}
	b.makeCompiler("")
	b.write("lib/value.h", "#define VALUE 1\n")
	b.write("a.c", "#include \"lib/value.h\"\nint main(void) { return VALUE; }\n")
	b.write("b.c", "#ifndef X\n#define X 5\n#endif\nint main(void) { return X; }\n")
	return b
}

func (b *bench) makeCompiler(remark string) {
	script := fmt.Sprintf("#!/bin/sh\n# %s\ncase \"$*\" in *-MD*) eval echo \\${$#} >>%s.log ;; esac\nexec gcc \"$@\"\n", remark, b.compiler)
	if err := os.WriteFile(b.compiler, []byte(script), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	file := filepath.Join(b.dir, name)
	os.MkdirAll(filepath.Dir(file), 0o755)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// build brings both programs up to date, as a new process would, and returns what the compiler was
// asked to compile.
func (b *bench) build(flags ...string) string {
	b.t.Helper()
	os.Remove(b.compiler + ".log")
	t := New(b.store, b.store.Digests())
	for _, source := range []string{"a.c", "b.c"} {
		c := C{Dir: b.dir, Source: source, Compiler: b.compiler, Flags: append([]string{"-static"}, flags...)}
		inputs, ok, err := t.CInputs(b.t.Context(), c)
		if err != nil {
			b.t.Fatal(err)
		}
		if ok {
			if _, ok := b.store.Get(store.NewKey(words("c", inputs)...)); ok {
				continue
			}
		}
		program, inputs, err := t.CompileC(b.t.Context(), c)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.store.Put(store.NewKey(words("c", inputs)...), program); err != nil {
			b.t.Fatal(err)
		}
	}
	log, _ := os.ReadFile(b.compiler + ".log")
	return strings.Join(strings.Fields(string(log)), " ")
}

// TestRebuild changes one thing after the other; exactly what depends on it is compiled.
func TestRebuild(t *testing.T) {
	b := newBench(t)
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: compiled %q, want %q", what, got, want)
		}
	}
	expect("at first", b.build(), "a.c b.c")
	expect("nothing changed", b.build(), "")
	b.write("lib/value.h", "#define VALUE 2\n")
	expect("a header changed", b.build(), "a.c")
	b.write("lib/value.h", "#define VALUE 1\n")
	expect("the header is what it was", b.build(), "")
	b.write("b.c", "int main(void) { return 7; }\n")
	expect("a source changed", b.build(), "b.c")
	now := []byte("int main(void) { return 7; }\n")
	if err := os.WriteFile(filepath.Join(b.dir, "b.c"), now, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("a file's time and mode changed", b.build(), "")
	expect("a flag came", b.build("-DX=1"), "a.c b.c")
	expect("the flag went", b.build(), "")
	b.makeCompiler("another compiler")
	expect("the compiler changed", b.build(), "a.c b.c")
	expect("the compiler stayed", b.build(), "")
	os.Remove(filepath.Join(b.dir, "lib/value.h"))
	b.write("a.c", "int main(void) { return 1; }\n")
	expect("a header is needed no more", b.build(), "a.c")
	b.write("b.c", "// cflags: -DY=3\nint main(void) { return Y; }\n")
	expect("flags in the source", b.build(), "b.c")
}

// TestShadow lets headers appear where the compiler looks before it comes to the one it has read.
func TestShadow(t *testing.T) {
	b := newBench(t)
	b.write("a.c", "#include <value.h>\nint main(void) { return VALUE; }\n")
	build := func(what, want string) {
		t.Helper()
		if got := b.build("-Ifirst", "-I", "lib"); got != want {
			t.Errorf("%s: compiled %q, want %q", what, got, want)
		}
	}
	build("at first", "a.c b.c")
	b.write("first/other.h", "")
	build("an unrelated header came", "")
	b.write("first/value.h", "#define VALUE 3\n")
	build("a header came before the other", "a.c")
	build("nothing changed", "")
	os.Remove(filepath.Join(b.dir, "first/value.h"))
	build("it is gone", "a.c")
	b.write("value.h", "#error not for angle brackets\n")
	build("a header of that name came where it is not searched", "a.c")
	build("it stays", "")
}

func TestCompileError(t *testing.T) {
	b := newBench(t)
	b.write("a.c", "int main(void) { return none; }\n")
	tools := New(b.store, b.store.Digests())
	_, _, err := tools.CompileC(t.Context(), C{Dir: b.dir, Source: "a.c", Compiler: b.compiler})
	if err == nil || !strings.HasPrefix(err.Error(), "compiling a.c: ") || !strings.Contains(err.Error(), "a.c:1:25: error: ‘none’ undeclared") &&
		!strings.Contains(err.Error(), "a.c:1:25: error: 'none' undeclared") {
		t.Error(err)
	}
	if _, _, err := tools.CompileC(t.Context(), C{Dir: b.dir, Source: "a.c", Compiler: "no-such-cc"}); err == nil || err.Error() != "compiler no-such-cc: not found" {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(b.dir), "*", "store", "entries", ".tmp-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestProgramIsSame compiles in two folders, with what would show a difference between them.
func TestProgramIsSame(t *testing.T) {
	var programs [2][]byte
	for i := range programs {
		b := newBench(t)
		b.write("a.c", "#include <stdio.h>\n#include \"lib/value.h\"\nint main(void) { puts(__FILE__ __DATE__ __TIME__); return VALUE; }\n")
		if i == 1 {
			t.Setenv("LC_ALL", "C.UTF-8")
			t.Setenv("TZ", "Asia/Tokyo")
		}
		var err error
		programs[i], _, err = New(b.store, b.store.Digests()).CompileC(t.Context(),
			C{Dir: b.dir, Source: "a.c", Compiler: "gcc", Flags: []string{"-static", "-g", "-O2"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("the folder makes a difference")
	}
}

func TestPrerequisites(t *testing.T) {
	for makefile, want := range map[string][]string{
		"a: b c\n":                        {"b", "c"},
		"a: \\\n  b \\\n  /c/d.h\n\nb:\n": {"b", "/c/d.h"},
		"a: with\\ space d$$ e\\#\n":      {"with space", "d$", "e#"},
		"":                                nil,
	} {
		if diff := cmp.Diff(want, prerequisites(makefile)); diff != "" {
			t.Errorf("%q: %s", makefile, diff)
		}
	}
}
