// Package host has no code of its own: it is where the packages below it are held in order.
package host

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the packages of the host from the bottom up. A package imports packages of the layers before
// its own, and none of its own.
var layers = [][]string{
	// Things that stand alone: what a host can do, the forms in which files and kernels are written down.
	{"progress", "accel", "cache", "container", "image", "initramfs/filetree", "initramfs/store", "initramfs/packages/deb822"},
	// Tools: a machine, a terminal, a kernel, an archive, a compiler; what the host lacks.
	{"hostpkg", "console", "vm", "kernelbuild", "initramfs/cpio", "initramfs/compile", "initramfs/packages", "initramfs/packages/apt"},
	// What speaks to a guest, and where files come from.
	{"guest", "oracle", "initramfs/packages/alpine", "initramfs/packages/debian", "initramfs/packages/source"},
	{"initramfs/manifest"},
	{"initramfs"},
	{"suite"},
	{"bench"},
}

// fromKernel are the packages of the kernel that the host may know, by who may: numbers on which both agree.
var fromKernel = map[string][]string{
	"kevlar/host/image":     {"kevlar/kernel/machine/layout"},
	"kevlar/suites/machine": {"kevlar/kernel/machine/layout"},
	"kevlar/suites/places":  {"kevlar/kernel/machine/layout"},
}

// modules are the modules that others made, by the only packages that use them outside of tests.
var modules = map[string][]string{
	"github.com/spf13/cobra":         {"kevlar/cmd/kevlar"},
	"github.com/spf13/pflag":         {"kevlar/cmd/kevlar"},
	"github.com/pelletier/go-toml":   {"kevlar/host/initramfs/manifest", "kevlar/host/initramfs/packages/source"},
	"github.com/klauspost/compress":  {"kevlar/host/initramfs/cpio", "kevlar/host/initramfs/packages/debian"},
	"github.com/therootcompany/xz":   {"kevlar/host/initramfs/packages/debian"},
	"golang.org/x/term":              {"kevlar/host/console", "kevlar/host/progress"},
	"github.com/creack/pty":          nil,
	"github.com/cavaliergopher/cpio": nil,
	"github.com/google/go-cmp":       nil,
}

// A pkg is a package with what it imports, and what its tests import.
type pkg struct {
	path           string
	imports, tests []string
}

// list returns all packages of the module.
func list(t *testing.T) (list []pkg) {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`, "kevlar/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		list = append(list, pkg{f[0], strings.Fields(f[1]), strings.Fields(f[2])})
	}
	if len(list) < 50 {
		t.Fatalf("go list named %d packages only", len(list))
	}
	return list
}

// within returns the name of a package below a folder of the module, and whether it is there.
func within(folder, path string) (string, bool) { return strings.CutPrefix(path, "kevlar/"+folder+"/") }

// layer returns the place of a package of the host, or -1 if it has none.
func layer(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t) {
		name, ok := within("host", p.path)
		if !ok {
			continue
		}
		if layer(name) < 0 {
			t.Errorf("%s has no place among the layers", p.path)
		}
		for _, imp := range append(p.imports, p.tests...) {
			below, ok := within("host", imp)
			switch {
			case !strings.HasPrefix(imp, "kevlar"), imp == p.path, ok && layer(below) < layer(name):
			case slices.Contains(fromKernel[p.path], imp):
			default:
				t.Errorf("%s imports %s, which is not below it", p.path, imp)
			}
		}
	}
}

// suiteDriver is what suites share.
const suiteDriver = "kevlar/suites/driver"

// TestNobodyImportsCommands has the command, and the suites that start it, be used by nobody; they use the
// host's packages, what suites share, and not the kernel's.
func TestNobodyImportsCommands(t *testing.T) {
	for _, p := range list(t) {
		_, command := within("cmd", p.path)
		_, suite := within("suites", p.path)
		for _, imp := range append(p.imports, p.tests...) {
			_, ofCommand := within("cmd", imp)
			_, ofSuite := within("suites", imp)
			_, ofKernel := within("kernel", imp)
			if (ofCommand || ofSuite) && imp != p.path && !(suite && imp == suiteDriver) {
				t.Errorf("%s imports %s, which is a program", p.path, imp)
			}
			if ofKernel && (command || suite) && !slices.Contains(fromKernel[p.path], imp) {
				t.Errorf("%s imports %s, which is the guest's", p.path, imp)
			}
			if imp == "kevlar" && !command {
				t.Errorf("%s imports the sources", p.path)
			}
		}
	}
}

func TestModulesStayWhereTheyAreUsed(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.imports {
			for module, users := range modules {
				if strings.HasPrefix(imp+"/", module+"/") && !slices.Contains(users, p.path) {
					t.Errorf("%s imports %s", p.path, imp)
				}
			}
		}
	}
}
