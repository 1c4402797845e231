package initramfs

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// A Root is the archive of a root file system that was made elsewhere.
type Root struct {
	Data []byte
	Init string // the path of its own first process, "" if it has none
}

// inits are where distributions have their first process, in the order in which it is looked for.
var inits = []string{"init", "sbin/init", "etc/init", "bin/init"}

// containers are the files that say that a tree is a container's. What is called init there was never
// meant to run: processes start in a container one by one.
var containers = []string{".dockerenv", "run/.containerenv"}

// RootLimit is how large the files of a root file system may be together, in bytes. They are all in memory,
// and monitors load no larger archive into a machine.
const RootLimit = 2 << 30

// FromRoot makes an archive of an existing root file system: a folder, such as debootstrap(8) makes, or
// a tar archive, such as "docker export" writes. Owners, modes and devices are as they are there. A
// console device that is missing is added, since the first process would have no standard streams; where
// a container has an empty file for it, too.
func FromRoot(path string) (*Root, error) {
	tree, err := readRoot(path)
	if err != nil {
		return nil, err
	}
	if e, ok := tree.Lookup("dev/console"); !ok || e.Type() != filetree.CharDev {
		console := filetree.Entry{Mode: filetree.CharDev | 0o600, Major: 5, Minor: 1}
		if err := tree.Insert("dev/console", console); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if name, machine, ok := foreign(tree); ok {
		return nil, fmt.Errorf("%s: its programs are for another processor than x86-64: %s is for %s", path, name, machine)
	}
	r := &Root{Init: findInit(tree)}
	r.Data, err = cpio.Encode(tree)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// foreign looks at a program that a tree is likely to have, and returns what it is for if that is not the
// machine.
func foreign(tree *filetree.Tree) (name, machine string, ok bool) {
	for _, name := range append([]string{"bin/sh", "bin/busybox"}, inits...) {
		_, e, ok := tree.Resolve(name)
		if !ok {
			continue
		}
		if f, err := elf.NewFile(bytes.NewReader(e.Data)); err == nil {
			return "/" + name, strings.TrimPrefix(f.Machine.String(), "EM_"), f.Machine != elf.EM_X86_64
		}
	}
	return "", "", false
}

// findInit returns the path of a tree's own first process, or "".
func findInit(tree *filetree.Tree) string {
	for _, name := range containers {
		if _, ok := tree.Lookup(name); ok {
			return ""
		}
	}
	for _, name := range inits {
		if _, e, ok := tree.Resolve(name); ok && e.Type() == filetree.Regular && e.Mode&0o111 != 0 {
			return "/" + name
		}
	}
	return ""
}

func readRoot(path string) (*filetree.Tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, rootError(path, err)
	}
	if info.IsDir() {
		tree, err := filetree.ReadDir(path, RootLimit)
		return tree, rootError(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, rootError(path, err)
	}
	defer f.Close()
	tree, err := filetree.ReadTar(f, RootLimit)
	return tree, rootError(path, err)
}

// rootError names the tree once in the error.
func rootError(path string, err error) error {
	pe, ok := errors.AsType[*os.PathError](err)
	switch {
	case err == nil:
		return nil
	case ok && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied; root can read all of a tree, and so can whoever has it as a tar archive", pe.Path)
	case ok:
		return fmt.Errorf("%s: %v", pe.Path, pe.Err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
