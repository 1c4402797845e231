package filetree

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// AddFS copies a folder of the host into the tree below prefix: regular files, folders and symbolic
// links, owned by root. Of the permissions only the owner's execute bit is kept, so that the host's
// umask makes no difference, and of the times nothing unless they are asked for. The files come into the tree as those of Merge do; folders that are there
// already stay what they are. Skip, if not nil, leaves out paths relative to dir.
func (t *Tree) AddFS(prefix, dir string, times bool, skip func(name string) bool) error {
	copied := New()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
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
		info, err := d.Info()
		if err != nil {
			return err
		}
		f, err := copyOf(file, info)
		if err != nil {
			return err
		}
		if times {
			f.Time = Seconds(info.ModTime().Unix())
		}
		if name := clean(path.Join(prefix, filepath.ToSlash(rel))); name != "" {
			copied.put(name, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.Merge(copied)
}

// copyOf returns what AddFS makes of a file.
func copyOf(name string, info fs.FileInfo) (*file, error) {
	switch {
	case info.IsDir():
		return newFolder(), nil
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := os.Readlink(name)
		return &file{Entry: Entry{Mode: Symlink | 0o777, Data: []byte(target)}}, err
	case info.Mode().IsRegular():
		perm := uint32(0o644)
		if info.Mode()&0o100 != 0 {
			perm = 0o755
		}
		data, err := os.ReadFile(name)
		return &file{Entry: Entry{Mode: Regular | perm, Data: data}}, err
	}
	return nil, fmt.Errorf("%s: neither a file nor a folder nor a link", name)
}

// ReadDir reads a root file system from a folder of the host, with the owners, modes, times, devices and
// hard links that it has there. Sockets are left out, and so is what is in folders that something is mounted on.
//
// Limit bounds the bytes of all files together.
func ReadDir(dir string, limit int64) (*Tree, error) {
	t := New()
	var root unix.Stat_t
	if err := unix.Stat(dir, &root); err != nil {
		return nil, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	// Of files with several names, by what the file system knows them by. Files have other devices than
	// folders have where layers of other file systems show through, as in an overlay.
	first := map[[2]uint64]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(file, &st); err != nil {
			return &os.PathError{Op: "lstat", Path: file, Err: err}
		}
		if d.IsDir() && st.Dev != root.Dev {
			t.Add(name, Entry{Mode: Dir | 0o755}) // where something is mounted
			return filepath.SkipDir
		}
		e := Entry{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Time: Seconds(st.Mtim.Sec)}
		switch e.Type() {
		case Regular:
			if st.Nlink > 1 {
				id := [2]uint64{st.Dev, st.Ino}
				if other, ok := first[id]; ok {
					return t.HardLink(name, other)
				}
				first[id] = name
			}
			if limit -= st.Size; limit < 0 {
				return fmt.Errorf("%s: the folder's files are too large together", name)
			}
			e.Data, err = os.ReadFile(file)
		case Symlink:
			var target string
			target, err = os.Readlink(file)
			e.Data = []byte(target)
		case CharDev, BlockDev:
			e.Major, e.Minor = unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
		case Dir, FIFO:
		default:
			return nil // a socket
		}
		if err != nil {
			return err
		}
		t.Add(name, e)
		return nil
	})
	return t, err
}
