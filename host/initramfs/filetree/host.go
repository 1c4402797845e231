package filetree

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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
