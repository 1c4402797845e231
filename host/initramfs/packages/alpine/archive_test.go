package alpine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
)

// zeros returns a gzip member with n zero bytes in it.
func zeros(n int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.CopyN(z, zeroReader{}, n)
	z.Close()
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBadIndex(t *testing.T) {
	good := indexFile(recordOf("a 1"))
	records := func(text string) []byte { return sign("RSA", ownKey(), indexFile(text)) }
	signed := sign("RSA256", ownKey(), good)
	_, others, _, err := cutMember(sign("RSA256", ownKey(), []byte("something else")), maxSignature)
	if err != nil {
		t.Fatal(err)
	}
	others = slices.Clip(others)
	tests := map[string]struct {
		file []byte
		want string
	}{
		"truncated":             {signed[:len(signed)-10], "not by any of the keys"},
		"signature only":        {signed[:len(signed)-len(good)], "not by any of the keys"},
		"half a signature":      {signed[:100], "ends too early"},
		"unsigned":              {good, "it is not signed"},
		"two archives":          {append(bytes.Clone(good), good...), "it is not signed"},
		"another key":           {sign("RSA256", foreignKey(), good), `names the key "test@example.org-1.rsa.pub", is not by any of the keys`},
		"signature of others":   {append(others, good...), "not by any of the keys"},
		"another kind":          {append(member(true, file(".SIGN.DSA.key.pub", 0o644, "x")), good...), `unknown kind "DSA"`},
		"signature is a folder": {append(member(true, &tar.Header{Name: ".SIGN.RSA.key.pub", Typeflag: tar.TypeDir}), good...), "not signed"},
		"version 3":             {[]byte("ADBd-and-more"), "apk version 3"},
		"bomb for signature":    {append(zeros(1<<20), good...), "grows too large"},
		"no APKINDEX":           {sign("RSA", ownKey(), member(false, file("other", 0o644, "x"))), "no APKINDEX"},
		"not gzip":              {sign("RSA", ownKey(), []byte("hello, this is not gzip")), "damaged"},
		"not tar":               {sign("RSA", ownKey(), zeros(3)), "ends too early"},
		"bomb":                  {sign("RSA", ownKey(), member(false, &tar.Header{Name: "big", Typeflag: tar.TypeReg, Mode: 0o644, Size: 1 << 40})), "ends too early"},
		"no field":              {records("P:a\nhello\n"), `APKINDEX, record at line 1: "hello" is not a field`},
		"the second record":     {records(recordOf("a 1") + "\n" + "P:b\n"), `record at line 7: b: "" is not the version`},
		"no name":               {records("V:1\n"), `"" is not the name of a package`},
		"a name that climbs":    {records(strings.Replace(recordOf("a 1"), "P:a", "P:../a", 1)), `"../a" is not the name`},
		"a version that climbs": {records(strings.Replace(recordOf("a 1"), "V:1", "V:1/../..", 1)), `"1/../.." is not the version`},
		"no checksum":           {records("P:a\nV:1\nA:x86_64\nS:1\n"), `a-1: "" is not a checksum`},
		"another checksum":      {records("P:a\nV:1\nA:x86_64\nS:1\nC:Q2abcd\n"), "not a checksum"},
		"a short checksum":      {records("P:a\nV:1\nA:x86_64\nS:1\nC:Q1abcd\n"), "not a checksum"},
		"no size":               {records(strings.Replace(recordOf("a 1"), "S:100\n", "", 1)), `a-1: a size of "" bytes`},
		"a negative size":       {records(strings.Replace(recordOf("a 1"), "S:100", "S:-1", 1)), `a size of "-1" bytes`},
		"a size beyond all":     {records(strings.Replace(recordOf("a 1"), "S:100", "S:99999999999999999999", 1)), "a size of"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := serve(t)
			r.put("v3.20/main/x86_64/APKINDEX.tar.gz", tt.file)
			p := r.provider(t, t.TempDir())
			_, err := p.Resolve(t.Context(), []string{"a"})
			wantError(t, err, "alpine repository v3.20/main: the index: ", tt.want)
			if fingerprint(t, p) != "" {
				t.Error("it was stored")
			}
		})
	}
}

