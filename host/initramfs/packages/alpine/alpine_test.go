package alpine

import (
	"archive/tar"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
)

var longName = "usr/share/" + strings.Repeat("long-", 30) + "name"

// system is a small distribution: a shell, the C library it needs, and what both need.
func system() []apk {
	return []apk{
		{name: "baselayout", version: "3.6.5-r0", fields: "D:/bin/sh\n", files: []*tar.Header{
			{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755},
			{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
			file("etc/motd", 0o644, "hello"),
			file("etc/shadow", 0o640, "root:::"),
			{Name: "dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3},
		}},
		{name: "musl", version: "1.2.5-r0", fields: "p:so:libc.musl-x86_64.so.1=1\n", kind: "RSA256", files: []*tar.Header{
			file("lib/ld-musl-x86_64.so.1", 0o755, "ELF"),
			{Name: "lib/libc.musl-x86_64.so.1", Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "ld-musl-x86_64.so.1"},
		}},
		{name: "busybox", version: "1.36.1-r29", fields: "D:so:libc.musl-x86_64.so.1 baselayout>=3\np:/bin/sh cmd:busybox=1.36.1-r29\n", files: []*tar.Header{
			file("bin/busybox", 0o4755, "BusyBox"),
			{Name: "bin/sh", Typeflag: tar.TypeLink, Linkname: "bin/busybox"},
			{Name: longName, Typeflag: tar.TypeReg, Mode: 0o644, Uid: 7, Gid: 8, PAXRecords: map[string]string{
				contentKey: "x", "APK-TOOLS.checksum.SHA1": "11f6ad8ec52a2984abaafd7c3b516503785c2072"}},
		}},
		{name: "unwanted", version: "1", fields: "D:nothing\n"},
	}
}

// words returns the packages as words.
func words(list []packages.Package) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Name+"-"+p.Version)
	}
	return strings.Join(all, " ")
}

func TestResolveAndFetch(t *testing.T) {
	r := serve(t, system()...)
	p := r.provider(t, t.TempDir())
	list, err := p.Resolve(t.Context(), []string{"cmd:busybox"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := words(list), "musl-1.2.5-r0 baselayout-3.6.5-r0 busybox-1.36.1-r29"; got != want {
		t.Fatalf("resolved to %s, want %s", got, want)
	}
	root := filetree.New()
	for _, one := range list {
		if want := r.URL + "/v3.20/main/x86_64/" + one.Name + "-" + one.Version + ".apk"; one.URL != want {
			t.Errorf("URL %s, want %s", one.URL, want)
		}
		if !strings.HasPrefix(one.Digest, "q1:") || len(one.Digest) != 43 || one.Size == 0 {
			t.Errorf("digest %s, size %d", one.Digest, one.Size)
		}
		tree, err := p.Fetch(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		if err := root.Merge(tree); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]filetree.Entry{
		"etc/motd":                  {Mode: filetree.Regular | 0o644, Data: []byte("hello")},
		"etc/shadow":                {Mode: filetree.Regular | 0o640, Data: []byte("root:::")},
		"tmp":                       {Mode: filetree.Dir | 0o1777},
		"dev/null":                  {Mode: filetree.CharDev | 0o666, Major: 1, Minor: 3},
		"lib/ld-musl-x86_64.so.1":   {Mode: filetree.Regular | 0o755, Data: []byte("ELF")},
		"lib/libc.musl-x86_64.so.1": {Mode: filetree.Symlink | 0o777, Data: []byte("ld-musl-x86_64.so.1")},
		"bin/busybox":               {Mode: filetree.Regular | 0o4755, Data: []byte("BusyBox")},
		"bin/sh":                    {Mode: filetree.Regular | 0o4755, Data: []byte("BusyBox")},
		longName:                    {Mode: filetree.Regular | 0o644, UID: 7, GID: 8, Data: []byte("x")},
	}
	got := map[string]filetree.Entry{}
	for n := range root.All() {
		if _, wanted := want[n.Path]; wanted || n.Type() != filetree.Dir {
			got[n.Path] = n.Entry
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	r := serve(t, system()...)
	p := r.provider(t, t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			list, err := p.Resolve(context.Background(), []string{"busybox"})
			if err != nil {
				t.Error(err)
			}
			for _, one := range list {
				if _, err := p.Fetch(context.Background(), one); err != nil {
					t.Error(err)
				}
			}
			if _, err := p.Fingerprint(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(strings.Join(r.asked, " "), "APKINDEX"); n != 1 {
		t.Errorf("the index was fetched %d times", n)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Mirror: "https://localhost/alpine/", Repositories: []string{"v3.20/main", "v3.20/community"}, Keys: []string{publicPEM(ownKey())}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*Config)
		err    string
	}{
		"no mirror":        {func(c *Config) { c.Mirror = "" }, "not the http or https URL"},
		"a folder":         {func(c *Config) { c.Mirror = "/srv/alpine" }, "not the http or https URL"},
		"another protocol": {func(c *Config) { c.Mirror = "ftp://localhost/" }, "not the http or https URL"},
		"a query":          {func(c *Config) { c.Mirror = "http://localhost/?a" }, "not the http or https URL"},
		"no repository":    {func(c *Config) { c.Repositories = nil }, "no repository"},
		"climbing":         {func(c *Config) { c.Repositories = []string{"v3.20/../main"} }, `"v3.20/../main"`},
		"absolute":         {func(c *Config) { c.Repositories = []string{"/main"} }, `"/main"`},
		"empty name":       {func(c *Config) { c.Repositories = []string{""} }, `""`},
		"twice":            {func(c *Config) { c.Repositories = []string{"main", "main"} }, "twice"},
		"no keys":          {func(c *Config) { c.Keys = nil }, "no key"},
		"no PEM":           {func(c *Config) { c.Keys = []string{"ssh-rsa AAAA"} }, "key 1 is not a public key"},
		"another block":    {func(c *Config) { c.Keys = []string{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} }, "CERTIFICATE"},
		"bad key":          {func(c *Config) { c.Keys = []string{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} }, "key 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := New(c)
			wantError(t, err, "alpine: ", tt.err)
		})
	}
}
