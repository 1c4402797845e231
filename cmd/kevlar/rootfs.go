package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"kevlar/host/guest"
	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/vm"
)

// A rootfs is the root file system that a machine starts with.
type rootfs struct {
	given    bool     // it was made elsewhere: it is not the default one
	own      bool     // an init of its own is process 1, not Kevlar's
	archives [][]byte // what it is made of, one added to the other
	path     string   // of the file that it is, if it is used as that is
}

// kevlarInit is the value of --init that means Kevlar's own.
const kevlarInit = "kevlar"

// rootfs returns the root file system that the flags name, once it is clear that a kernel can start from
// it. The kernel command line in the flags then names its first process.
func (f *runFlags) rootfs(argv []string) (*rootfs, error) {
	r := &rootfs{given: f.initramfs != "" || f.root != ""}
	named := strings.Contains(f.append, "rdinit=") || f.init != "" && f.init != kevlarInit
	switch {
	case f.initramfs != "" && f.root != "":
		return nil, errors.New("--initramfs and --root are two root file systems")
	case f.init != "" && !r.given:
		return nil, errors.New("--init is for the root file system of --root or --initramfs")
	case f.init != "" && strings.Contains(f.append, "rdinit="):
		return nil, errors.New("--init and rdinit= are two first processes")
	case f.init != "" && f.init != kevlarInit && !path.IsAbs(f.init):
		return nil, fmt.Errorf("--init %s: a path in the guest begins with /; %s is Kevlar's own", f.init, kevlarInit)
	case named && len(argv) > 0:
		return nil, errors.New("a COMMAND is run by Kevlar's init: give no other one")
	case !r.given:
		return r, nil
	}
	r.own = named || len(argv) == 0 && f.init == ""
	if f.init != "" && named {
		f.boot(f.init)
	}
	read := f.tree
	if f.initramfs != "" {
		read = f.archive
	}
	if err := read(r); err != nil {
		return nil, err
	}
	if !r.own {
		f.boot(initramfs.InitPath)
	}
	return r, nil
}

// boot has the kernel start another first process than /init.
func (f *runFlags) boot(init string) {
	f.append = strings.TrimSpace("rdinit=" + init + " " + f.append)
}

// archive takes the root file system from a cpio archive.
func (f *runFlags) archive(r *rootfs) error {
	init := ""
	if r.own {
		init = initOf(f.append)
	}
	if err := cpio.CheckFile(f.initramfs, init); err != nil {
		return err
	}
	if r.own {
		r.path = f.initramfs
		return nil
	}
	data, err := os.ReadFile(f.initramfs)
	r.archives = append(r.archives, data)
	return plainError(err)
}

// tree takes the root file system from a folder or a tar archive. If it has no init of its own, it is
// given Kevlar's.
func (f *runFlags) tree(r *rootfs) error {
	root, err := initramfs.FromRoot(f.root)
	if err != nil {
		return err
	}
	r.archives = append(r.archives, root.Data)
	if init := initOf(f.append); init == defaultInit {
		r.own = r.own && root.Init != ""
		if r.own && root.Init != defaultInit {
			f.boot(root.Init)
		}
	}
	if !r.own {
		return nil
	}
	if err := cpio.Check(bytes.NewReader(root.Data), initOf(f.append)); err != nil {
		return fmt.Errorf("%s: %v", f.root, err)
	}
	return nil
}

// complete adds what the root file system needs of Kevlar.
func (r *rootfs) complete(ctx context.Context, w *workplace) error {
	if r.own {
		return nil
	}
	build := func() ([]byte, error) { return initramfs.Init(ctx, w.report) }
	if !r.given {
		build = func() ([]byte, error) { return defaultRootfs(ctx, w) }
	}
	archive, err := build()
	r.archives = append(r.archives, archive)
	return err
}

// size returns the size of the archives in bytes.
func (r *rootfs) size() (n int64, err error) {
	if r.path != "" {
		info, err := os.Stat(r.path)
		if err != nil {
			return 0, plainError(err)
		}
		n = info.Size()
	}
	for _, archive := range r.archives {
		n += int64(len(archive))
	}
	return n, nil
}

// fit sees to it that the root file system fits into the machine's memory, where an archive and the files
// that are made of it are at the same time. A machine without a size of its own grows.
func (f *runFlags) fit(c *guest.Config, w *workplace, r *rootfs) error {
	const mega = 1 << 20
	size, err := r.size()
	if err != nil {
		return err
	}
	need := leastMemory[c.Kernel.Linux] + 2*size + size/16 // what the kernel knows of files
	if c.Kernel.Linux {
		need += size // it gives files no more than half of what the archive leaves
	}
	if !r.given && len(f.copies) == 0 || c.Mem >= need {
		return nil
	}
	need = (need + mega - 1) / mega
	if f.memGiven {
		return fmt.Errorf("too little memory: %s; a root file system of %dM takes at least %dM", f.mem, size/mega, need)
	}
	c.Mem = (need + 192) &^ 63 * mega
	w.report.Step("memory: %dM, for a root file system of %dM", c.Mem/mega, size/mega)
	return nil
}

// initramfs returns the archive for a machine in which the root file system's own init runs.
func (r *rootfs) initramfs() (vm.Initramfs, error) {
	if r.path != "" {
		return vm.InitramfsFile(r.path), nil
	}
	return vm.InitramfsData(r.archives...)
}

// defaultInit is what kernels start if the command line says nothing else.
const defaultInit = "/init"

// initOf returns the path of the first process, which the kernel command line may set.
func initOf(commandLine string) string {
	init := defaultInit
	for _, word := range strings.Fields(commandLine) {
		if path, ok := strings.CutPrefix(word, "rdinit="); ok {
			init = path
		}
	}
	return init
}
