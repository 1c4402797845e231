// Package store keeps what is slow to make, by what it was made from. The key of an entry is a digest
// of everything that its content depends on, so an entry never goes out of date; it is there or not.
//
// An entry is written aside and renamed when it is complete, with the digest of its content in front,
// which is compared whenever it is read: an entry that was damaged, or not written to its end, counts
// as missing. Several processes may use a store at once, as whoever writes an entry writes the same.
package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Store is a folder of entries.
type Store struct {
	dir     string
	limit   int64
	opened  time.Time
	written atomic.Bool // this process has added something
	used    sync.Map    // the names of the entries that it has used
}

// Open returns the store in a folder, which is made if it is not there. Limit is the size in bytes
// that Close brings it down to.
func Open(dir string, limit int64) (*Store, error) {
	s := &Store{dir: dir, limit: limit, opened: time.Now()}
	return s, os.MkdirAll(s.entries(), 0o755)
}

func (s *Store) entries() string { return filepath.Join(s.dir, "entries") }

// Temp makes a folder, in the store's file system, for the files of one step. The caller removes it.
func (s *Store) Temp() (string, error) { return os.MkdirTemp(s.entries(), ".tmp-*") }

// A Key names an entry.
type Key [sha256.Size]byte

func (k Key) String() string { return hex.EncodeToString(k[:]) }

// NewKey returns the key of what is made from these words alone. No two lists of words have the same.
func NewKey(words ...string) Key {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return sum(h)
}

// Digest returns the digest of a content: that of a file which holds it.
func Digest(content []byte) Key { return sha256.Sum256(content) }

func sum(h hash.Hash) (k Key) {
	h.Sum(k[:0])
	return k
}

func (s *Store) path(k Key) string { return filepath.Join(s.entries(), k.String()) }

// fresh is how old the time of an entry's last use may become before it is renewed.
const fresh = time.Minute

// Get returns the content of an entry. An entry that is damaged is removed.
func (s *Store) Get(k Key) (content []byte, ok bool) {
	path := s.path(k)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	if len(data) < sha256.Size {
		os.Remove(path)
		return nil, false
	}
	content = data[sha256.Size:]
	if digest := sha256.Sum256(content); !bytes.Equal(digest[:], data[:sha256.Size]) {
		os.Remove(path)
		return nil, false
	}
	s.used.Store(k.String(), true)
	if info, err := os.Stat(path); err == nil && s.opened.Sub(info.ModTime()) > fresh {
		os.Chtimes(path, s.opened, s.opened)
	}
	return content, true
}

// Put adds an entry.
func (s *Store) Put(k Key, content []byte) error {
	digest := sha256.Sum256(content)
	if err := writeAside(s.path(k), digest[:], content); err != nil {
		return fmt.Errorf("the cache: %w", err)
	}
	s.used.Store(k.String(), true)
	s.written.Store(true)
	return nil
}

// writeAside makes a file that appears when it is complete. Another process may be emptying the
// store meanwhile; then it is made again.
func writeAside(path string, parts ...[]byte) (err error) {
	for range 10 {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = write(path, parts)
		}
		// MkdirAll says that a folder exists if it went between two looks at it.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return err
}

func write(path string, parts [][]byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err = tmp.Write(part); err != nil {
			break
		}
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// Clean removes everything. For whoever writes meanwhile it is all gone at one moment.
func (s *Store) Clean() error {
	aside, err := os.MkdirTemp(filepath.Dir(s.dir), ".old-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	err = os.Rename(s.dir, filepath.Join(aside, "store"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process was faster
	}
	return err
}
