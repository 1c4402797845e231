package initramfs

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

func archive(t testing.TB, tree *Tree) []byte {
	t.Helper()
	data, err := tree.Archive()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchiveReadBack reads what Archive wrote with another implementation of the format.
func TestArchiveReadBack(t *testing.T) {
	tree := NewTree()
	tree.File("/etc/passwd", 0o644, []byte("root\n"))
	tree.File("bin/su", 0o4755, []byte("12345"))
	tree.Link("bin/sh", "busybox")
	tree.Add("home/user", Entry{Mode: Dir | 0o750, UID: 1000, GID: 1001})
	tree.Device("dev/console", 0o600, 5, 1)

	type file struct {
		Mode     uint32
		UID, GID int
		Data     string
	}
	got := map[string]file{}
	r := cpio.NewReader(bytes.NewReader(archive(t, tree)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = file{uint32(h.Mode), h.Uid, h.Guid, string(data) + h.Linkname}
	}
	want := map[string]file{
		"bin":         {Mode: 0o040755},
		"bin/sh":      {Mode: 0o120777, Data: "busybox"},
		"bin/su":      {Mode: 0o104755, Data: "12345"},
		"dev":         {Mode: 0o040755},
		"dev/console": {Mode: 0o020600},
		"etc":         {Mode: 0o040755},
		"etc/passwd":  {Mode: 0o100644, Data: "root\n"},
		"home":        {Mode: 0o040755},
		"home/user":   {Mode: 0o040750, UID: 1000, GID: 1001},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestArchiveOwnReader(t *testing.T) {
	tree := NewTree()
	tree.Device("dev/null", 0o666, 1, 3)
	r := reader{r: bytes.NewReader(archive(t, tree))}
	if h, err := r.next(); err != nil || h.name != "dev" || h.links != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
	h, err := r.next()
	if err != nil || h.name != "dev/null" || h.major != 1 || h.minor != 3 || h.mode != 0o020666 {
		t.Fatalf("%+v, %v", h, err)
	}
	if _, err := r.next(); err != io.EOF {
		t.Fatalf("after the last member: %v", err)
	}
}

func TestArchiveReproducible(t *testing.T) {
	names := []string{"z", "a/b", "a/a", "m/n/o", "k"}
	first, second := NewTree(), NewTree()
	for i := range names {
		first.File(names[i], 0o644, []byte(names[i]))
		back := names[len(names)-1-i]
		second.File(back, 0o644, []byte(back))
	}
	if !bytes.Equal(archive(t, first), archive(t, second)) {
		t.Error("the order in which files are added changes the archive")
	}
}

func TestAddFS(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"run": 0o700, "cases/a.case": 0o600, "skip/x": 0o600} {
		file := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(file), 0o700)
		if err := os.WriteFile(file, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	os.Symlink("run", filepath.Join(dir, "link"))
	tree := NewTree()
	if err := tree.AddFS("suites/s", dir, func(name string) bool { return name == "skip" }); err != nil {
		t.Fatal(err)
	}
	want := []string{"suites", "suites/s", "suites/s/cases", "suites/s/cases/a.case", "suites/s/link", "suites/s/run"}
	if diff := cmp.Diff(want, tree.Paths()); diff != "" {
		t.Error(diff)
	}
	if e, _ := tree.Lookup("suites/s/run"); e.Mode != Regular|0o755 {
		t.Errorf("run has mode %o", e.Mode)
	}
	if e, _ := tree.Lookup("suites/s/cases/a.case"); e.Mode != Regular|0o644 || string(e.Data) != "cases/a.case" {
		t.Errorf("a.case: %o %q", e.Mode, e.Data)
	}
	if e, _ := tree.Lookup("suites/s/link"); e.Mode != Symlink|0o777 || string(e.Data) != "run" {
		t.Errorf("link: %o %q", e.Mode, e.Data)
	}
}

// elfHead is as much of a program as Check looks at.
var elfHead = []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00rest")

func TestCheck(t *testing.T) {
	with := func(build func(*Tree)) []byte {
		tree := NewTree()
		build(tree)
		return archive(t, tree)
	}
	script := with(func(t *Tree) { t.File("init", 0o755, []byte("#!/bin/sh\n")) })
	program := with(func(t *Tree) { t.File("init", 0o755, elfHead) })
	busybox := with(func(t *Tree) {
		t.File("usr/bin/busybox", 0o755, elfHead)
		t.Link("bin", "usr/bin")
		t.Link("init", "bin/busybox")
	})
	wrongArch := bytes.Clone(elfHead)
	wrongArch[18] = 0xb7 // AArch64

	tests := []struct {
		name string
		data []byte
		err  string // part of the message; "" if the archive is good
	}{
		{"script", script, ""},
		{"program", program, ""},
		{"gzip", zip(t, program), ""},
		{"link through a linked folder", busybox, ""},
		{"two archives", append(with(func(t *Tree) { t.Dir("a", 0o755) }), program...), ""},
		{"padding between archives", append(append(with(func(t *Tree) { t.Dir("a", 0o755) }), make([]byte, 512)...), zip(t, program)...), ""},
		{"last one wins", append(bytes.Clone(program), with(func(t *Tree) { t.File("init", 0o755, []byte("x")) })...), "no program"},

		{"empty", nil, "not a cpio archive"},
		{"zeros", make([]byte, 4096), "not a cpio archive"},
		{"text", []byte("hello, this is not an archive"), "not a cpio archive"},
		{"gzip of text", zip(t, []byte("hello")), "not a cpio archive"},
		{"gzip of gzip", zip(t, zip(t, program)), "gzip within gzip"},
		{"old binary format", []byte{0xc7, 0x71, 0, 0, 0, 0, 0, 0}, "not a cpio archive"},
		{"no init", with(func(t *Tree) { t.Dir("bin", 0o755) }), "no /init in it"},
		{"no program", with(func(t *Tree) { t.File("init", 0o755, []byte("hello")) }), "no program"},
		{"empty init", with(func(t *Tree) { t.File("init", 0o755, nil) }), "no program"},
		{"not executable", with(func(t *Tree) { t.File("init", 0o644, elfHead) }), "not an executable"},
		{"folder", with(func(t *Tree) { t.Dir("init", 0o755) }), "not an executable"},
		{"other machine", with(func(t *Tree) { t.File("init", 0o755, wrongArch) }), "x86-64"},
		{"dangling link", with(func(t *Tree) { t.Link("init", "bin/busybox") }), "no /bin in it"},
		{"link to itself", with(func(t *Tree) { t.Link("init", "init") }), "too many links"},
		{"truncated in data", program[:len(program)/2], "ends too early"},
		{"truncated before trailer", program[:len(program)-124], "ends too early"},
		{"truncated gzip", zip(t, program)[:40], "ends too early"},
		{"garbage behind", append(bytes.Clone(program), "garbage"...), "something else follows"},
		{"bad digits", bytes.Replace(program, []byte("000081ED"), []byte("0000xyzw"), 1), "not hexadecimal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(bytes.NewReader(tt.data), "/init")
			if tt.err == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

// TestCheckHardLink has the data with the last name of the file, as cpio(1) writes it.
func TestCheckHardLink(t *testing.T) {
	var b bytes.Buffer
	linked := func(name string, data []byte) {
		var one bytes.Buffer
		record(&one, 7, name, Entry{Mode: Regular | 0o755, Data: data})
		b.Write(bytes.Replace(one.Bytes(), []byte("0000000100000000"), []byte("0000000200000000"), 1))
	}
	linked("init", nil)
	linked("busybox", elfHead)
	record(&b, 0, trailer, Entry{})
	if err := Check(&b, "/init"); err != nil {
		t.Error(err)
	}
}

func TestCheckFileErrors(t *testing.T) {
	dir := t.TempDir()
	if err := CheckFile(dir, "/init"); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
	if err := CheckFile(filepath.Join(dir, "none"), "/init"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	tree := NewTree()
	tree.File("bin/busybox", 0o755, elfHead)
	tree.Link("init", "bin/busybox")
	f.Add(archive(f, tree))
	f.Add(zip(f, archive(f, tree)))
	f.Add([]byte("070701"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Check(bytes.NewReader(data), "/init")
	})
}

func TestBusyboxTree(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "busybox")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\nprintf '%s\\n' bin/busybox bin/sh usr/bin/wc\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := Busybox(fake)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]uint32{
		"init": Regular | 0o755, "bin/busybox": Regular | 0o755, "bin/sh": Symlink | 0o777, "usr/bin/wc": Symlink | 0o777,
		"dev/console": CharDev | 0o600, "tmp": Dir | 0o1777, "etc/passwd": Regular | 0o644,
	} {
		if e, ok := tree.Lookup(name); !ok || e.Mode != mode {
			t.Errorf("%s: mode %o, want %o", name, e.Mode, mode)
		}
	}
	if err := Check(bytes.NewReader(archive(t, tree)), "/init"); err != nil {
		t.Error(err)
	}
}
