package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kevlar/host/initramfs/filetree"
)

// install makes a tree of what the recipe wants of the built files.
func (b *build) install() (*filetree.Tree, error) {
	sources, err := os.OpenRoot(b.source) // which no link leaves
	if err != nil {
		return nil, err
	}
	defer sources.Close()
	tree := filetree.New()
	for _, i := range b.recipe.Install {
		if err := b.installOne(tree, sources, i); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

func (b *build) installOne(tree *filetree.Tree, sources *os.Root, i Install) error {
	info, err := sources.Stat(i.From)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("install from %q: the build has not made it", i.From)
	case err != nil:
		return fmt.Errorf("install from %q: %w", i.From, err)
	}
	to := strings.TrimPrefix(i.To, "/")
	if info.IsDir() {
		if i.Mode != 0 {
			return fmt.Errorf("install from %q: a folder's files have modes of their own", i.From)
		}
		err = tree.AddFS(to, filepath.Join(b.source, i.From), false, nil)
	} else {
		var data []byte
		mode := i.Mode
		if mode == 0 {
			mode = 0o755
		}
		if data, err = sources.ReadFile(i.From); err == nil {
			err = tree.Insert(to, filetree.Entry{Mode: filetree.Regular | mode, Data: data})
		}
	}
	for _, link := range i.Links {
		if err != nil {
			break
		}
		err = tree.Insert(strings.TrimPrefix(link, "/"), filetree.Entry{Mode: filetree.Symlink | 0o777, Data: []byte("/" + to)})
	}
	return err
}
