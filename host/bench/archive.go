package bench

import (
	"context"
	"path/filepath"

	"kevlar/host/initramfs"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/suite"
)

// programs measure operations, each those of one kind; suites/bench/init.c runs them.
var programs = []string{"calls.c", "files.c", "pipes.c", "memory.c", "processes.c", "busybox.c"}

// Archives are the root file systems that are measured with.
type Archives struct {
	Boot       []byte // /init and nothing else
	Operations []byte // the programs and BusyBox, too
}

// NewArchives makes the archives. Root is the source tree, in which the program is.
func NewArchives(ctx context.Context, root string, b *initramfs.Builder) (*Archives, error) {
	m := &manifest.Manifest{
		Name:    "bench",
		Dir:     filepath.Join(root, "suites", "bench"),
		C:       []manifest.C{{Path: "init", Sources: []string{"init.c"}, Flags: suite.Flags}},
		Devices: []manifest.Device{{Path: "dev/console", Kind: "char", Major: 5, Minor: 1}},
	}
	var a Archives
	for _, archive := range []*[]byte{&a.Boot, &a.Operations} {
		if err := m.Check(); err != nil {
			return nil, err
		}
		var err error
		if *archive, err = b.Build(ctx, m, "none"); err != nil {
			return nil, err
		}
		m.Busybox = []manifest.Busybox{{Path: "bin/busybox"}}
		m.C = append(m.C, manifest.C{To: "bench", Sources: programs, Flags: suite.Flags})
	}
	return &a, nil
}
