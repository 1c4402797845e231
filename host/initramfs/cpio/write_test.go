package cpio

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"kevlar/host/initramfs/filetree"
)

func archive(t testing.TB, tree *filetree.Tree) []byte {
	t.Helper()
	data, err := Encode(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestArchiveReadBack reads what Encode wrote with another implementation of the format.
func TestArchiveReadBack(t *testing.T) {
	tree := filetree.New()
	tree.File("/etc/passwd", 0o644, []byte("root\n"))
	tree.File("bin/su", 0o4755, []byte("12345"))
	tree.Link("bin/sh", "busybox")
	tree.Add("home/user", filetree.Entry{Mode: filetree.Dir | 0o750, UID: 1000, GID: 1001, Time: math.MaxUint32})
	tree.Device("dev/console", 0o600, 5, 1)

	type file struct {
		Mode     uint32
		UID, GID int
		Data     string
		Time     int64
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
		got[h.Name] = file{uint32(h.Mode), h.Uid, h.Guid, string(data) + h.Linkname, h.ModTime.Unix()}
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
		"home/user":   {Mode: 0o040750, UID: 1000, GID: 1001, Time: math.MaxUint32},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestArchiveOwnReader(t *testing.T) {
	tree := filetree.New()
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

// TestArchiveHardLinks has a file with three names, one of them in a folder between the others, and
// a link with two, which no kernel would make from one member.
func TestArchiveHardLinks(t *testing.T) {
	tree := filetree.New()
	tree.File("a", 0o644, []byte("content"))
	tree.Link("l", "a")
	for name, target := range map[string]string{"b/c": "a", "d": "a", "m": "l"} {
		if err := tree.HardLink(name, target); err != nil {
			t.Fatal(err)
		}
	}
	type file struct {
		Inode int64
		Links int
		Data  string
	}
	got := map[string]file{}
	for r := cpio.NewReader(bytes.NewReader(archive(t, tree))); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		got[h.Name] = file{h.Inode, h.Links, string(data) + h.Linkname}
	}
	want := map[string]file{
		"a": {1, 3, ""}, "b": {2, 2, ""}, "b/c": {1, 3, ""}, "d": {1, 3, "content"}, "l": {5, 1, "a"}, "m": {6, 1, "a"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestExtract lets cpio(1) unpack an archive.
func TestExtract(t *testing.T) {
	program, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("cpio(1) is not on this machine")
	}
	tree := filetree.New()
	long := strings.Repeat("long/", 80) + strings.Repeat("n", 255)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	tree.File(long, 0o600, []byte("text"))
	tree.File("big", 0o444, big)
	if err := tree.HardLink("too/big", "big"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(program, "-id", "--quiet")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(archive(t, tree))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if data, err := os.ReadFile(filepath.Join(dir, long)); err != nil || string(data) != "text" {
		t.Errorf("%q, %v", data, err)
	}
	for _, name := range []string{"big", "too/big"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(data, big) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}

func TestCompress(t *testing.T) {
	tree := filetree.New()
	tree.File("init", 0o755, elfHead)
	tree.File("zeros", 0o644, make([]byte, 1<<20))
	plain := archive(t, tree)
	for _, name := range Compressions {
		data, err := Compress(plain, name)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Compress(plain, name)
		if !bytes.Equal(data, again) {
			t.Errorf("%s gives two results", name)
		}
		var r io.Reader = bytes.NewReader(data)
		switch name {
		case "gzip":
			r, err = gzip.NewReader(r)
		case "zstd":
			r, err = zstd.NewReader(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%s: %d bytes come back, %v", name, len(back), err)
		}
		if name != "none" && len(data) > len(plain)/10 {
			t.Errorf("%s: %d bytes from %d", name, len(data), len(plain))
		}
	}
	if _, err := Compress(plain, "xz"); err == nil || !strings.Contains(err.Error(), `"xz"`) {
		t.Error(err)
	}
}

func TestArchiveReproducible(t *testing.T) {
	names := []string{"z", "a/b", "a/a", "m/n/o", "k"}
	first, second := filetree.New(), filetree.New()
	for i := range names {
		first.File(names[i], 0o644, []byte(names[i]))
		back := names[len(names)-1-i]
		second.File(back, 0o644, []byte(back))
	}
	if !bytes.Equal(archive(t, first), archive(t, second)) {
		t.Error("the order in which files are added changes the archive")
	}
}
