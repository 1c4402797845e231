// Package sys is the sysfs file system: the devices of the machine and what
// they are attached to, one value a file. sysfs(5).
package sys

import (
	"bytes"
	"fmt"
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// An FS is the file system. There is one, mounted as often as anyone likes.
type FS struct {
	super   *vfs.Super
	numbers pseudo.Numberer
	root    *pseudo.Dir
	changes pseudo.Deferred // of the tree
}

// attributeSize is the size that stat(2) shows of every attribute.
const attributeSize = 4096

// New returns the file system with the directories that are always there.
func New() *FS {
	fs := &FS{}
	fs.super = &vfs.Super{
		Medium: vfs.Memory,
		Dev:    vfs.NewDev(),
		FSType: "sysfs",
		Source: "sysfs",
		// Devices come and go.
		NoCache: true,
		StatFS: func() abi.Statfs {
			return abi.Statfs{Type: abi.SYSFS_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: 255}
		},
	}
	fs.root = pseudo.NewDir(fs.node(abi.S_IFDIR | 0o555))
	fs.super.Root = fs.root
	fs.changes.Do(func() {
		for _, path := range []string{"block", "bus", "class", "dev/block", "dev/char", "devices/virtual", "fs", "kernel"} {
			fs.dir(path)
		}
	})
	return fs
}

// Super returns the file system for mounting.
func (fs *FS) Super() *vfs.Super {
	fs.changes.Begin()
	return fs.super
}

// Name implements vfs.FileSystemType.
func (fs *FS) Name() string { return "sysfs" }

// Mount implements vfs.FileSystemType.
func (fs *FS) Mount(_ vfs.Caller, source, data string, flags int) (*vfs.Super, error) {
	if data != "" {
		return nil, abi.EINVAL
	}
	return fs.Super(), nil
}

func (fs *FS) node(mode uint32) pseudo.Node {
	return pseudo.NewNode(fs.super, pseudo.Attributes{Ino: fs.numbers.Next(), Mode: mode})
}

// dir returns the directory at path, made if it is not there.
func (fs *FS) dir(path string) *pseudo.Dir {
	d := fs.root
	for _, name := range strings.Split(path, "/") {
		sub, ok := d.Get(name).(*pseudo.Dir)
		if !ok {
			sub = pseudo.NewDir(fs.node(abi.S_IFDIR | 0o755))
			d.Add(name, sub)
		}
		d = sub
	}
	return d
}

// An Attribute is a file with one value.
type Attribute struct {
	Name string
	// Show returns the text without the newline at its end.
	Show func() string
}

// AddAttributes adds read-only files to the directory at path, which is made
// with its parents if it is not there.
func (fs *FS) AddAttributes(path string, list ...Attribute) {
	fs.changes.Do(func() { fs.addAttributes(fs.dir(path), list) })
}

func (fs *FS) addAttributes(d *pseudo.Dir, list []Attribute) {
	for _, a := range list {
		n := fs.node(abi.S_IFREG | 0o444)
		n.SetSize(attributeSize)
		d.Add(a.Name, pseudo.NewText(n, pseudo.View{
			Strict: true,
			Synced: true,
			Show: func(_ vfs.Caller, w *bytes.Buffer) error {
				w.WriteString(a.Show())
				w.WriteByte('\n')
				return nil
			},
		}))
	}
}

// link adds a symbolic link at path to the file at target; both are paths from
// the root of the file system.
func (fs *FS) link(path, target string) {
	up := strings.Repeat("../", strings.Count(path, "/"))
	i := strings.LastIndexByte(path, '/')
	fs.dir(path[:i]).Add(path[i+1:], pseudo.NewLink(fs.node(abi.S_IFLNK|0o777),
		func(vfs.Caller) (string, error) { return up + target, nil }))
}

// A Device is a device with a device file.
type Device struct {
	Class string // tty, mem, virtio-ports, ...
	Name  string
	Dev   uint64 // device number
	Block bool
	// Parent is the path of what it is attached to, below /sys/devices;
	// empty if it is attached to nothing.
	Parent     string
	Attributes []Attribute
}

// path returns the path of the device's directory.
func (d *Device) path() string {
	parent := d.Parent
	if parent == "" {
		parent = "virtual"
	}
	return "devices/" + parent + "/" + d.Class + "/" + d.Name
}

// number returns the path of the link by device number.
func (d *Device) number() string {
	kind := "char"
	if d.Block {
		kind = "block"
	}
	return fmt.Sprintf("dev/%s/%d:%d", kind, abi.Major(d.Dev), abi.Minor(d.Dev))
}

// AddDevice makes a device known: in /sys/devices, /sys/class and /sys/dev. It
// replaces one of the same class and name.
func (fs *FS) AddDevice(d Device) { fs.changes.Do(func() { fs.addDevice(d) }) }

func (fs *FS) addDevice(d Device) {
	major, minor := abi.Major(d.Dev), abi.Minor(d.Dev)
	path := d.path()
	dir := fs.dir(path)
	fs.addAttributes(dir, append([]Attribute{
		{"dev", func() string { return fmt.Sprintf("%d:%d", major, minor) }},
		{"uevent", func() string { return fmt.Sprintf("MAJOR=%d\nMINOR=%d\nDEVNAME=%s", major, minor, d.Name) }},
	}, d.Attributes...))
	fs.link(path+"/subsystem", "class/"+d.Class)
	fs.link("class/"+d.Class+"/"+d.Name, path)
	fs.link(d.number(), path)
}

// RemoveDevice removes what AddDevice has added.
func (fs *FS) RemoveDevice(d Device) { fs.changes.Do(func() { fs.removeDevice(d) }) }

func (fs *FS) removeDevice(d Device) {
	for _, path := range []string{d.path(), "class/" + d.Class + "/" + d.Name, d.number()} {
		i := strings.LastIndexByte(path, '/')
		fs.dir(path[:i]).Remove(path[i+1:])
	}
}
