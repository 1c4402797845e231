package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Digests knows the digests of files without reading those that it has read before and that have not
// changed since. Like git's index it takes a file for unchanged when its stat(2) is the same, the
// time of the last change of the inode included, which no program can set.
type Digests struct {
	mu    sync.Mutex
	files map[string]memo // by absolute path
	used  map[string]bool
	dirty bool
}

// memo is what was known of a file when its digest was taken.
type memo struct {
	Stat   stat
	Digest Key
}

type stat struct {
	Dev, Ino     uint64
	Size         int64
	Mtime, Ctime int64 // nanoseconds
}

// settled is how long a file must have been unchanged, before it is read, for its digest to be
// remembered. A file that changes twice within one tick of the file system's clock may have the
// same stat both times; two seconds are the coarsest tick that file systems have.
const settled = 2 * time.Second

// maxMemos is how many files are remembered, before those that were not asked for are forgotten.
const maxMemos = 1 << 16

// digestsKey is where the store keeps what Digests has remembered. Unlike other entries it changes.
var digestsKey = NewKey("digests of files", "1")

// Digests returns what the store remembers of files.
func (s *Store) Digests() *Digests {
	d := &Digests{files: map[string]memo{}, used: map[string]bool{}}
	if data, ok := s.Get(digestsKey); ok {
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&d.files) != nil {
			d.files = map[string]memo{}
		}
	}
	return d
}

// Keep puts what was learned into the store.
func (s *Store) Keep(d *Digests) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dirty {
		return nil
	}
	if len(d.files) > maxMemos {
		maps.DeleteFunc(d.files, func(path string, _ memo) bool { return !d.used[path] })
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(d.files); err != nil {
		return err
	}
	d.dirty = false
	return s.Put(digestsKey, b.Bytes())
}

// File returns the digest of a regular file's content. The path is absolute.
func (d *Digests) File(path string) (Key, error) {
	for range 3 {
		now := time.Now()
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return Key{}, fmt.Errorf("%s: %w", path, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG {
			return Key{}, fmt.Errorf("%s: is not a regular file", path)
		}
		before := statOf(&st)
		d.mu.Lock()
		d.used[path] = true
		known, ok := d.files[path]
		d.mu.Unlock()
		if ok && known.Stat == before {
			return known.Digest, nil
		}
		digest, after, err := read(path)
		if err != nil {
			return Key{}, err
		}
		if after != before {
			continue
		}
		if latest := time.Unix(0, max(before.Mtime, before.Ctime)); now.Sub(latest) > settled {
			d.mu.Lock()
			d.files[path] = memo{before, digest}
			d.dirty = true
			d.mu.Unlock()
		}
		return digest, nil
	}
	return Key{}, fmt.Errorf("%s: changes while it is read", path)
}

// read takes the digest of a file, and its stat thereafter.
func read(path string) (digest Key, after stat, err error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = fmt.Errorf("%s: %w", path, pe.Err)
		}
		return digest, after, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return digest, after, fmt.Errorf("%s: %w", path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return digest, after, fmt.Errorf("%s: %w", path, err)
	}
	return sum(h), statOf(&st), nil
}

func statOf(st *unix.Stat_t) stat {
	return stat{Dev: st.Dev, Ino: st.Ino, Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano()}
}
