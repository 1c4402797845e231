// Package cache is the folder where the host half keeps what is slow to make: the kernel image,
// the Linux kernel to compare with, compiled guest programs. Everything in it can be deleted at
// any time between runs.
package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Dir is a cache folder.
type Dir string

// Open returns the cache of the module at root, or of the user when root is "" (Kevlar is used
// outside its source tree). The folder is made if it is not there and hides itself from git.
func Open(root string) (Dir, error) {
	if root != "" {
		return create(filepath.Join(root, ".cache"))
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %v", err)
	}
	dir, err := create(filepath.Join(base, "kevlar"))
	if err != nil {
		err = fmt.Errorf("%w; XDG_CACHE_HOME can name a folder for the cache", err)
	}
	return dir, err
}

func create(path string) (Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	ignore := filepath.Join(path, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o644); err != nil {
			return "", err
		}
	}
	return Dir(path), nil
}

// Path returns the path of a cache entry. The entry need not exist.
func (d Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// Lock takes the cache's lock of that name, waiting for another process to let it go, and returns
// the function that releases it. The kernel releases it when the process dies.
func (d Dir) Lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(d.Path(name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %v", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// File returns the path of a cache entry that is a file, calling build to make it if it is not
// there. Build writes to the path it is given; only when it succeeds does the entry appear, so that
// an interrupted build leaves no half-made entry. Two processes that build the same entry at once
// both succeed.
func (d Dir) File(build func(tmp string) error, elem ...string) (string, error) {
	path := d.Path(elem...)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return "", err
	}
	tmp.Close()
	defer os.Remove(tmp.Name())
	if err := build(tmp.Name()); err != nil {
		return "", d.full(err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", err
	}
	return path, nil
}

// full makes the error of a full disk name the cache, instead of a file that nobody knows.
func (d Dir) full(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("the cache in %s: %w", string(d), unix.ENOSPC)
	}
	return err
}

// Tree is File for an entry that is a folder: build fills the empty folder that it is given.
func (d Dir) Tree(build func(tmp string) error, elem ...string) (string, error) {
	path := d.Path(elem...)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := build(tmp); err != nil {
		return "", d.full(err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, path); err != nil {
		if _, serr := os.Stat(path); serr == nil {
			return path, nil // another process was faster
		}
		return "", err
	}
	return path, nil
}
