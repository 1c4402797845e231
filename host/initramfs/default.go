package initramfs

import (
	"embed"
	"io/fs"

	"kevlar/host/initramfs/manifest"
)

// rootfs holds the files of the default root file system: the init and /etc.
//
//go:embed rootfs
var rootfs embed.FS

//go:embed default.toml
var defaultText []byte

// Default returns the manifest of the root file system that runs commands and shells: a static BusyBox
// from the host with all its applet links, an init that serves both kernels, and the few files and
// folders that programs expect. It needs no source tree.
func Default() (*manifest.Manifest, error) {
	m, err := manifest.Parse("default.toml", defaultText)
	if err != nil {
		return nil, err
	}
	m.Embedded, err = fs.Sub(rootfs, "rootfs")
	return m, err
}
