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
	"time"

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
	// What is fed to an init of its own is not lost while it boots; Linux speaks long before it listens.
	got := run(t, strings.NewReader("echo $((6*7)); exec busybox poweroff -f\n"), "--root", dir, "--init", "/bin/sh")
	if !onLinux() && (got.status != 0 || !strings.Contains(got.stdout, "\n42\r\n")) {
		t.Errorf("a shell as init: %+v", got)
	}
	if got := run(t, nil, "--root", dir, "--init", "/no/init"); got.status != 125 || !strings.HasSuffix(got.stderr, ": no /no in it\n") {
		t.Errorf("an init that is not there: %+v", got)
	}
	// With Kevlar's init it runs commands, and without any program of its own it has a shell.
	expect(t, run(t, nil, "--root", dir, "--", "sh", "-c", "echo $0; exit 9"), result{9, "sh\n", ""})
	os.RemoveAll(filepath.Join(dir, "sbin"))
	os.RemoveAll(filepath.Join(dir, "bin"))
	got = run(t, strings.NewReader("echo shell=$0\nexit 7\n"), "--root", dir)
	if got.status != 7 || got.stderr != "" || !strings.Contains(got.stdout, "shell=-sh") {
		t.Errorf("an empty tree: %+v", got)
	}
}

// container writes an archive as "docker export" does: no devices but an empty file in place of the
// console, files from which Docker mounts, and an init that nobody means.
func container(t *testing.T) string {
	t.Helper()
	busybox, err := os.ReadFile(hostpkg.BusyboxPath())
	if err != nil {
		t.Skip("there is no static BusyBox")
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, data string) {
		h.Size = int64(len(data))
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(data))
	}
	for _, dir := range []string{"dev", "dev/pts", "dev/shm", "etc", "bin", "sbin", "proc", "sys", "home/bob"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir + "/"}, "")
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, "")
	for _, file := range []string{".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"} {
		add(tar.Header{Typeflag: tar.TypeReg, Name: file}, "")
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, "root:x:0:0:root:/:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, "root:x:0:\nwheel:x:10:bob\nbob:x:1000:\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox"}, string(busybox))
	for _, applet := range []string{"bin/sh", "bin/id", "bin/cat", "bin/env", "sbin/init"} {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: applet, Linkname: "/bin/busybox"}, "")
	}
	// What a command is called must be found here, not among the programs of Kevlar's init.
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/ls"}, "#!/bin/sh\necho its own: $0 \"$@\"\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/plain", Mode: 0o644}, "text")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "container.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestContainer runs commands in what a container was made of.
func TestContainer(t *testing.T) {
	root := container(t)
	in := func(args ...string) result {
		return run(t, strings.NewReader("input"), append([]string{"--root", root}, args...)...)
	}
	expect(t, in("--", "sh", "-c", "cat; echo err >&2; exit 3"), result{3, "input", "err\n"})
	expect(t, in("--", "ls", "-l"), result{0, "its own: /bin/ls -l\n", ""})
	expect(t, in("--", "/bin/sh", "-c", `[ -c /dev/null ] && [ -d /proc/1 ] && [ -d /sys/class ] && [ -c /dev/pts/ptmx ] && echo "$PWD $HOME $(busybox hostname)"`),
		result{0, "/ / kevlar\n", ""})
	if got := in("--", "nosuch"); got.status != 127 || !strings.Contains(got.stderr, "nosuch") {
		t.Errorf("no such command: %+v", got)
	}
	for _, command := range []string{"/bin/plain", "/bin"} {
		if got := in("--", command); got.status != 126 || !strings.Contains(got.stderr, command) {
			t.Errorf("%s: %+v", command, got)
		}
	}
	if got := in(); got.status != 127 || !strings.Contains(got.stdout, "input: not found") {
		t.Errorf("a shell: %+v", got)
	}
}

