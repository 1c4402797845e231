// Package hostpkg sees to it that the programs Kevlar needs on the host are there.
package hostpkg

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"kevlar/host/progress"
)

// A Need is something the host must have, and the Debian package that brings it.
type Need struct {
	Package string
	Present func() bool
}

var (
	QEMU    = Need{"qemu-system-x86", program("qemu-system-x86_64")}
	Busybox = Need{"busybox-static", func() bool { return BusyboxPath() != "" }}
	Musl    = Need{"musl-tools", program("musl-gcc")}
	GCC     = Need{"gcc", program("gcc")}
	LibC    = Need{"libc6-dev", func() bool { _, err := os.Stat("/usr/include/stdlib.h"); return err == nil }}
)

func program(name string) func() bool {
	return func() bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

// BusyboxPath returns the path of a statically linked BusyBox, or "".
func BusyboxPath() string {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		if static(path) {
			return path
		}
	}
	return ""
}

// static says whether the file at path is an x86-64 program that asks for no interpreter.
func static(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return f.Machine == elf.EM_X86_64
}

// installing is held while APT installs something: a second APT would be refused.
var installing sync.Mutex

// Ensure installs what is missing with apt-get when this process is root; otherwise the error
// holds the command to type.
func Ensure(ctx context.Context, report *progress.Reporter, needs ...Need) error {
	if len(unmet(needs)) == 0 {
		return nil
	}
	installing.Lock()
	defer installing.Unlock()
	missing := unmet(needs)
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("missing on this machine; to install: sudo apt-get install --no-install-recommends %s",
			strings.Join(missing, " "))
	}
	report.Note("installing %s with apt-get", strings.Join(missing, " "))
	args := append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)
	if APT(ctx, "", args...) == nil && len(unmet(needs)) == 0 {
		return nil
	}
	// The package lists may be missing or old, as on a fresh machine.
	if err := APT(ctx, "", "update", "-q"); err != nil {
		return err
	}
	if err := APT(ctx, "", args...); err != nil {
		return err
	}
	if left := unmet(needs); len(left) != 0 {
		return fmt.Errorf("apt-get installed %s, but it is not where it should be", strings.Join(left, " "))
	}
	return nil
}

// APT runs apt-get in the folder dir, without questions. The error holds the last line it printed.
func APT(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %v: %s", strings.Join(args, " "), err, lastLine(out))
	}
	return nil
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}

// unmet returns the packages of the needs that are not met.
func unmet(needs []Need) []string {
	var names []string
	for _, n := range needs {
		if !n.Present() {
			names = append(names, n.Package)
		}
	}
	return names
}
