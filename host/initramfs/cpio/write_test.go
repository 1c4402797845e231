package cpio

import (
	"bytes"
	"io"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"

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
	tree.Add("home/user", filetree.Entry{Mode: filetree.Dir | 0o750, UID: 1000, GID: 1001})
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