// TestTimes has the times of a tree in the guest, and those of what is copied into it.
func TestTimes(t *testing.T) {
	dir := rootFolder(t)
	os.Mkdir(filepath.Join(dir, "data"), 0o755)
	file := filepath.Join(dir, "data", "file")
	os.WriteFile(file, nil, 0o644)
	os.Symlink("file", filepath.Join(dir, "data", "link"))
	for name, seconds := range map[string]int64{"data/file": 1234567890, "data": 1e9} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Now(), time.Unix(seconds, 5)); err != nil {
			t.Fatal(err)
		}
	}
	link := []unix.Timeval{{Sec: 1}, {Sec: 1111111111}}
	if err := unix.Lutimes(filepath.Join(dir, "data", "link"), link); err != nil {
		t.Fatal(err)
	}
	expect(t, run(t, nil, "--root", dir, "--copy", filepath.Join(dir, "data")+":/copy", "--", "sh", "-c",
		"busybox stat -c '%n %Y' /data /data/file /data/link /copy /copy/file"),
		result{0, "/data 1000000000\n/data/file 1234567890\n/data/link 1111111111\n/copy 1000000000\n/copy/file 1234567890\n", ""})
}

// TestUser has a command run as somebody, somewhere, with something in its environment.
func TestUser(t *testing.T) {
	root := container(t)
	for _, tt := range []struct {
		user, want string
	}{
		{"bob", "uid=1000(bob) gid=1000(bob) groups=10(wheel),1000(bob) /home/bob\n"},
		{"1000", "uid=1000(bob) gid=1000(bob) groups=10(wheel),1000(bob) /home/bob\n"},
		{"bob:wheel", "uid=1000(bob) gid=10(wheel) groups=10(wheel) /home/bob\n"},
		{"77:88", "uid=77(77) gid=88 groups=88 /\n"},
	} {
		expect(t, run(t, nil, "--root", root, "-u", tt.user, "--", "sh", "-c", "echo $(id) $HOME"), result{0, tt.want, ""})
	}
	if got := run(t, nil, "-u", "nobody-here", "--", "true"); got.status == 0 || !strings.Contains(got.stderr, "nobody-here") {
		t.Errorf("an unknown user: %+v", got)
	}
	expect(t, run(t, nil, "-u", "1000", "-w", "/tmp", "-e", "A=it's $HOME", "-e", "HOME=/x", "--", "sh", "-c",
		`pwd; env | grep ^A; echo $HOME; kill -9 $$`), result{137, "/tmp\nA=it's $HOME\n/x\n", ""})
	if got := run(t, nil, "-w", "/no/such", "--", "true"); got.status != 126 || !strings.Contains(got.stderr, "/no/such") {
		t.Errorf("no such folder: %+v", got)
	}
}

// TestCopy has files and folders of the host in the guest.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "d", ".hidden"), 0o755)
	os.WriteFile(filepath.Join(dir, "d", ".hidden", "x"), []byte("deep"), 0o644)
	os.WriteFile(filepath.Join(dir, "f"), []byte("#!/bin/sh\necho file\n"), 0o755)
	d, f := filepath.Join(dir, "d"), filepath.Join(dir, "f")
	expect(t, run(t, nil, "--copy", f+":/opt/new/name", "--copy", f+":/tmp", "--copy", f+":/new/folder/", "--copy", d+":/srv", "--copy", d+":/usr",
		"--copy", f+":/etc/hostname", "--", "sh", "-c",
		"/opt/new/name; /tmp/f; /new/folder/f; cat /srv/.hidden/x /usr/d/.hidden/x; tail -n 1 /etc/hostname; ls -d /tmp /kevlar/c* | cat; stat -c %a:%u /tmp"),
		result{0, "file\nfile\nfile\ndeepdeepecho file\n/kevlar/command\n/tmp\n1777:0\n", ""})
}

// TestCopyOut has files and folders of the guest on the host, whatever the command's status.
func TestCopyOut(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "name")
	got := run(t, nil, "--copy-out", "/srv/d:"+dir, "--copy-out", "/tmp/big:"+name, "--", "sh", "-c",
		"mkdir -p /srv/d; echo text >/srv/d/f; chmod 700 /srv/d/f; ln -s f /srv/d/l; head -c 300000 /dev/zero >/tmp/big; echo out; exit 5")
	expect(t, got, result{5, "out\n", ""})
	if data, err := os.ReadFile(name); err != nil || len(data) != 300000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "d", "l"))
	info, serr := os.Stat(filepath.Join(dir, "d", "f"))
	if err != nil || serr != nil || string(data) != "text\n" || info.Mode() != 0o700 {
		t.Errorf("%q, %v, %v", data, info, err)
	}
	got = run(t, nil, "--copy-out", "/no/such:"+dir, "--", "true")
	if got.status != 125 || !strings.Contains(got.stderr, "there is no /no/such in the guest") {
		t.Errorf("%+v", got)
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
