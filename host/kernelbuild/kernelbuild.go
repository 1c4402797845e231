// Package kernelbuild builds the Kevlar kernel: the stock Go toolchain makes an ELF file, which is
// wrapped into an image that a virtual machine monitor boots.
package kernelbuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"kevlar/host/cache"
	"kevlar/host/image"
	"kevlar/host/progress"
)

// module is the first line of the go.mod file of Kevlar's source tree.
const module = "module kevlar"

// FindRoot returns the folder of Kevlar's source tree that dir lies in, or "" if it lies in none.
func FindRoot(dir string) string {
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if line, _, _ := strings.Cut(string(data), "\n"); err == nil && strings.TrimSpace(line) == module {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// Kernel is a kernel that was built.
type Kernel struct {
	Image string // path of the bootable image; the file never changes
	ELF   string // path of the ELF file, for a debugger; the next build replaces it. "" if there is none
}

// keep is how long images that no build produces any more stay in the cache.
const keep = 24 * time.Hour

// Build compiles the kernel with the build tag baremetal and those in tags. It does so in the source tree
// at root; if that is "", an image that this program carries needs no building, and otherwise sources are
// those of the kernel. The Go toolchain decides what is to be compiled; images are kept by content.
func Build(ctx context.Context, root string, sources fs.FS, dir cache.Dir, report *progress.Reporter, tags ...string) (*Kernel, error) {
	if root == "" && len(tags) == 0 {
		if k, err := carried(dir); k != nil || err != nil {
			return k, err
		}
	}
	if root == "" {
		var err error
		if root, err = unpack(sources, dir); err != nil {
			return nil, err
		}
	}
	name := strings.Join(append([]string{"kevlar"}, tags...), "-")
	if err := os.MkdirAll(dir.Path("kernel"), 0o755); err != nil {
		return nil, err
	}
	unlock, err := dir.Lock(filepath.Join("kernel", name))
	if err != nil {
		return nil, err
	}
	defer unlock()

	k := &Kernel{ELF: dir.Path("kernel", name+".elf")}
	if err := compile(ctx, root, k.ELF, report, tags); err != nil {
		return nil, err
	}
	elf, err := os.ReadFile(k.ELF)
	if err != nil {
		return nil, err
	}
	prefix := dir.Path("kernel", name+"-")
	data, err := image.Build(elf)
	if err != nil {
		return nil, err
	}
	k.Image, err = dir.File(func(tmp string) error {
		return os.WriteFile(tmp, data, 0o644)
	}, "kernel", fmt.Sprintf("%s-%x.img", name, sha256.Sum256(data)))
	if err != nil {
		return nil, err
	}
	evict(prefix, k.Image)
	return k, nil
}

// experiments are those of the Go toolchain (see "go doc internal/goexperiment"). The kernel places its heap at
// random itself, as package layout says. The runtime would throw away up to 4 MiB of addresses at its
// beginning for a few bits more, and search and grow, in some boots and not in others.
const experiments = "GOEXPERIMENT=norandomizedheapbase64"

// compile runs the Go toolchain. Its messages become the error.
func compile(ctx context.Context, root, output string, report *progress.Reporter, tags []string) error {
	args := []string{"build", "-v", "-trimpath", "-tags", strings.Join(append([]string{"baremetal"}, tags...), ",")}
	args = append(append(args, image.BuildFlags...), "-o", output, "./kernel")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=", experiments)
	said := &messages{report: report}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("building the kernel needs the Go toolchain, and there is no go here; see https://go.dev/dl, " +
			"or make a program that carries the kernel with kevlar build --standalone")
	case said.text.Len() == 0:
		return fmt.Errorf("building the kernel: %v", err)
	}
	return fmt.Errorf("building the kernel: %s", bytes.TrimSpace(said.text.Bytes()))
}

// messages takes what go build -v prints: a line with the name of each package that it compiles, of which
// the first makes the build something that takes time, and messages.
type messages struct {
	report *progress.Reporter
	begun  bool
	line   []byte // the last one, if it is not complete
	text   bytes.Buffer
}

func (m *messages) Write(p []byte) (int, error) {
	m.line = append(m.line, p...)
	for {
		end := bytes.IndexByte(m.line, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := m.line[:end+1]
		switch {
		case bytes.ContainsAny(line, " :\t"):
			m.text.Write(line)
		case !m.begun:
			m.begun = true
			m.report.Step("building the kernel")
		}
		m.line = m.line[end+1:]
	}
}

// evict removes old images of other builds.
func evict(prefix, current string) {
	images, _ := filepath.Glob(prefix + "*.img")
	for _, path := range images {
		if info, err := os.Stat(path); err == nil && path != current && time.Since(info.ModTime()) > keep {
			os.Remove(path)
		}
	}
}
