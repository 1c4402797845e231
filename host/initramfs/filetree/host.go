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

// ReadDir reads a root file system from a folder of the host, with the owners, modes, devices and hard
// links that it has there. Sockets are left out, and so is what is mounted below the folder.
func ReadDir(dir string) (*Tree, error) {
	t := New()
	var root unix.Stat_t
	if err := unix.Stat(dir, &root); err != nil {
		return nil, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	first := map[uint64]string{} // of files with several names, by inode number
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
		if st.Dev != root.Dev {
			if d.IsDir() {
				t.Add(name, Entry{Mode: Dir | 0o755}) // where something is mounted
				return filepath.SkipDir
			}
			return nil
		}
		e := Entry{Mode: st.Mode, UID: st.Uid, GID: st.Gid}
		switch e.Type() {
		case Regular:
			if st.Nlink > 1 {
				if other, ok := first[st.Ino]; ok {
					return t.HardLink(name, other)
				}
				first[st.Ino] = name
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
