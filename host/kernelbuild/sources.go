package kernelbuild

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kevlar/host/cache"
)

// unpack returns a folder of the cache that holds the sources.
func unpack(sources fs.FS, dir cache.Dir) (string, error) {
	digest, err := digest(sources)
	if err != nil {
		return "", err
	}
	root, err := dir.Tree(func(tmp string) error { return os.CopyFS(tmp, sources) }, "kernel", "sources-"+digest)
	if err != nil {
		return "", err
	}
	now := time.Now()
	os.Chtimes(root, now, now) // says that it is in use
	others, _ := filepath.Glob(dir.Path("kernel", "sources-*"))
	for _, path := range others {
		if info, err := os.Stat(path); err == nil && path != root && time.Since(info.ModTime()) > keep {
			os.RemoveAll(path)
		}
	}
	return root, nil
}

// digest tells sources from others.
func digest(sources fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sources, name)
		fmt.Fprintf(h, "%q %d\n", name, len(data))
		h.Write(data)
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), err
}
