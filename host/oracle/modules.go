package oracle

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kevlar/host/initramfs/filetree"
)

// VirtioSerial are the modules that give Linux virtio-serial ports, on PCI and on MMIO.
var VirtioSerial = []string{"virtio_pci", "virtio_mmio", "virtio_console"}

// Module is a kernel module.
type Module struct {
	Name string // with underscores
	Data []byte
}

// Load reads modules by name, and those that they depend on, in an order in which they can be
// loaded.
func (k *Kernel) Load(names ...string) ([]Module, error) {
	paths := map[string]string{}
	err := filepath.WalkDir(k.Modules, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok && err == nil {
			paths[canonical(name)] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []Module
	seen := map[string]bool{}
	var load func(name string) error
	load = func(name string) error {
		name = canonical(name)
		if seen[name] {
			return nil
		}
		seen[name] = true
		path, ok := paths[name]
		if !ok {
			return fmt.Errorf("%s: no module %s", k.Modules, name)
		}
		needs, err := dependencies(path)
		if err != nil {
			return fmt.Errorf("%s: %v", path, err)
		}
		for _, need := range needs {
			if err := load(need); err != nil {
				return err
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		list = append(list, Module{name, data})
		return nil
	}
	for _, name := range names {
		if err := load(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Overlay returns the tree that makes init load the modules, in the order of the list.
func Overlay(modules []Module) *filetree.Tree {
	tree := filetree.New()
	for i, m := range modules {
		tree.File(fmt.Sprintf("kevlar/modules/%02d-%s.ko", i, m.Name), 0o644, m.Data)
	}
	return tree
}

// canonical turns a module's name into the form that the kernel uses.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

// dependencies reads the names of the modules that a module needs from its .modinfo section.
func dependencies(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo section")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, field := range strings.Split(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok {
			return strings.FieldsFunc(list, func(r rune) bool { return r == ',' }), nil
		}
	}
	return nil, nil
}
