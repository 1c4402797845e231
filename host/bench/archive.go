package bench

import (
	"context"
	"os"
	"path/filepath"

	"kevlar/host/cache"
	"kevlar/host/hostpkg"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/progress"
	"kevlar/host/suite"
)

// Archives are the root file systems that are measured with.
type Archives struct {
	Boot       []byte // /init and nothing else
	Operations []byte // BusyBox, too
}

// NewArchives makes the archives. Root is the source tree, in which the program is.
func NewArchives(ctx context.Context, root string, dir cache.Dir, report *progress.Reporter) (*Archives, error) {
	if err := hostpkg.Ensure(ctx, report, hostpkg.Musl, hostpkg.LibC, hostpkg.Busybox); err != nil {
		return nil, err
	}
	program, err := suite.Compile(ctx, filepath.Join(root, "suites", "bench", "bench.c"), dir, report)
	if err != nil {
		return nil, err
	}
	init, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	busybox, err := os.ReadFile(hostpkg.BusyboxPath())
	if err != nil {
		return nil, err
	}
	tree := filetree.New()
	tree.File("init", 0o755, init)
	tree.Device("dev/console", 0o600, 5, 1)
	var a Archives
	if a.Boot, err = cpio.Encode(tree); err != nil {
		return nil, err
	}
	tree.File("bin/busybox", 0o755, busybox)
	a.Operations, err = cpio.Encode(tree)
	return &a, err
}
