package rootfs

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages/source"
	"kevlar/host/progress"
)

var all = []string{"busybox", "bash", "dropbear", "curl"}

func TestRecipes(t *testing.T) {
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("takes long; run: kevlar test rootfs")
	}
	names := strings.Fields(os.Getenv("RECIPES"))
	switch {
	case len(names) == 0:
		names = all[:1]
	case names[0] == "all":
		names = all
	}
	lists := t.TempDir()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			tree := build(t, lists, name)
			checkStatic(t, tree)
			if name == "busybox" {
				boot(t, kevlar, tree)
			}
		})
	}
}

// build builds what the recipe of that name makes.
func build(t *testing.T, lists, name string) *filetree.Tree {
	t.Helper()
	recipe, err := source.Shipped(name)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := source.New(source.Config{
		Dir: lists, Recipes: []source.Recipe{recipe}, Compiler: "the host's", Report: progress.New(os.Stderr, true),
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := provider.Resolve(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := provider.Fetch(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checkStatic sees to it that there is a program in the tree, and that all ask for no interpreter.
func checkStatic(t *testing.T, tree *filetree.Tree) {
	t.Helper()
	programs := 0
	for n := range tree.All() {
		if n.Type() != filetree.Regular || !bytes.HasPrefix(n.Data, []byte(elf.ELFMAG)) {
			continue
		}
		programs++
		f, err := elf.NewFile(bytes.NewReader(n.Data))
		if err != nil {
			t.Errorf("/%s: %v", n.Path, err)
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("/%s is linked dynamically", n.Path)
			}
		}
	}
	if programs == 0 {
		t.Errorf("there is no program among %q", tree.Paths())
	}
}

// boot boots the BusyBox of a tree, which makes a tour of its applets.
func boot(t *testing.T, kevlar string, tree *filetree.Tree) {
	t.Helper()
	const init = `#!/bin/sh
seq 3 | sort -r | tr '\n' ' '
echo "$((6 * 7)) pid $$"
sleep 1 # the UART sends
poweroff -f
`
	tree.File("init", 0o755, []byte(init))
	tree.Device("dev/console", 0o600, 5, 1)
	data, err := cpio.Encode(tree)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.cpio")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"run", "--timeout", "2m", "--initramfs", file}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	out, err := exec.Command(kevlar, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "3 2 1 42 pid 1") {
		t.Errorf("booted: %v, %.2000q", err, out)
	}
}
