package filetree

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Limits of Linux on names, in bytes: NAME_MAX, and PATH_MAX without the byte that ends a string.
const (
	maxName = 255
	maxPath = 4095
)

// maxLinks is how many symbolic links Linux follows on the way to a file; see path_resolution(7).
// MaxSteps bounds how many folders may be passed on the way, so that no archive takes forever.
const (
	maxLinks = 40
	maxSteps = 4096
)

// Insert puts a file of foreign origin into the tree in place of what was there. The name must be
// relative, must not be empty or the root itself, and must not climb with "..". Symbolic links to
// folders, on the way or as the name of a folder, are followed inside the tree, as they would be
// after a chroot. A folder that is there already keeps what it holds; one that holds something gives
// way to nothing but a folder.
func (t *Tree) Insert(name string, e Entry) error {
	where, err := t.place(name)
	if err != nil {
		return err
	}
	return t.insert(name, where, &file{Entry: e})
}

// HardLink makes name another name of the file target, which must be there and not be a folder. What
// holds for the names of Insert holds for both.
func (t *Tree) HardLink(name, target string) error {
	from, err := t.place(target)
	if err != nil {
		return fmt.Errorf("%s: a hard link to %w", name, err)
	}
	f, ok := t.files[from]
	switch {
	case !ok:
		return fmt.Errorf("%s: a hard link to %s, which is not there", name, target)
	case f.Type() == Dir:
		return fmt.Errorf("%s: a hard link to the folder %s", name, target)
	}
	where, err := t.place(name)
	if err != nil {
		return err
	}
	return t.insert(name, where, f)
}

// Merge puts the files of another tree into this one: they replace what is there, folders are merged.
// Where both have a folder the other's owner and mode count, unless it only came about by a file
// below it.
func (t *Tree) Merge(other *Tree) error {
	copies := map[*file]*file{} // names of one file stay names of one file
	for _, name := range other.Paths() {
		f := other.files[name]
		c, ok := copies[f]
		if !ok {
			c = &file{Entry: f.Entry, implied: f.implied}
			copies[f] = c
		}
		where, err := t.place(name)
		if err != nil {
			return err
		}
		if err := t.insert(name, where, c); err != nil {
			return err
		}
	}
	return nil
}

// insert puts a file at a place that was found for the name.
func (t *Tree) insert(name, where string, f *file) error {
	old, ok := t.files[where]
	if ok && old.Type() == Symlink && f.Type() == Dir {
		if folder, err := t.follow(where); err == nil {
			where = folder
			old, ok = t.files[where]
		}
	}
	switch {
	case where == "": // a link to the root, which is a folder
	case ok && old.Type() == Dir && f.Type() == Dir && f.implied:
	case ok && old.Type() == Dir && f.Type() != Dir && old.holds > 0:
		return fmt.Errorf("%s: would take the place of a folder that is not empty", name)
	default:
		t.put(where, f)
	}
	return nil
}

// place returns the path at which a file of that name is: the links on the way are followed, one at
// its end is not.
func (t *Tree) place(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	name = path.Clean(name)
	dir, base := path.Split(name)
	folder, err := t.follow(dir)
	if err != nil {
		return "", fmt.Errorf("%s: %v", name, err)
	}
	where := path.Join(folder, base)
	if len(where) > maxPath {
		return "", fmt.Errorf("%s: the name is too long", name)
	}
	return where, nil
}

// checkName says why a name of foreign origin is not one of a file below the root.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a file without a name")
	case len(name) > maxPath:
		return fmt.Errorf("%s...: the name is too long", name[:40])
	case name[0] == '/':
		return fmt.Errorf("%s: an absolute path", name)
	case strings.IndexByte(name, 0) >= 0:
		return fmt.Errorf("%q: a zero byte in a name", name)
	case path.Clean(name) == ".":
		return fmt.Errorf("%s: the root itself", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return fmt.Errorf("%s: a path that climbs with ..", name)
		}
		if len(part) > maxName {
			return fmt.Errorf("%s...: the name is too long", part[:40])
		}
	}
	return nil
}

// follow returns the path of the folder that name stands for when its links are followed, with the
// tree as the root of everything; the root itself is "". What is missing counts as a folder that is
// yet to be made.
func (t *Tree) follow(name string) (string, error) {
	name = clean(name)
	if f, ok := t.files[name]; name == "" || ok && f.Type() == Dir {
		return name, nil // there are no links above a file in a tree
	}
	at := ""
	rest := strings.Split(name, "/")
	links, steps := 0, 0
	for len(rest) > 0 {
		if steps++; steps > maxSteps {
			return "", errors.New("too many folders on the way")
		}
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." { // of a link's target
			at = clean(path.Dir(at))
			continue
		}
		next := path.Join(at, part)
		f, ok := t.files[next]
		switch {
		case ok && f.Type() == Symlink:
			if links++; links > maxLinks {
				return "", fmt.Errorf("too many links at %s", next)
			}
			target := string(f.Data)
			if strings.HasPrefix(target, "/") {
				at = ""
			}
			rest = append(strings.Split(target, "/"), rest...)
		case ok && f.Type() != Dir:
			return "", fmt.Errorf("%s is not a folder", next)
		default:
			at = next
		}
	}
	return at, nil
}

// Resolve returns the path and the file that a name leads to when all links are followed, with the tree
// as the root of everything.
func (t *Tree) Resolve(name string) (string, Entry, bool) {
	name = clean(name)
	for range maxLinks {
		folder, err := t.follow(path.Dir(name))
		if err != nil {
			return "", Entry{}, false
		}
		where := path.Join(folder, path.Base(name))
		f, ok := t.files[where]
		if !ok {
			return "", Entry{}, false
		}
		if f.Type() != Symlink {
			return where, f.Entry, true
		}
		if target := string(f.Data); path.IsAbs(target) {
			name = clean(target)
		} else {
			name = clean(path.Join("/", folder, target))
		}
	}
	return "", Entry{}, false
}
