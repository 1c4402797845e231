package command

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/hostpkg"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// archive writes an initramfs of BusyBox with an init of our own.
func archive(t *testing.T, init string, zip bool) string {
	t.Helper()
	path := hostpkg.BusyboxPath()
	if path == "" {
		t.Skip("there is no static BusyBox")
	}
	busybox, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tree := filetree.New()
	tree.Device("dev/console", 0o600, 5, 1)
	tree.File("bin/busybox", 0o755, busybox)
	tree.Link("bin/sh", "busybox")
	tree.File("init", 0o755, []byte(init))
	data, err := cpio.Encode(tree)
	if err != nil {
		t.Fatal(err)
	}
	if zip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		data = b.Bytes()
	}
	file := filepath.Join(t.TempDir(), "root.cpio")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const ownInit = `#!/bin/sh
echo "my pid is $$"
busybox sleep 1 # the UART sends
busybox poweroff -f
`

func TestInitramfs(t *testing.T) {
	for _, zip := range []bool{false, true} {
		got := run(t, nil, "--initramfs", archive(t, ownInit, zip))
		if got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, "my pid is 1\r\n") {
			t.Errorf("gzip %v: %+v", zip, got)
		}
	}
}

// TestPlainQEMU boots the image with nothing but what a person would type.
func TestPlainQEMU(t *testing.T) {
	if onLinux() {
		t.Skip("Kevlar's image only")
	}
	fields := strings.Fields(os.Getenv("KEVLAR_FLAGS"))
	var image string
	for i, f := range fields[:max(0, len(fields)-1)] {
		if f == "--kernel" {
			image = fields[i+1]
		}
	}
	if image == "" {
		t.Skip("needs a machine; run: kevlar test command")
	}
	cmd := exec.Command("timeout", "60", "qemu-system-x86_64", "-cpu", "max", "-m", "256M", "-nographic", "-no-reboot", "-kernel", image,
		"-initrd", archive(t, ownInit, false))
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "my pid is 1\r\n") {
		t.Errorf("%q, %v", out, err)
	}
}
