package alpine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func fingerprint(t testing.TB, p *Provider) string {
	t.Helper()
	f, err := p.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// mustResolve returns the packages of the names as words.
func mustResolve(t testing.TB, p *Provider, names ...string) string {
	t.Helper()
	list, err := p.Resolve(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	return words(list)
}

func TestListsAreKept(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	dir := filepath.Join(t.TempDir(), "made", "when", "needed")
	p := r.provider(t, dir)
	if f := fingerprint(t, p); f != "" {
		t.Errorf("fingerprint %s without lists", f)
	}
	mustResolve(t, p, "a")
	first := fingerprint(t, p)
	if first == "" {
		t.Error("no fingerprint with lists")
	}

	// Another process needs no mirror, and does not see what is new there.
	r.publish(testRepository, apk{name: "a", version: "2"})
	asked := r.requests()
	other := r.provider(t, dir)
	if got := mustResolve(t, other, "a"); got != "a-1" || r.requests() != asked {
		t.Errorf("resolved to %s with %d requests", got, r.requests()-asked)
	}
	if fingerprint(t, other) != first {
		t.Error("another fingerprint of the same lists")
	}

	// When it updates, this one sees the new lists too.
	if err := other.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Provider{p, other} {
		if got := mustResolve(t, p, "a"); got != "a-2" {
			t.Errorf("after the update: %s", got)
		}
		if f := fingerprint(t, p); f == first || f == "" {
			t.Errorf("after the update: fingerprint %q", f)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFailedUpdateKeepsLists(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	p := r.provider(t, t.TempDir())
	mustResolve(t, p, "a")
	before := fingerprint(t, p)
	r.put("v3.20/main/x86_64/APKINDEX.tar.gz", []byte("<html>maintenance</html>"))
	wantError(t, p.Update(t.Context()), "alpine repository v3.20/main", "not a gzip archive")
	if got := mustResolve(t, p, "a"); got != "a-1" || fingerprint(t, p) != before {
		t.Errorf("the lists changed: %s", got)
	}
}

// TestDamagedLists damages the stored file in many ways. It is fetched again and never believed.
func TestDamagedLists(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	dir := t.TempDir()
	p := r.provider(t, dir)
	mustResolve(t, p, "a")
	good, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{
		"empty":       nil,
		"garbage":     []byte("garbage\n\ngarbage"),
		"no lines":    []byte("\n\n"),
		"many lines":  []byte(strings.Repeat("x 0 y\n", 100) + "\n"),
		"no end":      []byte(strings.Repeat("x", 200_000)),
		"huge":        []byte("x 99999999999999999999 v3.20/main\n\n"),
		"negative":    []byte("x -1 v3.20/main\n\n"),
		"truncated":   good[:len(good)-1],
		"head only":   good[:strings.Index(string(good), "\n\n")+2],
		"a byte more": append([]byte("0"), good...),
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-20] ^= 1
	damages["a bit"] = flipped
	for name, content := range damages {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(p.file, content, 0o644); err != nil {
				t.Fatal(err)
			}
			fresh, asked := r.provider(t, dir), r.requests()
			if _, err := fresh.Fingerprint(); err != nil {
				t.Error(err)
			}
			if got := mustResolve(t, fresh, "a"); got != "a-1" || r.requests() != asked+1 {
				t.Errorf("resolved to %s with %d requests", got, r.requests()-asked)
			}
			if now, _ := os.ReadFile(p.file); string(now) != string(good) {
				t.Error("the file was not mended")
			}
		})
	}
}

// TestOtherKeys has lists that were stored by someone who trusted another key.
func TestOtherKeys(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	dir := t.TempDir()
	trusting := r.provider(t, dir)
	mustResolve(t, trusting, "a")
	p, err := New(Config{Mirror: r.URL, Repositories: []string{testRepository}, Keys: []string{publicPEM(foreignKey())}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if fingerprint(t, p) == fingerprint(t, trusting) {
		t.Error("one fingerprint for two sets of keys")
	}
	_, err = p.Resolve(t.Context(), []string{"a"})
	wantError(t, err, "alpine repository v3.20/main", "not by any of the keys")
}

func TestTwoRepositories(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"}, apk{name: "both", version: "1", fields: "T:main\n"})
	r.publish("v3.20/community", apk{name: "b", version: "1", fields: "D:a both\n"}, apk{name: "both", version: "1"})
	p, err := New(Config{
		Mirror: r.URL + "/", Repositories: []string{testRepository, "v3.20/community"}, Keys: []string{publicPEM(ownKey())}, Dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Resolve(t.Context(), []string{"b"})
	if err != nil {
		t.Fatal(err)
	}
	want := r.URL + "/v3.20/main/x86_64/a-1.apk " + r.URL + "/v3.20/main/x86_64/both-1.apk " + r.URL + "/v3.20/community/x86_64/b-1.apk"
	if got := list[0].URL + " " + list[1].URL + " " + list[2].URL; got != want {
		t.Errorf("fetched from %s", got)
	}
	// Of one bad index nothing is taken, nor of the good one before it.
	before := fingerprint(t, p)
	r.publish(testRepository, apk{name: "a", version: "2"})
	r.put("v3.20/community/x86_64/APKINDEX.tar.gz", nil)
	wantError(t, p.Update(t.Context()), "alpine repository v3.20/community")
	if fingerprint(t, p) != before {
		t.Error("the lists changed")
	}
	if got := mustResolve(t, p, "a"); got != "a-1" {
		t.Errorf("after a failed update: %s", got)
	}
}

// TestNoPlace has a place where no file can be made.
func TestNoPlace(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := r.provider(t, filepath.Join(file, "below"))
	_, err := p.Resolve(t.Context(), []string{"a"})
	wantError(t, err, "not a directory")
}

func BenchmarkFingerprint(b *testing.B) {
	r := serve(b, system()...)
	p := r.provider(b, b.TempDir())
	mustResolve(b, p, "busybox")
	for b.Loop() {
		fingerprint(b, p)
	}
}
