// Package filetree holds a root file system in memory: files by path, with owners, modes and devices
// that need not be those of the host's file system.
package filetree

import (
	"iter"
	"maps"
	"math"
	"path"
	"slices"
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
	Time         uint32 // of the last modification, in seconds since 1970; 0 if there is none to tell
	Data         []byte
}

// Type returns the type bits of the mode.
func (e Entry) Type() uint32 { return e.Mode & TypeMask }

// Seconds returns a time of a file, as it is in Entry.Time: what an archive cannot hold becomes the nearest
// that it can.
func Seconds(unix int64) uint32 { return uint32(max(0, min(unix, math.MaxUint32))) }

// Tree is a set of files by path. Paths are clean and relative to the root ("etc/passwd"). Every
// file but those at the top has a folder above it. The zero value is not usable; see New.
type Tree struct {
	files map[string]*file
}

// file is what one or several names stand for.
type file struct {
	Entry
	implied bool // a folder that nobody described: it was made for a file below it
	holds   int  // of a folder: how many names are directly in it
}

// New returns an empty tree.
func New() *Tree { return &Tree{files: map[string]*file{}} }

// Add puts a file into the tree in place of what was there. Folders above it that are missing are
// made, owned by root with mode 755. A leading slash is ignored. Names of foreign origin are for
// Insert.
func (t *Tree) Add(name string, e Entry) {
	if name = clean(name); name != "" {
		t.put(name, &file{Entry: e})
	}
}

// clean makes a path relative to the root. That of the root itself is empty.
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// newFolder is a folder that nobody described.
func newFolder() *file { return &file{Entry: Entry{Mode: Dir | 0o755}, implied: true} }

// put puts a file at a clean path and makes the folders above it that are missing.
func (t *Tree) put(name string, f *file) {
	if old, ok := t.files[name]; ok {
		f.holds = old.holds
		t.files[name] = f
		return
	}
	t.files[name] = f
	dir := path.Dir(name)
	if dir == "." {
		return
	}
	if _, ok := t.files[dir]; !ok {
		t.put(dir, newFolder())
	}
	t.files[dir].holds++
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

// Date gives a time to the files that have none.
func (t *Tree) Date(seconds uint32) {
	for _, f := range t.files {
		if f.Time == 0 {
			f.Time = seconds
		}
	}
}

// Lookup returns the file at a path. It follows no links.
func (t *Tree) Lookup(name string) (Entry, bool) {
	f, ok := t.files[clean(name)]
	if !ok {
		return Entry{}, false
	}
	return f.Entry, true
}

// Paths returns all paths, folders before what they hold.
func (t *Tree) Paths() []string { return slices.Sorted(maps.Keys(t.files)) }

// A Name is one of the names in a tree.
type Name struct {
	Path  string
	First string // the first path of the same file: another one than Path if this is a further hard link
	Links int    // how many names the file has
	// Implied tells of a folder that nobody described: it came about by a file below it.
	Implied bool
	Entry
}

// All goes through all names in the order of Paths.
func (t *Tree) All() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		paths := t.Paths()
		links := map[*file]int{}
		first := map[*file]string{}
		for _, name := range paths {
			f := t.files[name]
			if links[f]++; links[f] == 1 {
				first[f] = name
			}
		}
		for _, name := range paths {
			f := t.files[name]
			if !yield(Name{name, first[f], links[f], f.implied, f.Entry}) {
				return
			}
		}
	}
}
