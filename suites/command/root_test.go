package command

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/host/hostpkg"
)

// rootFolder makes a root file system in a folder, whose first process is /sbin/init.
func rootFolder(t *testing.T) string {
	t.Helper()
	busybox, err := os.ReadFile(hostpkg.BusyboxPath())
	if err != nil {
		t.Skip("there is no static BusyBox")
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"bin/busybox": busybox, "lib/init": []byte(ownInit)} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(filepath.Join(dir, "sbin"), 0o755)
	for name, target := range map[string]string{"bin/sh": "busybox", "sbin/init": "/lib/init"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRoot boots a folder, and the same as a tar archive.
func TestRoot(t *testing.T) {
	dir := rootFolder(t)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	file := filepath.Join(t.TempDir(), "root.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{dir, file} {
		got := run(t, nil, "--root", root)
		if got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "my pid is 1\r\n") {
			t.Errorf("%s: %+v", root, got)
		}
	}
	os.Remove(filepath.Join(dir, "sbin/init"))
	os.Remove(filepath.Join(dir, "bin/sh"))
	if got := run(t, nil, "--root", dir); got.status != 125 || !strings.HasSuffix(got.stderr, ": no /init in it\n") {
		t.Errorf("without an init: %+v", got)
	}
}

// initramfs runs kevlar initramfs.
func initramfs(t *testing.T, args ...string) result {
	t.Helper()
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs kevlar; run: kevlar test command")
	}
	cmd := exec.Command(kevlar, append([]string{"initramfs"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestManifest builds what a manifest lists and boots it. A build that fails leaves the archive alone.
func TestManifest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The comment makes it a program that was never built before.
	write("first.c", "// "+rand.Text()+`
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>
int main(void)
{
	char text[20] = "";
	FILE *f = fopen("/etc/motd", "r");
	fgets(text, sizeof text, f);
	printf("my pid is %d, %s\n", getpid(), text);
	fflush(stdout);
	sleep(1); // the UART sends
	reboot(RB_POWER_OFF);
}
`)
	write("m.toml", `[[c]]
path = "init"
sources = ["first.c"]
flags = ["-static"]

[[device]]
path = "dev/console"
kind = "char"
major = 5
minor = 1

[[file]]
path = "etc/motd"
text = "welcome"
`)
	manifest, output := filepath.Join(dir, "m.toml"), filepath.Join(dir, "out.cpio")
	got := initramfs(t, manifest, "-o", output, "--explain", "--compress", "gzip")
	expect(t, got, result{stderr: "kevlar: compiling first.c\n", stdout: "built   first.c: it was never built before\n" +
		"built   folders, links and devices: it was never built before\nbuilt   /etc/motd: it was never built before\n"})
	got = initramfs(t, manifest, "-o", output, "--explain", "--compress", "gzip")
	if got.status != 0 || got.stderr != "" || strings.Count(got.stdout, "reused ") != 3 || strings.Contains(got.stdout, "built ") ||
		!strings.Contains(got.stdout, "reused  /etc/motd: nothing changed\n") {
		t.Errorf("the second time: %+v", got)
	}
	if got := run(t, nil, "--initramfs", output); got.status != 0 || !strings.Contains(got.stdout, "my pid is 1, welcome\r\n") {
		t.Errorf("booted: %+v", got)
	}
	before, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	write("first.c", "int main(void) { return nothing; }\n")
	got = initramfs(t, manifest, "-o", output)
	if got.status != 125 || !strings.Contains(got.stderr, "m.toml:1:1: compiling first.c:") || !strings.Contains(got.stderr, "nothing") {
		t.Errorf("a program that does not compile: %+v", got)
	}
	if after, err := os.ReadFile(output); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a build that failed has changed the archive: %v", err)
	}
	list, _ := os.ReadDir(dir)
	if len(list) != 3 {
		t.Errorf("a build that failed has left %v", list)
	}
}

func TestInitramfsErrors(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "-o FILE is needed"},
		{[]string{"-o", "x", "--compress", "lzma"}, "--compress lzma: there are none, gzip, zstd"},
		{[]string{"-o", "x", "--root", "/", "m.toml"}, "it takes no manifest"},
		{[]string{"-o", "x", "/no/such/manifest"}, "/no/such/manifest: no such file or directory"},
		{[]string{"-o", "x", "--root", "/no/such/root"}, "/no/such/root: no such file or directory"},
		{[]string{"-o", "x", "--cache-size", "many"}, "many"},
	} {
		got := initramfs(t, tt.args...)
		if got.status != 125 || !strings.Contains(got.stderr, tt.want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%q: %+v, want %q", tt.args, got, tt.want)
		}
	}
}

// TestFullDisk has no room for the archive.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs the right to mount: ", err)
	}
	defer unix.Unmount(dir, 0)
	output := filepath.Join(dir, "out.cpio")
	if err := os.WriteFile(output, []byte("the one before"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := initramfs(t, "-o", output)
	if got.status != 125 || !strings.Contains(got.stderr, "no space left on device") {
		t.Errorf("%+v", got)
	}
	list, _ := os.ReadDir(dir)
	if text, err := os.ReadFile(output); err != nil || string(text) != "the one before" || len(list) != 1 {
		t.Errorf("afterwards: %q, %v, %v", text, err, list)
	}
}
