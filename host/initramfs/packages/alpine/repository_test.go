package alpine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// The repositories in these tests are made here, in the way of abuild-sign(1) and apk-index(8), and
// served on loopback.

var (
	ownKey     = sync.OnceValue(newKey)
	foreignKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func publicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// member returns a gzip member with a tar archive. If it is cut, the archive has no end marker, so
// that the archive of the next member goes on with it.
func member(cut bool, files ...*tar.Header) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, f := range files {
		h := *f
		content := h.PAXRecords[contentKey]
		h.PAXRecords = maps.Clone(h.PAXRecords)
		delete(h.PAXRecords, contentKey)
		if h.Size == 0 {
			h.Size = int64(len(content))
		}
		if err := t.WriteHeader(&h); err != nil {
			panic(err)
		}
		t.Write([]byte(content))
	}
	if cut {
		t.Flush()
	} else {
		t.Close()
	}
	z.Close()
	return b.Bytes()
}

// contentKey is where a header carries the content of its file to member.
const contentKey = "content"

// file describes a regular file.
func file(name string, mode int64, content string) *tar.Header {
	return &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, PAXRecords: map[string]string{contentKey: content}}
}

// sign returns data with a signature member before it.
func sign(kind string, key *rsa.PrivateKey, data []byte) []byte {
	hash := signatureHashes[kind]
	h := hash.New()
	h.Write(data)
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.Hash(hash), h.Sum(nil))
	if err != nil {
		panic(err)
	}
	return append(member(true, file(".SIGN."+kind+".test@example.org-1.rsa.pub", 0o644, string(value))), data...)
}

// apk is a package of a repository.
type apk struct {
	name, version string
	fields        string        // more lines of the index
	files         []*tar.Header // in it
	kind          string        // of its signature; "RSA" if empty
	info          func(string) string
}

// build returns the file of the package and its record in the index.
func (a apk) build(key *rsa.PrivateKey) (whole []byte, record string) {
	data := member(false, a.files...)
	info := fmt.Sprintf("# by a test\npkgname = %s\npkgver = %s\narch = %s\ndatahash = %x\n", a.name, a.version, Arch, sha256.Sum256(data))
	if a.info != nil {
		info = a.info(info)
	}
	control := member(true, file(".PKGINFO", 0o644, info), file(".post-install", 0o644, "#!/bin/sh\nexit 1\n"))
	kind := a.kind
	if kind == "" {
		kind = "RSA"
	}
	whole = append(sign(kind, key, control), data...)
	sum := sha1.Sum(control)
	record = fmt.Sprintf("C:Q1%s\nP:%s\nV:%s\nA:%s\nS:%d\nI:4096\nT:a package\nU:http://localhost/\nL:MIT\n%s",
		base64.StdEncoding.EncodeToString(sum[:]), a.name, a.version, Arch, len(whole), a.fields)
	return whole, strings.TrimRight(record, "\n") + "\n"
}

// indexFile returns an APKINDEX.tar.gz without its signature.
func indexFile(records string) []byte {
	return member(false, file("DESCRIPTION", 0o644, "test"), file("APKINDEX", 0o644, records))
}

// repository serves files. Their paths are relative to the mirror's URL.
type repository struct {
	*httptest.Server
	mu     sync.Mutex
	files  map[string][]byte
	asked  []string                                          // paths, in the order of the requests
	handle func(w http.ResponseWriter, r *http.Request) bool // comes first; true if it answered
}

const testRepository = "v3.20/main"

// serve starts a mirror with one repository.
func serve(t testing.TB, packages ...apk) *repository {
	r := &repository{files: map[string][]byte{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	r.publish(testRepository, packages...)
	return r
}

// publish makes packages the contents of a repository.
func (r *repository) publish(name string, packages ...apk) {
	var index strings.Builder
	for _, a := range packages {
		whole, record := a.build(ownKey())
		r.put(name+"/x86_64/"+a.name+"-"+a.version+".apk", whole)
		index.WriteString(record + "\n")
	}
	r.put(name+"/x86_64/APKINDEX.tar.gz", sign("RSA256", ownKey(), indexFile(index.String())))
}

func (r *repository) put(path string, content []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[path] = content
}

// requests counts the requests so far.
func (r *repository) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

func (r *repository) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	path := strings.TrimPrefix(request.URL.Path, "/")
	r.mu.Lock()
	r.asked = append(r.asked, path)
	content, ok := r.files[path]
	handle := r.handle
	r.mu.Unlock()
	if handle != nil && handle(w, request) {
		return
	}
	if !ok {
		http.NotFound(w, request)
		return
	}
	w.Write(content)
}

// provider returns a provider for the repository that keeps its index in dir.
func (r *repository) provider(t testing.TB, dir string) *Provider {
	t.Helper()
	p, err := New(Config{
		Mirror: r.URL, Repositories: []string{testRepository}, Keys: []string{publicPEM(ownKey())}, Dir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantError checks that an error is one line and says what it should.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("the error is more than one line: %q", err)
	}
}
