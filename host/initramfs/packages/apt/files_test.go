package apt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" // of "hello\n"

func TestParseFiles(t *testing.T) {
	list, err := ParseFiles("Reading package lists...\n'http://host/a%2bb.deb' g++_4%3a1+b_amd64.deb 12 SHA256:" + sum + "\n")
	want := []File{{URL: "http://host/a%2bb.deb", Name: "g++_4:1+b_amd64.deb", Size: 12, SHA256: sum}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"", "Reading\n", "'u'", "'u' a.deb 1 MD5Sum:00", "'u' a.deb 1 SHA256:00", "'u' a.deb x SHA256:" + sum,
		"'u' %zz 1 SHA256:" + sum, "'u' ..%2fa 1 SHA256:" + sum, "'u' a%2fb 1 SHA256:" + sum} {
		if list, err := ParseFiles(bad); err == nil {
			t.Errorf("%q: %v", bad, list)
		}
	}
}

func TestFetch(t *testing.T) {
	repository, path := t.TempDir(), filepath.Join(t.TempDir(), "got")
	lists, err := Open(Config{Dir: t.TempDir(), Kind: Binary, Sources: sourcesFile(t, repository)})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(repository, "hello"), "hello\n")
	file := File{URL: "file:" + repository + "/hello", Name: "hello", Size: 6, SHA256: sum}
	if err := lists.Fetch(t.Context(), file, path); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "hello\n" {
		t.Errorf("fetched %q", data)
	}
	for content, want := range map[string]string{
		"hallo\n": "hello: checksum mismatch",
		"hello":   "hello: 5 bytes came in place of 6",
	} {
		write(t, filepath.Join(repository, "hello"), content)
		if err := lists.Fetch(t.Context(), file, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
	if err := os.Remove(filepath.Join(repository, "hello")); err != nil {
		t.Fatal(err)
	}
	if err := lists.Fetch(t.Context(), file, path); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a missing file: %v", err)
	}
}
