package store

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDigestsSeeChanges changes a file in all ways, at once and later, its time set back.
func TestDigestsSeeChanges(t *testing.T) {
	s := open(t, 1<<20)
	d := s.Digests()
	file := filepath.Join(t.TempDir(), "f")
	old := time.Now().Add(-time.Hour)
	for _, content := range []string{"one", "two", "three", "four"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(file, old, old)
		for range 2 {
			if got, err := d.File(file); err != nil || got != Key(sha256.Sum256([]byte(content))) {
				t.Fatalf("%s: %s, %v", content, got, err)
			}
		}
	}
}

// TestDigestsRemember has a memo that is wrong, which shows whether the file is read.
func TestDigestsRemember(t *testing.T) {
	s := open(t, 1<<20)
	d := s.Digests()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.File(exe)
	if err != nil {
		t.Fatal(err)
	}
	var st stat
	if _, st, err = read(exe); err != nil {
		t.Fatal(err)
	}
	made := NewKey("made up")
	d.files[exe] = memo{st, made}
	d.dirty = true
	if err := s.Keep(d); err != nil {
		t.Fatal(err)
	}
	again := s.Digests()
	if got, _ := again.File(exe); got != made {
		t.Errorf("the file was read again")
	}
	// Any difference in the stat makes it be read.
	for _, change := range []func(*stat){
		func(s *stat) { s.Size++ }, func(s *stat) { s.Mtime-- }, func(s *stat) { s.Ctime-- },
		func(s *stat) { s.Ino++ }, func(s *stat) { s.Dev++ },
	} {
		other := st
		change(&other)
		again.files[exe] = memo{other, made}
		if got, _ := again.File(exe); got != digest {
			t.Errorf("%+v is taken for %+v", st, other)
		}
	}
}

// TestDigestsRacy must not remember a file that was changed just now.
func TestDigestsRacy(t *testing.T) {
	d := open(t, 1<<20).Digests()
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, []byte("x"), 0o600)
	old := time.Now().Add(-time.Hour)
	os.Chtimes(file, old, old)
	if _, err := d.File(file); err != nil {
		t.Fatal(err)
	}
	if len(d.files) != 0 {
		t.Error("a file that may still change within a tick of the clock is remembered")
	}
}

func TestDigestsErrors(t *testing.T) {
	d := open(t, 1<<20).Digests()
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                           dir + ": is not a regular file",
		filepath.Join(dir, "missing"): filepath.Join(dir, "missing") + ": no such file or directory",
	} {
		if _, err := d.File(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestDigestsDamaged starts again from nothing when what was remembered is no good.
func TestDigestsDamaged(t *testing.T) {
	s := open(t, 1<<20)
	if err := s.Put(digestsKey, []byte("not what is expected")); err != nil {
		t.Fatal(err)
	}
	if d := s.Digests(); len(d.files) != 0 {
		t.Errorf("remembers %v", d.files)
	}
}
