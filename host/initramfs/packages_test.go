package initramfs

import (
	"path/filepath"
	"strings"
	"testing"

	"kevlar/host/initramfs/manifest"
)

// TestProviders has manifests whose providers cannot be made. It needs no network.
func TestProviders(t *testing.T) {
	for text, want := range map[string]string{
		"\n[[packages]]\nfrom = \"source\"\nnames = [\"no-such-recipe\"]\n":                                                                                 "m.toml:2:1: source package no-such-recipe: there is no recipe for it",
		"[alpine]\nmirror = \"http://127.0.0.1:1\"\nrepositories = [\"main\"]\nkeys = [\"none.pub\"]\n\n[[packages]]\nfrom = \"alpine\"\nnames = [\"a\"]\n": "m.toml:6:1: key none.pub: no such file",
		"[alpine]\nmirror = \"ftp://mirror\"\nrepositories = [\"main\"]\nkeys = [\"m.toml\"]\n\n[[packages]]\nfrom = \"alpine\"\nnames = [\"a\"]\n":         "m.toml:6:1: ",
	} {
		s := newSite(t, 1)
		s.write("m.toml", text)
		m, err := manifest.Read(filepath.Join(s.dir, "m.toml"))
		if err != nil {
			t.Fatal(err)
		}
		b := &Builder{Dir: t.TempDir()}
		if _, err := b.Build(t.Context(), m, "none"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
