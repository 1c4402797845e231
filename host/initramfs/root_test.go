package initramfs

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// tarFile writes a tar archive and returns its path.
func tarFile(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte(h.Name))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFromTar(t *testing.T) {
	root, err := FromRoot(tarFile(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "lib/systemd/systemd", Mode: 0o755, Uid: 3},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "sbin/init", Linkname: "/lib/systemd/systemd"},
	))
	if err != nil {
		t.Fatal(err)
	}
	tree := decode(t, root.Data)
	if e, _ := tree.Lookup("lib/systemd/systemd"); root.Init != "/sbin/init" || e.UID != 3 {
		t.Errorf("init %s, owner %d", root.Init, e.UID)
	}
	if e, _ := tree.Lookup("dev/console"); e.Mode != filetree.CharDev|0o600 || e.Major != 5 || e.Minor != 1 {
		t.Errorf("console: mode %o, %d:%d", e.Mode, e.Major, e.Minor)
	}
}

// TestFromContainer has an init that is none, and a file in place of the console.
func TestFromContainer(t *testing.T) {
	root, err := FromRoot(tarFile(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "sbin/init", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "dev/console", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: ".dockerenv", Mode: 0o755},
	))
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := decode(t, root.Data).Lookup("dev/console"); root.Init != "" || e.Mode != filetree.CharDev|0o600 {
		t.Errorf("init %q, console %o", root.Init, e.Mode)
	}
}

// TestForeignProcessor has a tree that was made for another processor.
func TestForeignProcessor(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "bin"), 0o755)
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "bin/sh")
	for machine, want := range map[elf.Machine]string{elf.EM_X86_64: "", elf.EM_AARCH64: "/bin/sh is for AARCH64"} {
		data[18] = byte(machine)
		if err := os.WriteFile(file, data, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := FromRoot(dir); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v", machine, err)
		}
	}
}

// TestInit has all that is named in the scripts in the place where they name it.
func TestInit(t *testing.T) {
	data, err := Init(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cpio.Check(bytes.NewReader(data), InitPath); err != nil {
		t.Error(err)
	}
	tree := decode(t, data)
	for f := range tree.All() {
		for _, name := range regexp.MustCompile(`/kevlar/(busybox|run|shell|exec)\b`).FindAllString(string(f.Data[:min(len(f.Data), 8192)]), -1) {
			if e, ok := tree.Lookup(name); !ok || e.Mode&0o111 == 0 {
				t.Errorf("%s: %s is not there", f.Path, name)
			}
		}
	}
}

func TestFromDir(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "init"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := FromRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	if root.Init != "/init" {
		t.Errorf("init %q", root.Init)
	}
	os.Chmod(filepath.Join(dir, "init"), 0o644)
	if root, err = FromRoot(dir); err != nil || root.Init != "" {
		t.Errorf("an init that is no program: %q, %v", root.Init, err)
	}
}

func TestFromRootErrors(t *testing.T) {
	dir := t.TempDir()
	cut, err := os.ReadFile(tarFile(t, tar.Header{Typeflag: tar.TypeReg, Name: "init", Mode: 0o755}))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cut.tar")
	os.WriteFile(file, cut[:514], 0o644)
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "none: no such file or directory",
		file:                       "cut.tar: init: damaged tar archive: it ends too early",
		tarFile(t, tar.Header{Typeflag: tar.TypeReg, Name: "../init", Mode: 0o755}): "root.tar: ../init: a path that climbs",
	} {
		if _, err := FromRoot(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
