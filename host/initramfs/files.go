package initramfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"kevlar/host/initramfs/compile"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/store"
)

// digest returns what tells the content of a file of the manifest from others.
func (p *planner) digest(f *manifest.File) (string, error) {
	if f.Text == nil && p.manifest.Embedded == nil {
		k, err := p.builder.digests.File(p.manifest.SourcePath(f.Source))
		return k.String(), sourceError(f.Source, err)
	}
	data, err := p.reader(f)()
	return store.Digest(data).String(), err
}

// reader returns a function that reads the content of a file of the manifest.
func (p *planner) reader(f *manifest.File) func() ([]byte, error) {
	m := p.manifest
	return func() ([]byte, error) {
		var data []byte
		var err error
		switch {
		case f.Text != nil:
			return []byte(*f.Text), nil
		case m.Embedded != nil:
			data, err = fs.ReadFile(m.Embedded, f.Source)
		default:
			data, err = os.ReadFile(m.SourcePath(f.Source))
		}
		return data, sourceError(f.Source, err)
	}
}

// sourceError makes the error of a source name it as the manifest does.
func sourceError(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied", name)
	}
	return err
}

// folder plans a copy of a folder of the host.
func (p *planner) folder(f *manifest.Folder) {
	dir := p.manifest.SourcePath(f.Source)
	skip := func(name string) bool {
		for _, pattern := range f.Skip {
			if ok, _ := path.Match(pattern, path.Base(filepath.ToSlash(name))); ok {
				return true
			}
		}
		return false
	}
	q := &part{}
	*q = part{
		inputs: func(context.Context) ([]compile.Input, bool, error) {
			list, err := p.builder.folderInputs(dir, f.Times, skip)
			return list, true, sourceError(f.Source, err)
		},
		add: func(_ context.Context, t *filetree.Tree, _ []byte) error {
			if err := t.AddFS(f.Path, dir, f.Times, skip); err != nil {
				return sourceError(f.Source, err)
			}
			after, err := p.builder.folderInputs(dir, f.Times, skip)
			if err == nil && difference(q.needs, after) != "" {
				err = fmt.Errorf("%s: changes while it is read", f.Source)
			}
			return err
		},
	}
	p.add(f.At, f.Source+"/", placeOf{Path: f.Path}, q)
}

// folderInputs lists what filetree.Tree.AddFS takes from a folder.
func (b *Builder) folderInputs(dir string, times bool, skip func(string) bool) (list []compile.Input, err error) {
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if name != "." && skip(name) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		in := compile.Input{Name: "file " + name}
		switch d.Type() {
		case fs.ModeDir:
			in.Value = "folder"
		case fs.ModeSymlink:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			in.Value = "link to " + target
		default:
			info, err := d.Info()
			if err != nil {
				return err
			}
			digest, err := b.digests.File(file)
			if err != nil {
				return err
			}
			in.Value = fmt.Sprintf("%v %v", info.Mode()&0o100 != 0, digest)
		}
		if times {
			info, err := d.Info()
			if err != nil {
				return err
			}
			in.Value += fmt.Sprint(" of ", info.ModTime().Unix())
		}
		list = append(list, in)
		return nil
	})
	return list, err
}
