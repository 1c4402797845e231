package cpio

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

func TestMain(m *testing.M) {
	frame.InitSoft(16384)
	m.Run()
}

// newRoot returns an empty file system.
func newRoot(t testing.TB) *vfs.FSContext {
	t.Helper()
	s, err := tmpfs.New(tmpfs.Options{Size: 8 << 20, Inodes: 1000, Mode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	root, err := vfs.NewRootMount(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return vfs.NewFSContext(root)
}

// A file is an entry to be archived.
type file struct {
	name  string
	mode  uint32
	data  string
	ino   int
	nlink int
	uid   int
	mtime int
	rdev  [2]int
	sum   int // of the crc format if not zero
}

// archive makes an archive of the files, with trailer and padding to 512.
func archive(files ...file) []byte {
	var b bytes.Buffer
	put := func(f file) {
		magic := "070701"
		if f.sum != 0 {
			magic = "070702"
		}
		fmt.Fprintf(&b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", magic,
			f.ino, f.mode, f.uid, f.uid, max(f.nlink, 1), f.mtime, len(f.data),
			1, 2, f.rdev[0], f.rdev[1], len(f.name)+1, f.sum)
		b.WriteString(f.name + "\x00")
		b.Write(make([]byte, -b.Len()&3))
		b.WriteString(f.data)
		b.Write(make([]byte, -b.Len()&3))
	}
	for _, f := range files {
		put(f)
	}
	put(file{name: trailer})
	b.Write(make([]byte, -b.Len()&511))
	return b.Bytes()
}

func zip(p []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(p)
	w.Close()
	return b.Bytes()
}

// stat returns the attributes of what name itself stands for.
func stat(t *testing.T, fs *vfs.FSContext, name string) vfs.Attr {
	t.Helper()
	p, err := vfs.Resolve(vfs.Kernel, fs, fs.Root(), name, 0)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p.Inode().Attr()
}

func content(t *testing.T, fs *vfs.FSContext, name string) string {
	t.Helper()
	f, err := vfs.OpenAt(vfs.Kernel, fs, fs.Root(), name, abi.O_RDONLY, 0)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer f.Put()
	buf := make([]byte, f.Inode().Attr().Size)
	b := vfs.Bytes(buf)
	if _, err := f.Read(vfs.Kernel, &b); err != nil {
		t.Fatal(err)
	}
	return string(buf)
}

func TestKinds(t *testing.T) {
	big := strings.Repeat("0123456789abcde\n", 4000)
	fs := newRoot(t)
	err := Unpack(vfs.Kernel, fs, fs.Root(), archive(
		file{name: ".", mode: abi.S_IFDIR | 0o750, uid: 3, mtime: 77},
		file{name: "./bin", mode: abi.S_IFDIR | 0o755, mtime: 1000},
		file{name: "bin/sh", mode: abi.S_IFREG | 0o4755, data: big, mtime: 1234567890},
		file{name: "/empty", mode: abi.S_IFREG | 0o600, uid: 42},
		file{name: "sbin", mode: abi.S_IFLNK | 0o777, data: "bin", uid: 7, mtime: 5},
		file{name: "null", mode: abi.S_IFCHR | 0o666, rdev: [2]int{1, 3}},
		file{name: "disk", mode: abi.S_IFBLK | 0o660, rdev: [2]int{259, 70000}},
		file{name: "fifo", mode: abi.S_IFIFO | 0o644},
		file{name: "sock", mode: abi.S_IFSOCK | 0o644},
		file{name: "deep/down/file", mode: abi.S_IFREG | 0o644, data: "x"},
	))
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, fs, "sbin/sh"); got != big {
		t.Errorf("sbin/sh: %d bytes differ", len(got))
	}
	for _, want := range []struct {
		name       string
		mode, uid  uint32
		rdev       uint64
		size, secs int64
	}{
		{".", abi.S_IFDIR | 0o750, 3, 0, 200, 77},
		{"bin", abi.S_IFDIR | 0o755, 0, 0, 60, 1000},
		{"bin/sh", abi.S_IFREG | 0o4755, 0, 0, int64(len(big)), 1234567890},
		{"empty", abi.S_IFREG | 0o600, 42, 0, 0, 0},
		{"sbin", abi.S_IFLNK | 0o777, 7, 0, 3, 5},
		{"null", abi.S_IFCHR | 0o666, 0, abi.MakeDev(1, 3), 0, 0},
		{"disk", abi.S_IFBLK | 0o660, 0, abi.MakeDev(259, 70000), 0, 0},
		{"fifo", abi.S_IFIFO | 0o644, 0, 0, 0, 0},
		{"sock", abi.S_IFSOCK | 0o644, 0, 0, 0, 0},
		{"deep/down/file", abi.S_IFREG | 0o644, 0, 0, 1, 0},
	} {
		a := stat(t, fs, want.name)
		if want.name == "." {
			want.size = a.Size
		}
		if a.Mode != want.mode || a.UID != want.uid || a.GID != want.uid || a.Rdev != want.rdev ||
			a.Size != want.size || a.Mtime != want.secs*1e9 {
			t.Errorf("%s: got %+v, want %+v", want.name, a, want)
		}
	}
}

// TestHardLinks has the contents with the last name, as GNU cpio writes them,
// and with the first.
func TestHardLinks(t *testing.T) {
	const reg = abi.S_IFREG | 0o644
	fs := newRoot(t)
	err := Unpack(vfs.Kernel, fs, fs.Root(), archive(
		file{name: "a", mode: reg, ino: 9, nlink: 3},
		file{name: "other", mode: reg, ino: 10, data: "other"},
		file{name: "b", mode: reg, ino: 9, nlink: 3},
		file{name: "c", mode: reg, ino: 9, nlink: 3, data: "shared"},
		file{name: "d", mode: reg, ino: 11, nlink: 2, data: "first"},
		file{name: "e", mode: reg, ino: 11, nlink: 2},
	))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "shared", "b": "shared", "c": "shared", "d": "first", "e": "first", "other": "other",
	} {
		if got := content(t, fs, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]uint32{"a": 3, "c": 3, "e": 2, "other": 1} {
		if got := stat(t, fs, name).Nlink; got != want {
			t.Errorf("%s has %d links, want %d", name, got, want)
		}
	}
	if stat(t, fs, "a").Ino != stat(t, fs, "c").Ino {
		t.Error("a and c are different files")
	}
}

// TestConcatenated has several archives in a row, where later ones replace
// files of earlier ones and inode numbers mean nothing beyond an archive.
func TestConcatenated(t *testing.T) {
	const reg = abi.S_IFREG | 0o644
	one := archive(
		file{name: "f", mode: reg, ino: 1, nlink: 2, data: "long contents"},
		file{name: "x", mode: reg, data: "file"},
		file{name: "l", mode: abi.S_IFLNK | 0o777, data: "f"})
	two := archive(
		file{name: "g", mode: reg, ino: 1, nlink: 2, data: "g"},
		file{name: "f", mode: reg, data: "short"},
		file{name: "x", mode: abi.S_IFDIR | 0o700},
		file{name: "l", mode: reg, data: "now a file"})
	three := archive(file{name: "h", mode: reg, data: "h"})
	zeros := make([]byte, 1000)
	for what, data := range map[string][]byte{
		"plain":       bytes.Join([][]byte{one, two, three}, nil),
		"padded":      bytes.Join([][]byte{one, zeros, two, zeros, three, zeros}, nil),
		"gzip":        zip(bytes.Join([][]byte{one, two, zeros, three}, nil)),
		"gzip parts":  bytes.Join([][]byte{zip(one), zeros, zip(two), zip(three)}, nil),
		"mixed":       bytes.Join([][]byte{one, zip(two), zeros, three}, nil),
		"mixed again": bytes.Join([][]byte{zip(one), two, zip(three)}, nil),
	} {
		fs := newRoot(t)
		if err := Unpack(vfs.Kernel, fs, fs.Root(), data); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for name, want := range map[string]string{"f": "short", "g": "g", "h": "h", "l": "now a file"} {
			if got := content(t, fs, name); got != want {
				t.Errorf("%s: %s: %q, want %q", what, name, got, want)
			}
		}
		if a := stat(t, fs, "x"); !a.IsDir() {
			t.Errorf("%s: x is no directory", what)
		}
	}
}

func TestErrors(t *testing.T) {
	const reg = abi.S_IFREG | 0o644
	whole := archive(file{name: "f", mode: reg, data: "contents"})
	wrong := bytes.Clone(whole)
	wrong[20] = 'x'
	huge := bytes.Clone(whole)
	copy(huge[54:], "ffffffff")
	longName := bytes.Clone(whole)
	copy(longName[94:], "ffffffff")
	badZip := zip(whole)
	badZip[len(badZip)-6] ^= 1
	sum := 0
	for _, c := range "contents" {
		sum += int(c)
	}
	for _, c := range []struct {
		what string
		data []byte
		want error
	}{
		{"nothing", nil, ErrEmpty},
		{"zeros", make([]byte, 4096), ErrEmpty},
		{"text", []byte("#!/bin/sh\n"), ErrFormat},
		{"one byte", []byte("0"), ErrFormat},
		{"bad digit", wrong, ErrFormat},
		{"no trailer", whole[:128], ErrTruncated},
		{"half a header", whole[:50], ErrTruncated},
		{"half the contents", whole[:116], ErrTruncated},
		{"too large", huge, ErrTruncated},
		{"too long a name", longName, ErrName},
		{"old format", append([]byte("070707"), whole[6:]...), ErrFormat},
		{"dotdot", archive(file{name: "../f", mode: reg}), ErrName},
		{"no name", archive(file{name: "", mode: reg}), ErrName},
		{"root as a file", archive(file{name: "/", mode: reg}), ErrName},
		{"no kind", archive(file{name: "f", mode: 0o644}), ErrKind},
		{"empty link", archive(file{name: "l", mode: abi.S_IFLNK}), ErrLink},
		{"checksum", archive(file{name: "f", mode: reg, data: "contents", sum: sum + 1}), ErrChecksum},
		{"right checksum", archive(file{name: "f", mode: reg, data: "contents", sum: sum}), nil},
		{"below a file", archive(file{name: "f", mode: reg}, file{name: "f/g", mode: reg}), abi.ENOTDIR},
		{"damaged gzip", badZip, gzip.ErrChecksum},
		{"short gzip", zip(whole)[:30], ErrTruncated},
		{"no room", archive(file{name: "f", mode: reg, data: strings.Repeat("x", 9<<20)}), abi.ENOSPC},
	} {
		fs := newRoot(t)
		if err := Unpack(vfs.Kernel, fs, fs.Root(), c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	const reg = abi.S_IFREG | 0o644
	f.Add(archive(
		file{name: "d", mode: abi.S_IFDIR | 0o755},
		file{name: "d/a", mode: reg, ino: 9, nlink: 2},
		file{name: "d/l", mode: abi.S_IFLNK | 0o777, data: "../d"},
		file{name: "d/l/b", mode: reg, ino: 9, nlink: 2, data: "shared"},
		file{name: "n", mode: abi.S_IFCHR | 0o644, rdev: [2]int{1, 3}}))
	f.Add(zip(archive(file{name: "f", mode: reg, data: "contents", sum: 855})))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := frame.Free()
		fs := newRoot(t)
		Unpack(vfs.Kernel, fs, fs.Root(), data)
		s := fs.Root().Mount.Super()
		s.Shutdown()
		if after := frame.Free(); after != before {
			t.Errorf("%d frames free, %d before", after, before)
		}
		if st := s.StatFS(); st.Files-st.Ffree != 0 {
			t.Errorf("%d files left", st.Files-st.Ffree)
		}
	})
}
