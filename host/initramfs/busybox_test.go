package initramfs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"kevlar/host/initramfs/cpio"

	"kevlar/host/initramfs/filetree"
)

func TestBusyboxTree(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "busybox")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\nprintf '%s\\n' bin/busybox bin/sh usr/bin/wc\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := Busybox(fake)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]uint32{
		"init": filetree.Regular | 0o755, "bin/busybox": filetree.Regular | 0o755, "bin/sh": filetree.Symlink | 0o777, "usr/bin/wc": filetree.Symlink | 0o777,
		"dev/console": filetree.CharDev | 0o600, "tmp": filetree.Dir | 0o1777, "etc/passwd": filetree.Regular | 0o644,
	} {
		if e, ok := tree.Lookup(name); !ok || e.Mode != mode {
			t.Errorf("%s: mode %o, want %o", name, e.Mode, mode)
		}
	}
	data, err := cpio.Encode(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := cpio.Check(bytes.NewReader(data), "/init"); err != nil {
		t.Error(err)
	}
}
