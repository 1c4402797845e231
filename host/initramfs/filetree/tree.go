// Package filetree holds a root file system in memory: files by path, with owners, modes and devices
// that need not be those of the host's file system.
package filetree

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// File types of Entry.Mode, as in inode(7).
const (
	TypeMask = 0o170000
	Regular  = 0o100000
	Dir      = 0o040000
	Symlink  = 0o120000
	CharDev  = 0o020000
	BlockDev = 0o060000
	FIFO     = 0o010000
)

// Entry is a file. Data is the content of a regular file or the target of a symbolic link.
type Entry struct {
	Mode         uint32 // type and permission bits, as in inode(7)
	UID, GID     uint32
	Major, Minor uint32 // of a device
	Data         []byte
}

// Tree is a set of files by path. Paths are clean and relative to the root ("etc/passwd"). Every
// file but those at the top has a folder above it. The zero value is not usable; see New.
type Tree struct {
	entries map[string]Entry
}

// New returns an empty tree.
func New() *Tree { return &Tree{entries: map[string]Entry{}} }

// Add puts a file into the tree in place of what was there. Folders above it that are missing are
// made, owned by root with mode 755. A leading slash is ignored.
func (t *Tree) Add(name string, e Entry) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := t.entries[dir]; !ok {
			t.entries[dir] = Entry{Mode: Dir | 0o755}
		}
	}
	t.entries[name] = e
}

// File adds a regular file owned by root.
func (t *Tree) File(name string, perm uint32, data []byte) {
	t.Add(name, Entry{Mode: Regular | perm, Data: data})
}

// Dir adds a folder owned by root.
func (t *Tree) Dir(name string, perm uint32) { t.Add(name, Entry{Mode: Dir | perm}) }

// Link adds a symbolic link owned by root.
func (t *Tree) Link(name, target string) {
	t.Add(name, Entry{Mode: Symlink | 0o777, Data: []byte(target)})
}

// Device adds a character device owned by root.
func (t *Tree) Device(name string, perm, major, minor uint32) {
	t.Add(name, Entry{Mode: CharDev | perm, Major: major, Minor: minor})
}

// Lookup returns the file at a path.
func (t *Tree) Lookup(name string) (Entry, bool) {
	e, ok := t.entries[strings.TrimPrefix(path.Clean("/"+name), "/")]
	return e, ok
}

// Paths returns all paths, folders before what they hold.
func (t *Tree) Paths() []string {
	list := make([]string, 0, len(t.entries))
	for name := range t.entries {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// AddFS copies a folder of the host into the tree below prefix: regular files, folders and symbolic
// links, owned by root. Of the permissions only the owner's execute bit is kept, so that the host's
// umask makes no difference. Skip, if not nil, leaves out paths relative to dir.
func (t *Tree) AddFS(prefix, dir string, skip func(name string) bool) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if skip != nil && rel != "." && skip(rel) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		name := path.Join(prefix, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			t.Dir(name, 0o755)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			t.Link(name, target)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			perm := uint32(0o644)
			if info.Mode()&0o100 != 0 {
				perm = 0o755
			}
			t.File(name, perm, data)
		default:
			return fmt.Errorf("%s: neither a file nor a folder nor a link", file)
		}
		return nil
	})
}
