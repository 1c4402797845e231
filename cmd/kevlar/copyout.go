package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"kevlar/host/initramfs"
	"kevlar/host/initramfs/filetree"
)

// A copyOut is a value of --copy-out.
type copyOut struct {
	from string // absolute path in the guest
	to   string // path of the host
}

// copyOuts takes values of --copy-out apart.
func copyOuts(list []string) (outs []copyOut, err error) {
	for _, word := range list {
		from, to, _ := strings.Cut(word, ":")
		if !path.IsAbs(from) || path.Clean(from) == "/" || to == "" {
			return nil, fmt.Errorf("--copy-out %q: GUEST:HOST, an absolute path in the guest and a path of the host", word)
		}
		if _, err := os.Stat(filepath.Dir(to)); err != nil {
			return nil, plainError(err)
		}
		outs = append(outs, copyOut{path.Clean(from), to})
	}
	return outs, nil
}

// taken is what a guest gives. It ends the run of one that gives too much.
type taken struct{ bytes.Buffer }

func (t *taken) Write(p []byte) (int, error) {
	if t.Len()+len(p) > initramfs.RootLimit {
		return 0, errors.New("--copy-out: the guest gives too much")
	}
	return t.Buffer.Write(p)
}

// unpack writes what the guest gave to where it is wanted. A file or folder replaces one of its name, a
// folder that is there gets it inside.
func (t *taken) unpack(outs []copyOut) error {
	tree, err := filetree.ReadTar(&t.Buffer, initramfs.RootLimit)
	if err != nil {
		return fmt.Errorf("--copy-out: what the guest gave: %w", err)
	}
	for _, out := range outs {
		if err := out.write(tree); err != nil {
			return plainError(err)
		}
	}
	return nil
}

func (out copyOut) write(tree *filetree.Tree) error {
	if _, ok := tree.Lookup(out.from); !ok {
		return fmt.Errorf("--copy-out: there is no %s in the guest", out.from)
	}
	to := out.to
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, path.Base(out.from))
	}
	// Nothing that a guest gives leads out of this folder.
	root, err := os.OpenRoot(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer root.Close()
	for f := range tree.All() {
		if rest, ok := strings.CutPrefix("/"+f.Path, out.from); ok && (rest == "" || rest[0] == '/') {
			if err := writeTaken(root, filepath.Base(to)+rest, f.Entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeTaken writes a file, a folder or a link, and nothing else that there may be.
func writeTaken(root *os.Root, name string, e filetree.Entry) error {
	perm := os.FileMode(e.Mode & 0o777)
	at := time.Unix(int64(e.Time), 0)
	switch e.Type() {
	case filetree.Dir:
		return root.MkdirAll(name, perm|0o700)
	case filetree.Symlink:
		root.Remove(name)
		return root.Symlink(string(e.Data), name)
	case filetree.Regular:
		root.Remove(name) // which may be a link, or not to be written
		if err := root.WriteFile(name, e.Data, perm); err != nil {
			return err
		}
		return root.Chtimes(name, at, at)
	}
	return nil
}
