package nested

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"kevlar/host/cache"
	"kevlar/host/oracle"
	"kevlar/host/progress"
	"kevlar/host/vm"
)

//go:embed inside.sh
var script []byte

// root is the source tree, seen from this folder, where go test runs.
const root = "../.."

// roms are what QEMU loads into the machines q35 and microvm when they boot a kernel.
var roms = []string{"bios-256k.bin", "bios-microvm.bin", "kvmvapic.bin", "linuxboot_dma.bin", "pvh.bin"}

// romFolders are where Debian's QEMU looks for them.
var romFolders = []string{"/usr/share/qemu", "/usr/share/seabios"}

// pack returns a tar archive of what the outer machine needs besides its root file system: QEMU and
// its libraries, KVM's modules, Kevlar's command and the image of its kernel, and the suite.
func pack(ctx context.Context, image string) ([]byte, error) {
	var out bytes.Buffer
	p := packer{tar.NewWriter(&out)}
	if err := p.bytes("nested/inside.sh", script); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return p.file("nested/kevlar.img", image) },
		func() error { return p.command(ctx) },
		func() error { return p.modules(ctx) },
		func() error { return p.monitor(ctx) },
		func() error { return p.folder("suites/busybox", filepath.Join(root, "suites", "busybox")) },
		p.Close,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

type packer struct{ *tar.Writer }

func (p packer) bytes(name string, data []byte) error {
	h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(data)), Format: tar.FormatUSTAR}
	if err := p.WriteHeader(h); err != nil {
		return err
	}
	_, err := p.Write(data)
	return err
}

// file packs a file of the host, or what a link leads to.
func (p packer) file(name, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return p.bytes(name, data)
}

func (p packer) folder(name, dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return p.file(filepath.Join(name, rel), path)
	})
}

// command packs the kevlar command, statically linked.
func (p packer) command(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "kevlar-nested-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "kevlar")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/kevlar")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building kevlar: %v\n%s", err, out)
	}
	return p.file("nested/kevlar", path)
}

// modules packs KVM's modules under names that sort in the order in which they can be loaded.
func (p packer) modules(ctx context.Context) error {
	tree, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	dir, err := cache.Open(tree)
	if err != nil {
		return err
	}
	kernel, err := oracle.Fetch(ctx, dir, progress.New(os.Stderr, false))
	if err != nil {
		return err
	}
	modules, err := kernel.Load("kvm_amd")
	if err != nil {
		return err
	}
	for i, m := range modules {
		if err := p.bytes(fmt.Sprintf("nested/%02d-%s.ko", i, m.Name), m.Data); err != nil {
			return err
		}
	}
	return nil
}

// monitor packs QEMU, its libraries and its ROMs where they are on the host.
func (p packer) monitor(ctx context.Context) error {
	path, err := exec.LookPath(vm.Binary)
	if err != nil {
		return err
	}
	libraries, err := exec.CommandContext(ctx, "ldd", path).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %v", path, err)
	}
	for _, file := range append(regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1), path) {
		if err := p.file(strings.TrimPrefix(file, "/"), file); err != nil {
			return err
		}
	}
	for _, rom := range roms {
		found := false
		for _, dir := range romFolders {
			file := filepath.Join(dir, rom)
			if _, err := os.Stat(file); err != nil {
				continue
			}
			found = true
			if err := p.file(strings.TrimPrefix(file, "/"), file); err != nil {
				return err
			}
		}
		if !found {
			return fmt.Errorf("QEMU's %s is in none of %q", rom, romFolders)
		}
	}
	return nil
}
