package suite

import (
	"context"
	"path/filepath"

	"kevlar/host/initramfs"
	"kevlar/host/initramfs/manifest"
)

// Flags are given to the compiler for every C program of the guest's. The kernel's headers are those of
// the host.
var Flags = []string{"-static", "-O2", "-Wall", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"}

// Archive returns the archive that puts the suite into a guest's root file system, at
// /suites/NAME. Of its C sources it holds the programs, in bin.
func (s *Suite) Archive(ctx context.Context, b *initramfs.Builder) ([]byte, error) {
	m, err := s.manifest()
	if err != nil {
		return nil, err
	}
	return b.Build(ctx, m, "none")
}

// manifest lists what the suite has in the guest.
func (s *Suite) manifest() (*manifest.Manifest, error) {
	prefix := "suites/" + s.Name
	executable := uint32(0o755)
	m := &manifest.Manifest{
		Name:    "suite " + s.Name,
		Dir:     s.Dir,
		Folders: []manifest.Folder{{Path: prefix, Source: ".", Skip: []string{"*.c", "*.h", "run"}}},
		// The script may be a link to another suite's, which the guest does not have.
		Files: []manifest.File{{Path: prefix + "/run", Source: "run", Mode: &executable}},
	}
	sources, err := filepath.Glob(filepath.Join(s.Dir, "*.c"))
	if err != nil {
		return nil, err
	}
	if len(sources) > 0 {
		m.C = []manifest.C{{To: prefix + "/bin", Sources: []string{"*.c"}, Flags: Flags}}
	}
	return m, m.Check()
}
