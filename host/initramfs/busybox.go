package initramfs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// busybox returns the archive with a program of the host, which is BusyBox, at a path of its own, and
// links to it for all its applets.
func busybox(ctx context.Context, program, path string) ([]byte, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	applets, err := exec.CommandContext(ctx, program, "--list-full").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list-full: %v", program, err)
	}
	t := filetree.New()
	t.File(path, 0o755, data)
	for line := range bytes.Lines(applets) {
		name := strings.TrimSpace(string(line))
		if _, taken := t.Lookup(name); name != "" && !taken {
			t.Link(name, "/"+path)
		}
	}
	return cpio.Pack(t)
}

// addBusybox adds what busybox returned. An applet leaves its name to a program that is there already.
func addBusybox(_ context.Context, t *filetree.Tree, content []byte) error {
	all, err := cpio.Decode(content)
	if err != nil {
		return err
	}
	wanted := filetree.New()
	for f := range all.All() {
		if _, _, taken := t.Resolve(f.Path); f.Type() == filetree.Regular || f.Type() == filetree.Symlink && !taken {
			wanted.Add(f.Path, f.Entry)
		}
	}
	return t.Merge(wanted)
}
