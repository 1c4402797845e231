package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t testing.TB, limit int64) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"), limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewKey(t *testing.T) {
	if NewKey("ab", "c") == NewKey("a", "bc") || NewKey("a") == NewKey("a", "") {
		t.Error("two lists of words have one key")
	}
	if NewKey("a", "b") != NewKey("a", "b") {
		t.Error("one list of words has two keys")
	}
}

func TestGetPut(t *testing.T) {
	s := open(t, 1<<20)
	k := NewKey("a")
	if _, ok := s.Get(k); ok {
		t.Error("an entry before it was put")
	}
	for _, content := range []string{"", "content"} {
		if err := s.Put(k, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get(k); !ok || string(got) != content {
			t.Errorf("%q, %v", got, ok)
		}
	}
}

// TestDamage changes one byte, or cuts the file short, and must get nothing.
func TestDamage(t *testing.T) {
	s := open(t, 1<<20)
	k := NewKey("a")
	content := []byte("some content")
	for size := range 32 + len(content) {
		if err := s.Put(k, content); err != nil {
			t.Fatal(err)
		}
		data, _ := os.ReadFile(s.path(k))
		flipped := bytes.Clone(data)
		flipped[size] ^= 1
		for _, bad := range [][]byte{data[:size], flipped} {
			os.WriteFile(s.path(k), bad, 0o600)
			if got, ok := s.Get(k); ok {
				t.Fatalf("%d: a damaged entry is trusted: %q", size, got)
			}
			if _, err := os.Stat(s.path(k)); err == nil {
				t.Fatalf("%d: a damaged entry stays", size)
			}
		}
	}
}

func TestManyWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var all sync.WaitGroup
	for range 4 {
		s, err := Open(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for n := range 50 {
				content := fmt.Sprint(n)
				if err := s.Put(NewKey(content), []byte(content)); err != nil {
					t.Error(err)
				}
				if got, ok := s.Get(NewKey(content)); ok && string(got) != content {
					t.Errorf("%d: %q", n, got)
				}
				if n%25 == 0 {
					s.Clean()
				}
			}
			s.Close()
		})
	}
	all.Wait()
}

func TestPutFails(t *testing.T) {
	s := open(t, 1<<20)
	os.Remove(s.entries())
	os.WriteFile(s.entries(), nil, 0o600) // nothing can be made below a file
	if err := s.Put(NewKey("a"), nil); err == nil || !strings.HasPrefix(err.Error(), "the cache: ") {
		t.Error(err)
	}
}

func TestEviction(t *testing.T) {
	s := open(t, 1<<20)
	content := make([]byte, 1000-32)
	age := func(name string, hours int) Key {
		k := NewKey(name)
		if err := s.Put(k, content); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Duration(hours) * time.Hour)
		os.Chtimes(s.path(k), old, old)
		return k
	}
	oldest, old, read, young := age("oldest", 9), age("old", 5), age("read", 8), age("young", 1)
	litter, _ := s.Temp()
	ancient := time.Now().Add(-2 * abandoned)
	os.Chtimes(litter, ancient, ancient)

	s, err := Open(s.dir, 2500)
	if err != nil {
		t.Fatal(err)
	}
	s.Get(read)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.path(oldest)); err != nil {
		t.Error("a store to which nothing was added is searched for what is old")
	}
	added := NewKey("added")
	s.Put(added, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[Key]bool{oldest: false, old: false, read: true, young: true, added: true} {
		if _, err := os.Stat(s.path(k)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", k, err == nil, want)
		}
	}
	if _, err := os.Stat(litter); err == nil {
		t.Error("what an interrupted build left behind stays")
	}
}
