package main_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers are the kernel's folders from the bottom up. A package imports
// packages of its own layer or of those before it.
var layers = [][]string{
	{"abi"},
	{"ktime", "klog", "random", "uts", "load", "wait"},
	{"machine"},
	{"kmem"},
	{"mm"},
	{"vfs"},
	{"ipc"}, // what programs tell each other by
	{"tty"},
	{"net"},
	{"driver"}, // some are terminals, or links of a network
	{"fs"},     // some show terminals and drivers
	{"task"},
	{"syscalls"},
	{"panictest"},
	{""}, // main
}

// layer returns the place of a kernel package, or -1 if it has none.
func layer(pkg string) int {
	top, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(pkg, "kevlar/kernel"), "/"), "/")
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, top) })
}

// list runs go list on the whole module as the guest's kernel is built, or as
// the host's tests are.
func list(t *testing.T, baremetal bool, format string) [][]string {
	args := []string{"list", "-f", format}
	if baremetal {
		args = append(args, "-tags", "baremetal")
	}
	cmd := exec.Command("go", append(args, "kevlar/...")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var lines [][]string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 0 {
			lines = append(lines, f)
		}
	}
	if len(lines) < 20 {
		t.Fatalf("go list named %d packages only", len(lines))
	}
	return lines
}

func isKernel(pkg string) bool {
	return pkg == "kevlar/kernel" || strings.HasPrefix(pkg, "kevlar/kernel/")
}
func isMachine(pkg string) bool { return strings.HasPrefix(pkg, "kevlar/kernel/machine/") }

func TestImportsPointDown(t *testing.T) {
	for _, baremetal := range []bool{false, true} {
		for _, f := range list(t, baremetal, `{{.ImportPath}} {{join .Imports " "}}`) {
			pkg := f[0]
			if !isKernel(pkg) {
				continue
			}
			if layer(pkg) < 0 {
				t.Errorf("%s has no place among the layers", pkg)
			}
			for _, imp := range f[1:] {
				if strings.HasPrefix(imp, "kevlar/") && !isKernel(imp) {
					t.Errorf("%s imports %s, which is the host's", pkg, imp)
				}
				if isKernel(imp) && layer(imp) > layer(pkg) {
					t.Errorf("%s imports %s, which is above it", pkg, imp)
				}
			}
		}
	}
}

// Programs of the host have files, sockets and processes; the kernel makes
// them.
func TestKernelImportsNoOperatingSystem(t *testing.T) {
	for _, f := range list(t, true, `{{.ImportPath}} {{join .Imports " "}}`) {
		if pkg := f[0]; isKernel(pkg) && !isMachine(pkg) {
			for _, imp := range f[1:] {
				if imp == "os" || strings.HasPrefix(imp, "os/") || imp == "net" || imp == "syscall" {
					t.Errorf("%s imports %s", pkg, imp)
				}
			}
		}
	}
}

func TestUnsafeStaysInTheMachineLayer(t *testing.T) {
	for _, baremetal := range []bool{false, true} {
		for _, f := range list(t, baremetal, `{{.ImportPath}} {{join .Imports " "}} {{range .SFiles}}file:{{.}} {{end}}`) {
			pkg := f[0]
			if isMachine(pkg) {
				continue
			}
			for _, s := range f[1:] {
				if s == "unsafe" || s == "C" {
					t.Errorf("%s imports %s", pkg, s)
				}
				if strings.HasPrefix(s, "file:") {
					t.Errorf("%s has assembly: %s", pkg, s)
				}
			}
		}
	}
}

func TestLinknameStaysInTheMachineLayer(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || path == "machine" {
			if path == "machine" {
				return filepath.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || path == "architecture_test.go" {
			return nil
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("//go:linkname")) {
			t.Errorf("%s uses go:linkname", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
