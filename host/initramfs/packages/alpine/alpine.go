// Package alpine provides the packages of Alpine Linux: signed indexes and packages in the format of
// apk version 2, fetched over HTTP from a mirror, checked, and unpacked without help of apk.
//
// A repository is trusted by the keys in the configuration alone. The signature of its index is
// checked with them and so is that of each package; the package must also have the checksum that the
// index states, and its files the one that the package states.
//
// Packages are put together by apk's rules for dependencies, with two exceptions: install_if is not
// heeded, so that packages that come along with others must be named; and names cannot be pinned to a
// repository. As with apk, nothing is chosen among packages that offer a name without a version and a
// priority: one must be named.
//
// Install scripts and triggers are not run, as they are made for a running system. What they do, such
// as making the links to BusyBox and adding users, is left to the manifest or to the guest.
package alpine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
)

// Arch is the only architecture there is.
const Arch = "x86_64"

// Config says where the packages are and who is trusted.
type Config struct {
	Mirror       string   // URL of the folder that the repositories are in
	Repositories []string // such as "v3.20/main"; the first one is preferred
	Keys         []string // public RSA keys of the signers, each in the PEM format
	Dir          string   // folder to keep the indexes in; it need not be there
	// Patience is how long the mirror may be silent in the middle of a request; 0 is 30 seconds.
	Patience time.Duration
}

// Provider is a packages.Provider. The indexes are fetched once, and again when Update is called.
type Provider struct {
	mirror       string
	repositories []string
	keys         keys
	patience     time.Duration
	file         string // that the indexes are in
	id           string // tells configurations apart

	mu    sync.Mutex // while lists are read or fetched
	lists *lists     // those read last
}

var _ packages.Provider = (*Provider)(nil)

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._+-]*(/[A-Za-z0-9_-][A-Za-z0-9._+-]*)*$`)

// New checks the configuration. It does not touch the network.
func New(c Config) (*Provider, error) {
	u, err := url.Parse(c.Mirror)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("alpine: mirror %q is not the http or https URL of a folder", c.Mirror)
	}
	if len(c.Repositories) == 0 {
		return nil, errors.New("alpine: no repository is named")
	}
	seen := map[string]bool{}
	for _, name := range c.Repositories {
		if !repositoryName.MatchString(name) || seen[name] {
			return nil, fmt.Errorf("alpine: %q is not the name of a repository, such as v3.20/main, or is there twice", name)
		}
		seen[name] = true
	}
	k, err := parseKeys(c.Keys)
	if err != nil {
		return nil, fmt.Errorf("alpine: %v", err)
	}
	p := &Provider{
		mirror: strings.TrimRight(c.Mirror, "/"), repositories: slices.Clone(c.Repositories), keys: k,
		patience: cmp.Or(c.Patience, 30*time.Second),
	}
	place := sha256.Sum256([]byte(strings.Join(append([]string{p.mirror}, c.Repositories...), "\n")))
	p.file = filepath.Join(c.Dir, fmt.Sprintf("alpine-%x", place[:8]))
	p.id = fmt.Sprintf("%x %q", place, c.Keys)
	return p, nil
}

// address returns the URL of a file in a repository.
func (p *Provider) address(repository int, file string) string {
	return strings.Join([]string{p.mirror, p.repositories[repository], Arch, url.PathEscape(file)}, "/")
}

// Fingerprint is a digest of the configuration and of the indexes that are stored.
func (p *Provider) Fingerprint() (string, error) {
	state, err := p.storedState()
	if state == "" || err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(p.id+state))), nil
}

// Update fetches the indexes anew. If that fails those that are stored stay as they are.
func (p *Provider) Update(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.fetch(ctx)
	return err
}

// Resolve takes names with or without versions as in the list /etc/apk/world: "bash", "zlib>=1.3",
// "so:libz.so.1", "!bash".
func (p *Provider) Resolve(ctx context.Context, names []string) ([]packages.Package, error) {
	wanted, err := parseRoots(names)
	if err != nil {
		return nil, err
	}
	l, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := l.resolve(wanted)
	if err != nil {
		return nil, fmt.Errorf("alpine: %w", err)
	}
	list := make([]packages.Package, len(chosen))
	for i, one := range chosen {
		list[i] = packages.Package{
			Name: one.name, Version: one.version, Arch: Arch, Size: one.size, Digest: digestPrefix + one.checksum,
			URL: p.address(one.repository, one.String()+".apk"),
		}
	}
	return list, nil
}

// digestPrefix is what the digest of a package begins with. Indexes have no digest of whole files: it
// is the SHA-1 of the control member, which holds the SHA-256 of the files.
const digestPrefix = "q1:"

func parseRoots(names []string) ([]dependency, error) {
	roots := make([]dependency, len(names))
	for i, name := range names {
		d, err := parseDependency(name)
		if err != nil {
			return nil, fmt.Errorf("alpine: %v", err)
		}
		roots[i] = d
	}
	return roots, nil
}

// Fetch needs a package as Resolve describes it, and no lists.
func (p *Provider) Fetch(ctx context.Context, one packages.Package) (*filetree.Tree, error) {
	tree, err := p.fetchPackage(ctx, one)
	if err != nil {
		return nil, fmt.Errorf("alpine package %s-%s: %w", one.Name, one.Version, err)
	}
	return tree, nil
}

func (p *Provider) fetchPackage(ctx context.Context, one packages.Package) (*filetree.Tree, error) {
	checksum, ok := strings.CutPrefix(one.Digest, digestPrefix)
	if !ok || one.Size <= 0 || one.Size > maxPackage {
		return nil, errors.New("its digest and size are not those of an alpine package")
	}
	file, err := get(ctx, one.URL, one.Size, p.patience)
	var status statusError
	if errors.As(err, &status) && status == 404 {
		return nil, fmt.Errorf("%w; the stored index may be older than the mirror: update it", err)
	}
	if err != nil {
		return nil, err
	}
	if int64(len(file)) != one.Size {
		return nil, fmt.Errorf("%s: the file has %d bytes, the index says %d", one.URL, len(file), one.Size)
	}
	return p.keys.open(file, one.Name, one.Version, checksum)
}