// TestSignatures has all kinds, and several in one file.
func TestSignatures(t *testing.T) {
	data := indexFile(recordOf("a 1"))
	k, err := parseKeys([]string{publicPEM(foreignKey()) + publicPEM(ownKey())})
	if err != nil {
		t.Fatal(err)
	}
	for kind := range signatureHashes {
		if _, err := k.openIndex(sign(kind, ownKey(), data)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	own, err := parseKeys([]string{publicPEM(ownKey())})
	if err != nil {
		t.Fatal(err)
	}
	value := func(key *rsa.PrivateKey) *tar.Header {
		list, _, err := cutSignatures(sign("RSA", key, data))
		if err != nil {
			t.Fatal(err)
		}
		return file(".SIGN.RSA.key.rsa.pub", 0o644, string(list[0].value))
	}
	both := append(member(true, value(foreignKey()), value(ownKey())), data...)
	if _, err := own.openIndex(both); err != nil {
		t.Errorf("two signatures: %v", err)
	}
}

// fetchOnly serves a file as the package that the index describes, and fetches it.
func fetchOnly(t *testing.T, a apk, change func(file []byte) []byte) (*filetree.Tree, error) {
	t.Helper()
	r := serve(t, a)
	list, err := r.provider(t, t.TempDir()).Resolve(t.Context(), []string{a.name})
	if err != nil {
		t.Fatal(err)
	}
	one := list[0]
	name := "v3.20/main/x86_64/" + a.name + "-" + a.version + ".apk"
	if change != nil {
		r.put(name, change(r.files[name]))
		one.Size = int64(len(r.files[name]))
	}
	return r.provider(t, t.TempDir()).Fetch(t.Context(), one)
}

func TestBadPackage(t *testing.T) {
	a := apk{name: "a", version: "1-r0", files: []*tar.Header{file("etc/a", 0o644, "text")}}
	other := apk{name: "a", version: "1-r0", files: []*tar.Header{file("etc/a", 0o644, "evil")}}
	split := func(whole []byte) (signature, control, data []byte) {
		_, signature, rest, err := cutMember(whole, maxSignature)
		if err != nil {
			t.Fatal(err)
		}
		_, control, data, err = cutMember(rest, maxControl)
		if err != nil {
			t.Fatal(err)
		}
		return signature, control, data
	}
	tests := map[string]struct {
		change func(whole []byte) []byte
		want   string
	}{
		"empty": {func([]byte) []byte { return nil }, "size are not those"},
		"page":  {func([]byte) []byte { return []byte("<html>") }, "not a gzip archive"},
		"unsigned": {func(whole []byte) []byte {
			_, control, data := split(whole)
			return append(bytes.Clone(control), data...)
		}, "not signed"},
		"another signer": {func(whole []byte) []byte {
			_, control, data := split(whole)
			return append(sign("RSA", foreignKey(), control), data...)
		}, "not by any of the keys"},
		"another package": {func([]byte) []byte {
			whole, _ := other.build(ownKey())
			return whole
		}, "checksum is not the one in the index"},
		"other files": {func(whole []byte) []byte {
			evil, _ := other.build(ownKey())
			signature, control, _ := split(whole)
			_, _, data := split(evil)
			return bytes.Join([][]byte{signature, control, data}, nil)
		}, "the checksum of its files is not the one in its .PKGINFO"},
		"more files": {func(whole []byte) []byte {
			return append(bytes.Clone(whole), member(false, file("evil", 0o644, "x"))...)
		}, "the checksum of its files"},
		"no files": {func(whole []byte) []byte {
			signature, control, _ := split(whole)
			return append(bytes.Clone(signature), control...)
		}, "the checksum of its files"},
		"version 3": {func([]byte) []byte { return []byte("ADBd") }, "apk version 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := fetchOnly(t, a, tt.change)
			wantError(t, err, "alpine package a-1-r0: ", tt.want)
		})
	}
}

// TestBadFiles has packages that are signed and still wrong.
func TestBadFiles(t *testing.T) {
	header := func(h tar.Header) []*tar.Header { return []*tar.Header{file("usr/x", 0o644, "x"), &h} }
	replace := func(old, new string) func(string) string {
		return func(info string) string { return regexp.MustCompile(old).ReplaceAllString(info, new) }
	}
	tests := map[string]struct {
		apk
		want string
	}{
		"climbing":           {apk{files: []*tar.Header{file("../evil", 0o644, "x")}}, "../evil"},
		"absolute":           {apk{files: []*tar.Header{file("/etc/evil", 0o644, "x")}}, "/etc/evil"},
		"a climbing link":    {apk{files: header(tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"})}, "../../etc/passwd"},
		"an absolute link":   {apk{files: header(tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"})}, "/etc/passwd"},
		"bomb":               {apk{files: header(tar.Header{Name: "big", Typeflag: tar.TypeReg, Size: maxUnpacked + 1})}, "too large"},
		"truncated":          {apk{files: header(tar.Header{Name: "big", Typeflag: tar.TypeReg, Size: 1 << 20})}, "too early"},
		"another name":       {apk{info: replace("pkgname = a", "pkgname = b")}, `it is the package "b-1"`},
		"another version":    {apk{info: replace("pkgver = 1", "pkgver = 2")}, `it is the package "a-2"`},
		"another arch":       {apk{info: replace("x86_64", "aarch64")}, `the architecture "aarch64"`},
		"no name":            {apk{info: replace("pkgname", "xname")}, "no pkgname"},
		"no datahash":        {apk{info: replace("datahash = .*", "")}, "no datahash"},
		"wrong datahash":     {apk{info: replace("datahash = ....", "datahash = 0123")}, "the checksum of its files"},
		"garbage in info":    {apk{info: replace("# by", "by")}, `"by a test" is not a field`},
		"bomb of scripts":    {apk{info: func(info string) string { return info + strings.Repeat("#\n", maxControl/2) }}, "grows too large"},
		"unknown kind":       {apk{files: header(tar.Header{Name: "a", Typeflag: 'Q'})}, "unknown type"},
		"a file as a folder": {apk{files: []*tar.Header{file("a", 0o644, "x"), file("a/b", 0o644, "x")}}, "a is not a folder"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.apk.name, tt.apk.version = "a", "1"
			_, err := fetchOnly(t, tt.apk, nil)
			wantError(t, err, "alpine package a-1: ", tt.want)
		})
	}
}

// TestEveryDamage cuts a package at every length and changes every byte. In the signature's gzip member
// there are bits that nothing depends on; with those changed it is the same package.
func TestEveryDamage(t *testing.T) {
	a := apk{name: "a", version: "1", files: []*tar.Header{file("etc/a", 0o644, "text")}}
	whole, record := a.build(ownKey())
	list, err := parseIndex(record)
	if err != nil {
		t.Fatal(err)
	}
	k, err := parseKeys([]string{publicPEM(ownKey())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.open(whole, "a", "1", list[0].checksum); err != nil {
		t.Fatal(err)
	}
	_, signature, _, err := cutMember(whole, maxSignature)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := k.open(whole[:n], "a", "1", list[0].checksum); err == nil {
			t.Errorf("the first %d bytes are taken", n)
		}
		damaged := bytes.Clone(whole)
		damaged[n] ^= 1 << (n % 8)
		tree, err := k.open(damaged, "a", "1", list[0].checksum)
		if err != nil {
			continue
		}
		if e, _ := tree.Lookup("etc/a"); string(e.Data) != "text" || len(tree.Paths()) != 2 {
			t.Errorf("byte %d changed: %v", n, tree.Paths())
		}
		if n >= len(signature) {
			t.Errorf("byte %d changed: taken", n)
		}
	}
}

func TestWrongPackage(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1"})
	p := r.provider(t, t.TempDir())
	list, err := p.Resolve(t.Context(), []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(change func(*packages.Package)) error {
		one := list[0]
		change(&one)
		_, err := p.Fetch(t.Context(), one)
		return err
	}
	wantError(t, fetch(func(p *packages.Package) { p.Digest = "sha256:00" }), "alpine package a-1: ", "digest")
	wantError(t, fetch(func(p *packages.Package) { p.Digest = "q1:" + hex.EncodeToString(make([]byte, sha1.Size)) }), "checksum")
	wantError(t, fetch(func(p *packages.Package) { p.Size-- }), "more than")
	wantError(t, fetch(func(p *packages.Package) { p.Size++ }), "bytes, the index says")
	wantError(t, fetch(func(p *packages.Package) { p.URL += "x" }), "404 Not Found; the stored index may be older than the mirror")
	if err := fetch(func(*packages.Package) {}); err != nil {
		t.Error(err)
	}
}

func TestBomb(t *testing.T) {
	for size, want := range map[int64]string{99: "", 100: "", 101: "grows too large"} {
		z, err := gunzip(zeros(size), 100)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(z)
		if want != "" {
			wantError(t, damaged(err), want)
		} else if err != nil || int64(len(content)) != size {
			t.Errorf("%d bytes: %d, %v", size, len(content), err)
		}
		if len(content) > 100 {
			t.Errorf("%d bytes passed the limit of 100", len(content))
		}
		if _, _, _, err := cutMember(zeros(size), 100); (err == nil) != (want == "") {
			t.Errorf("a member with %d bytes: %v", size, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(recordOf("a 1 D:b>=1,!c p:so:x=1,/bin/sh k:5 r:d") + "\n" + recordOf("b 2")))
	f.Add([]byte("P:a\n\n\n\nV:1\n"))
	f.Add([]byte("A:\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseIndex(string(text))
		if err != nil {
			return
		}
		l := newLists("", list)
		for _, p := range list {
			if chosen, err := l.resolve([]dependency{{name: p.name}}); err == nil && len(chosen) == 0 {
				t.Errorf("nothing chosen for %q", p.name)
			}
		}
	})
}

// FuzzPackage reads the members of a file without regard to signatures and checksums.
func FuzzPackage(f *testing.F) {
	whole, _ := apk{name: "a", version: "1", files: []*tar.Header{file("etc/a", 0o644, "text")}}.build(ownKey())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(indexFile(recordOf("a 1")))
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			content, member, rest, err := cutMember(data, maxSignature)
			if err != nil {
				return
			}
			if len(member) == 0 || len(member)+len(rest) != len(data) {
				t.Fatalf("%d bytes cut into %d and %d", len(data), len(member), len(rest))
			}
			parseSignatures(content)
			readInfo(content)
			filetree.ReadTar(bytes.NewReader(content), maxSignature)
			readIndex(member)
			data = rest
		}
	})
}
