// Package initramfs makes the root file system that a kernel starts with, as a tree of files that
// becomes a cpio archive. The same inputs always give the same bytes.
package initramfs

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"

	"kevlar/host/initramfs/filetree"
)

// rootfs holds the files of the default tree that are text: the init and /etc.
//
//go:embed rootfs
var rootfs embed.FS

// Busybox returns the default root file system: a static BusyBox from the host with all its applet
// links, an init that serves both kernels, and the few files and folders that programs expect.
func Busybox(program string) (*filetree.Tree, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	applets, err := exec.Command(program, "--list-full").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list-full: %v", program, err)
	}

	t := filetree.New()
	for _, dir := range []string{"bin", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "run", "sbin", "sys",
		"usr/bin", "usr/lib", "usr/sbin", "usr/share", "usr/local/bin", "usr/local/sbin", "var/lib", "var/log", "var/spool"} {
		t.Dir(dir, 0o755)
	}
	t.Dir("root", 0o700)
	t.Dir("tmp", 0o1777)
	t.Dir("var/tmp", 0o1777)
	t.Link("var/run", "/run")
	t.Add("home/user", filetree.Entry{Mode: filetree.Dir | 0o755, UID: 1000, GID: 1000})
	t.Device("dev/console", 0o600, 5, 1)
	t.Device("dev/null", 0o666, 1, 3)

	t.File("bin/busybox", 0o755, data)
	for line := range bytes.Lines(applets) {
		if name := string(bytes.TrimSpace(line)); name != "" && name != "bin/busybox" {
			t.Link(name, "/bin/busybox")
		}
	}
	for name, file := range map[string]struct {
		source string
		perm   uint32
	}{
		"init":           {"init.sh", 0o755},
		"kevlar/run":     {"run.sh", 0o755},
		"kevlar/shell":   {"shell.sh", 0o755},
		"etc/passwd":     {"passwd", 0o644},
		"etc/group":      {"group", 0o644},
		"etc/shadow":     {"shadow", 0o600},
		"etc/hosts":      {"hosts", 0o644},
		"etc/hostname":   {"hostname", 0o644},
		"etc/profile":    {"profile", 0o644},
		"etc/shells":     {"shells", 0o644},
		"etc/os-release": {"os-release", 0o644},
	} {
		text, err := rootfs.ReadFile("rootfs/" + file.source)
		if err != nil {
			return nil, err
		}
		t.File(name, file.perm, text)
	}
	return t, nil
}
