package cpio

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/initramfs/filetree"
)

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

// elfHead is as much of a program as Check looks at.
var elfHead = []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00rest")

func TestCheck(t *testing.T) {
	with := func(build func(*filetree.Tree)) []byte {
		tree := filetree.New()
		build(tree)
		return archive(t, tree)
	}
	script := with(func(t *filetree.Tree) { t.File("init", 0o755, []byte("#!/bin/sh\n")) })
	program := with(func(t *filetree.Tree) { t.File("init", 0o755, elfHead) })
	busybox := with(func(t *filetree.Tree) {
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
		{"two archives", append(with(func(t *filetree.Tree) { t.Dir("a", 0o755) }), program...), ""},
		{"padding between archives", append(append(with(func(t *filetree.Tree) { t.Dir("a", 0o755) }), make([]byte, 512)...), zip(t, program)...), ""},
		{"last one wins", append(bytes.Clone(program), with(func(t *filetree.Tree) { t.File("init", 0o755, []byte("x")) })...), "no program"},

		{"empty", nil, "not a cpio archive"},
		{"zeros", make([]byte, 4096), "not a cpio archive"},
		{"text", []byte("hello, this is not an archive"), "not a cpio archive"},
		{"gzip of text", zip(t, []byte("hello")), "not a cpio archive"},
		{"gzip of gzip", zip(t, zip(t, program)), "gzip within gzip"},
		{"old binary format", []byte{0xc7, 0x71, 0, 0, 0, 0, 0, 0}, "not a cpio archive"},
		{"no init", with(func(t *filetree.Tree) { t.Dir("bin", 0o755) }), "no /init in it"},
		{"no program", with(func(t *filetree.Tree) { t.File("init", 0o755, []byte("hello")) }), "no program"},
		{"empty init", with(func(t *filetree.Tree) { t.File("init", 0o755, nil) }), "no program"},
		{"not executable", with(func(t *filetree.Tree) { t.File("init", 0o644, elfHead) }), "not an executable"},
		{"folder", with(func(t *filetree.Tree) { t.Dir("init", 0o755) }), "not an executable"},
		{"other machine", with(func(t *filetree.Tree) { t.File("init", 0o755, wrongArch) }), "x86-64"},
		{"dangling link", with(func(t *filetree.Tree) { t.Link("init", "bin/busybox") }), "no /bin in it"},
		{"link to itself", with(func(t *filetree.Tree) { t.Link("init", "init") }), "too many links"},
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
	tree := filetree.New()
	tree.File("init", 0o755, elfHead)
	if err := tree.HardLink("sbin/init", "init"); err != nil {
		t.Fatal(err)
	}
	if err := Check(bytes.NewReader(archive(t, tree)), "/init"); err != nil {
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
	tree := filetree.New()
	tree.File("bin/busybox", 0o755, elfHead)
	tree.Link("init", "bin/busybox")
	f.Add(archive(f, tree))
	f.Add(zip(f, archive(f, tree)))
	f.Add([]byte("070701"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Check(bytes.NewReader(data), "/init")
	})
}
