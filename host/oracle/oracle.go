// Package oracle brings a Linux kernel to compare with: Debian's cloud kernel, fetched once through
// apt and kept in the cache.
package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kevlar/host/cache"
	"kevlar/host/hostpkg"
	"kevlar/host/progress"
)

// MetaPackage is the Debian package that depends on the current cloud kernel.
const MetaPackage = "linux-image-cloud-amd64"

// Kernel is a Linux kernel in the cache.
type Kernel struct {
	Image   string // path of the bzImage
	Modules string // folder that holds its modules, at any depth
}

// Fetch returns Debian's cloud kernel. The first call downloads it; later ones need no network and
// keep to the version that was fetched, until the cache is emptied.
func Fetch(ctx context.Context, dir cache.Dir, report *progress.Reporter) (*Kernel, error) {
	unlock, err := dir.Lock("linux")
	if err != nil {
		return nil, err
	}
	defer unlock()
	tree, err := dir.Tree(func(tmp string) error { return download(ctx, tmp, report) }, "linux")
	if err != nil {
		return nil, fmt.Errorf("fetching Linux: %v", err)
	}
	return open(tree)
}

// open finds the kernel in an unpacked package.
func open(tree string) (*Kernel, error) {
	images, _ := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	modules, _ := filepath.Glob(filepath.Join(tree, "lib", "modules", "*"))
	if len(images) != 1 || len(modules) != 1 {
		return nil, fmt.Errorf("%s does not hold one kernel and its modules; delete it to fetch it again", tree)
	}
	return &Kernel{Image: images[0], Modules: modules[0]}, nil
}

// download fetches the kernel's package and unpacks it in the folder dir.
func download(ctx context.Context, dir string, report *progress.Reporter) error {
	pkg, err := resolve(ctx)
	if err != nil {
		// The package lists may be missing, as on a fresh machine.
		if os.Geteuid() != 0 {
			return fmt.Errorf("%v; to get the package lists: sudo apt-get update", err)
		}
		if err := hostpkg.APT(ctx, "", "update", "-q"); err != nil {
			return err
		}
		if pkg, err = resolve(ctx); err != nil {
			return err
		}
	}
	report.Step("downloading %s", pkg)
	if err := hostpkg.APT(ctx, dir, "download", "-q", pkg); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages", pkg, len(debs))
	}
	report.Step("unpacking %s", filepath.Base(debs[0]))
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", debs[0], dir).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb: %v: %s", err, bytes.TrimSpace(out))
	}
	if err := os.Remove(debs[0]); err != nil {
		return err
	}
	_, err = open(dir)
	return err
}

// resolve returns the package that the meta package depends on.
func resolve(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-cache", "depends", "--important", MetaPackage).Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache depends %s: %v", MetaPackage, err)
	}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
			return name, nil
		}
	}
	return "", errors.New("apt knows no package " + MetaPackage)
}
