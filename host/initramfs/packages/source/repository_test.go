package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kevlar/host/initramfs/packages"
)

// The files of the source package "tiny".
var tiny = map[string]string{
	"debian/changelog": "tiny (1.0) unstable; urgency=low\n\n  * First.\n\n -- A Person <a@b>  Sat, 05 Mar 2022 12:00:00 +0100\n",
	"debian/control":   "Source: tiny\nMaintainer: A Person <a@b>\n\nPackage: tiny\nArchitecture: any\n",
	"tiny.c":           "#include <stdio.h>\nint main(void) { puts(__FILE__ \" \" __DATE__ \" \" WORD); return 0; }\n",
}

// recipe builds it. The file in bin says what its configuration was.
func recipe() Recipe {
	return Recipe{
		Name:      "tiny",
		Config:    "configured",
		Env:       map[string]string{"WORD": "hello"},
		Configure: `mkdir -p root/bin; cp "$CONFIG" root/bin/configuration`,
		Build:     `$CC $CFLAGS -g -DWORD=\"$WORD\" "$PWD/tiny.c" -o tiny`,
		Install: []Install{
			{From: "tiny", To: "/usr/bin/tiny", Mode: 0o4755, Links: []string{"bin/small"}},
			{From: "root", To: "opt/tiny"},
		},
	}
}

// repository makes a repository of the source package tiny, and returns its folder.
func repository(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"apt-get", "dpkg-source", "gcc", "make"} {
		if _, err := exec.LookPath(program); err != nil && (os.Geteuid() != 0 || program == "apt-get") {
			t.Skipf("%s is not on this machine", program)
		}
	}
	dir := t.TempDir()
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	for name, text := range tiny {
		if err := w.WriteHeader(&tar.Header{Name: "tiny-1.0/" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	w.Close()
	z.Close()
	write(t, dir, "tiny_1.0.tar.gz", archive.Bytes())
	dsc := []byte("Format: 3.0 (native)\nSource: tiny\nBinary: tiny\nArchitecture: any\nVersion: 1.0\nMaintainer: A Person <a@b>\n" +
		sums("tiny_1.0.tar.gz", archive.Bytes()))
	write(t, dir, "tiny_1.0.dsc", dsc)
	write(t, dir, "Sources", []byte("Package: tiny\nBinary: tiny\nVersion: 1.0\nFormat: 3.0 (native)\nDirectory: .\n"+
		sums("tiny_1.0.dsc", dsc, "tiny_1.0.tar.gz", archive.Bytes())))
	return dir
}

// sums returns the fields with the checksums of files, which are pairs of a name and the content.
func sums(files ...any) string {
	md5s, sha256s := "Files:\n", "Checksums-Sha256:\n"
	for i := 0; i < len(files); i += 2 {
		data := files[i+1].([]byte)
		md5s += fmt.Sprintf(" %x %d %s\n", md5.Sum(data), len(data), files[i])
		sha256s += fmt.Sprintf(" %x %d %s\n", sha256.Sum256(data), len(data), files[i])
	}
	return md5s + sha256s
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// open returns the provider of one recipe, and sees to it that it leaves no temporary files.
func open(t *testing.T, repository, compiler string, r Recipe) packages.Provider {
	t.Helper()
	sources := filepath.Join(t.TempDir(), "test.list")
	write(t, filepath.Dir(sources), "test.list", []byte("deb [trusted=yes] copy:"+repository+" ./\n"))
	p, err := New(Config{Dir: t.TempDir(), Recipes: []Recipe{r}, Compiler: compiler, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return p
}

// resolve returns the package tiny.
func resolve(t *testing.T, p packages.Provider) packages.Package {
	t.Helper()
	list, err := p.Resolve(t.Context(), []string{"tiny", "tiny"})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("resolved to %v", list)
	}
	return list[0]
}
