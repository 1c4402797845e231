package cpio

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
)

// full returns a tree with every kind of file.
func full(t testing.TB) *filetree.Tree {
	t.Helper()
	tree := filetree.New()
	tree.File("bin/su", 0o4755, []byte("12345"))
	tree.Link("bin/sh", "busybox")
	tree.Add("home/user", filetree.Entry{Mode: filetree.Dir | 0o750, UID: 1000, GID: 1001})
	tree.Device("dev/console", 0o600, 5, 1)
	tree.Add("dev/sda", filetree.Entry{Mode: filetree.BlockDev | 0o660, Major: 8})
	tree.Add("run/fifo", filetree.Entry{Mode: filetree.FIFO | 0o600})
	tree.File("usr/one", 0o644, []byte("shared"))
	for _, name := range []string{"usr/two", "a-third"} {
		if err := tree.HardLink(name, "usr/one"); err != nil {
			t.Fatal(err)
		}
	}
	tree.File("empty", 0o644, nil)
	return tree
}

func TestDecode(t *testing.T) {
	tree := full(t)
	data := archive(t, tree)
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	want, got := slices.Collect(tree.All()), slices.Collect(back.All())
	for i := range want {
		want[i].Implied = false // the archive describes every folder
		if len(want[i].Data) == 0 {
			want[i].Data = nil
		}
	}
	for i := range got {
		if len(got[i].Data) == 0 {
			got[i].Data = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(data, archive(t, back)) {
		t.Error("the tree that was read back gives another archive")
	}
}

// TestPack has folders that nobody described: they must not count as described afterwards.
func TestPack(t *testing.T) {
	packed, err := Pack(full(t))
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(packed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(archive(t, full(t)), archive(t, back)) {
		t.Error("what was packed gives another archive")
	}
	root := filetree.New()
	root.Dir("usr", 0o700)
	root.Dir("home/user", 0o700)
	if err := root.Merge(back); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]uint32{"usr": 0o700, "home/user": 0o750} {
		if e, _ := root.Lookup(name); e.Mode != filetree.Dir|mode {
			t.Errorf("%s has mode %o, want %o", name, e.Mode, mode)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	data := archive(t, full(t))
	for n := 0; n < len(data)-200; n += 50 {
		if _, err := Decode(data[:n]); err == nil {
			t.Fatalf("an archive of %d bytes is cut at %d, and decoded", len(data), n)
		}
	}
	climbing := bytes.Replace(data, []byte("bin/su\x00"), []byte("../../\x00"), 1)
	if _, err := Decode(climbing); err == nil {
		t.Error("a name climbs out of the root")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(archive(f, full(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Encode(tree)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again); err != nil {
			t.Errorf("what was encoded cannot be decoded: %v", err)
		}
	})
}
