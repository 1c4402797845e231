// Package dev is /dev: the file system devtmpfs, which the kernel fills with
// the nodes of its devices, and those devices that are no hardware.
package dev

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// The one instance of devtmpfs, whose contents every mount shows.
var instance struct {
	once  sync.Once
	super *vfs.Super
	fs    *vfs.FSContext // for the kernel's own operations
	root  vfs.Path
	err   error
}

// Type is devtmpfs for mount(2).
type Type struct{}

// Name returns "devtmpfs".
func (Type) Name() string { return "devtmpfs" }

// Mount returns the one instance; options change it.
func (Type) Mount(_ vfs.Caller, source, data string, flags int) (*vfs.Super, error) {
	if err := open(); err != nil {
		return nil, err
	}
	if data != "" {
		if err := instance.super.Remount(data); err != nil {
			return nil, err
		}
	}
	return instance.super, nil
}

func init() { vfs.RegisterFS(Type{}) }

// open makes the instance and fills it, once.
func open() error {
	instance.once.Do(func() { instance.err = fill() })
	return instance.err
}

func fill() error {
	s, err := tmpfs.New(tmpfs.Options{FSType: "devtmpfs", Mode: 0o755})
	if err != nil {
		return err
	}
	root, err := vfs.NewKernelMount(s)
	if err != nil {
		return err
	}
	instance.super, instance.root = s, root
	instance.fs = vfs.NewFSContext(root)
	for _, n := range []struct {
		name         string
		mode         uint32
		major, minor uint32
	}{
		{"null", 0o666, memMajor, nullMinor},
		{"zero", 0o666, memMajor, zeroMinor},
		{"full", 0o666, memMajor, fullMinor},
		{"random", 0o666, memMajor, randomMinor},
		{"urandom", 0o666, memMajor, urandomMinor},
		{"kmsg", 0o644, memMajor, kmsgMinor},
		{"tty", 0o666, ttyMajor, ttyMinor},
		{"console", 0o600, ttyMajor, consoleMinor},
		{"ptmx", 0o666, ttyMajor, ptmxMinor},
	} {
		if err := addNode(n.name, abi.S_IFCHR|n.mode, abi.MakeDev(n.major, n.minor)); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		name string
		mode uint32
	}{{"pts", 0o755}, {"shm", 0o1777}} {
		if err := addDir(d.name, d.mode); err != nil {
			return err
		}
	}
	for _, l := range [][2]string{
		{"fd", "/proc/self/fd"},
		{"stdin", "fd/0"},
		{"stdout", "fd/1"},
		{"stderr", "fd/2"},
	} {
		if err := vfs.SymlinkAt(vfs.Kernel, instance.fs, l[1], root, l[0]); err != nil {
			return err
		}
	}
	return nil
}

// RegisterNode makes the node of a device appear in /dev, with the
// directories that its name needs. mode includes the type, S_IFCHR or
// S_IFBLK. The driver has been registered with package vfs.
func RegisterNode(name string, mode uint32, rdev uint64) error {
	if err := open(); err != nil {
		return err
	}
	return addNode(name, mode, rdev)
}

// RemoveNode takes the node of a device away.
func RemoveNode(name string) error {
	if err := open(); err != nil {
		return err
	}
	return vfs.UnlinkAt(vfs.Kernel, instance.fs, instance.root, name)
}

// RegisterLink makes a symbolic link appear in /dev.
func RegisterLink(name, target string) error {
	if err := open(); err != nil {
		return err
	}
	if err := addParents(name); err != nil {
		return err
	}
	return vfs.SymlinkAt(vfs.Kernel, instance.fs, target, instance.root, name)
}

func addNode(name string, mode uint32, rdev uint64) error {
	if err := addParents(name); err != nil {
		return err
	}
	return vfs.MknodAt(vfs.Kernel, instance.fs, instance.root, name, mode, rdev)
}

func addParents(name string) error {
	for i := range len(name) {
		if name[i] == '/' {
			if err := addDir(name[:i], 0o755); err != nil && err != abi.EEXIST {
				return err
			}
		}
	}
	return nil
}

func addDir(name string, mode uint32) error {
	return vfs.MkdirAt(vfs.Kernel, instance.fs, instance.root, name, mode)
}

// OpenConsole opens /dev/console for reading and writing, whether devtmpfs is
// mounted or not: what process 1 finds on its descriptors.
func OpenConsole() (*vfs.File, error) {
	if err := open(); err != nil {
		return nil, err
	}
	return vfs.OpenAt(vfs.Kernel, instance.fs, instance.root, "console", abi.O_RDWR, 0)
}
