// Package debian provides the packages of Debian. APT resolves and fetches them, from the host's
// sources or others; the packages themselves are read here.
//
// As nothing counts as installed, all that a package depends on comes along: libraries, and with
// them the dynamic loader. Recommended packages do not, and neither do essential ones that nothing
// depends on. There is one folder /usr behind /bin, /lib, /lib64 and /sbin; see mergeUsr. Where
// packages come into a tree that has files already, those folders must not be others in it.
//
// Maintainer scripts are not run, since they would need the root file system that is yet to be made.
// What they do is therefore missing: users and groups beyond those of the tree, alternatives such as
// /usr/bin/awk, the bundle of CA certificates, /etc/ld.so.cache. The loader finds libraries without
// the latter in the standard folders. There is no database of dpkg either, so that dpkg and APT in
// the guest know of no package.
package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
	"kevlar/host/initramfs/packages/apt"
	"kevlar/host/progress"
)

// Config says where the packages come from.
type Config struct {
	Dir     string // for the lists of packages; made if it is not there
	Sources string // a .list or .sources file, see sources.list(5), in place of the host's; "" for those
	Update  bool   // get the lists anew before they are first used, even if they are there
	Report  *progress.Reporter
}

type provider struct {
	lists  *apt.Lists
	report *progress.Reporter
}

// New returns the provider of Debian's packages. The error says so if the host has no APT.
func New(cfg Config) (packages.Provider, error) {
	lists, err := apt.Open(apt.Config{
		Dir: cfg.Dir, Kind: apt.Binary, Sources: cfg.Sources, Update: cfg.Update, Report: cfg.Report,
	})
	if err != nil {
		return nil, err
	}
	return &provider{lists, cfg.Report}, nil
}

func (p *provider) Fingerprint() (string, error) { return p.lists.Fingerprint() }

// askable are the names that may be asked for: a package, perhaps with a version, as in deb-control(5)
// and deb-version(7). For APT others would be patterns, or packages to remove.
var askable = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](=[A-Za-z0-9.+~:-]+)?$`)

// Resolve leaves it to APT which packages these are. A name may be of the form "name=version".
func (p *provider) Resolve(ctx context.Context, names []string) ([]packages.Package, error) {
	if len(names) == 0 {
		return nil, nil
	}
	for _, name := range names {
		if !askable.MatchString(name) {
			return nil, fmt.Errorf("%q is not the name of a Debian package", name)
		}
	}
	out, err := p.lists.Get(ctx, append([]string{"install", "-q", "-y", "--print-uris"}, names...)...)
	if err != nil {
		return nil, fmt.Errorf("Debian packages %s: %w", strings.Join(names, " "), err)
	}
	return parseURIs(out)
}

// parseURIs reads what apt-get --print-uris prints among other lines: for each package, in the order of
// unpacking, its URL in quotes, the name of the file, the size and a digest.
func parseURIs(out string) ([]packages.Package, error) {
	var list []packages.Package
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "'") {
			continue
		}
		pkg, err := parseURI(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("APT says %.200q: %v", strings.TrimSpace(line), err)
		}
		list = append(list, pkg)
	}
	if len(list) == 0 {
		return nil, errors.New("APT names no packages")
	}
	return list, nil
}

func parseURI(words []string) (packages.Package, error) {
	var none packages.Package
	if len(words) != 4 {
		return none, errors.New("not a URL, a name, a size and a digest")
	}
	file, err := url.PathUnescape(strings.TrimSuffix(words[1], ".deb"))
	if err != nil {
		return none, err
	}
	parts := strings.Split(file, "_")
	if len(parts) != 3 {
		return none, errors.New("the file is not named for a package, a version and an architecture")
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return none, err
	}
	digest, ok := strings.CutPrefix(words[3], "SHA256:")
	if sum, err := hex.DecodeString(digest); !ok || err != nil || len(sum) != sha256.Size {
		return none, errors.New("no digest by SHA-256")
	}
	return packages.Package{
		Name: parts[0], Version: parts[1], Arch: parts[2],
		URL: strings.Trim(words[0], "'"), Size: size, Digest: "sha256:" + digest,
	}, nil
}

func (p *provider) Fetch(ctx context.Context, pkg packages.Package) (*filetree.Tree, error) {
	p.report.Step("fetching %s %s", pkg.Name, pkg.Version)
	tree, err := p.fetch(ctx, pkg)
	if err != nil {
		return nil, fmt.Errorf("Debian package %s %s: %w", pkg.Name, pkg.Version, err)
	}
	return tree, nil
}

func (p *provider) fetch(ctx context.Context, pkg packages.Package) (*filetree.Tree, error) {
	tmp, err := os.MkdirTemp("", "kevlar-deb-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "package.deb")
	if err := p.lists.Fetch(ctx, pkg.URL, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := check(f, pkg); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	d, err := readDeb(f)
	if err != nil {
		return nil, err
	}
	for field, want := range map[string]string{"Package": pkg.Name, "Version": pkg.Version, "Architecture": pkg.Arch} {
		if got := d.control.Get(field); got != want {
			return nil, fmt.Errorf("its own %s is %q", field, got)
		}
	}
	return mergeUsr(d.files)
}

// check compares a file with what is known of the package in it.
func check(r io.Reader, pkg packages.Package) error {
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return err
	}
	if size != pkg.Size {
		return fmt.Errorf("%d bytes came in place of %d", size, pkg.Size)
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != pkg.Digest {
		return fmt.Errorf("checksum mismatch: %s came in place of %s", got, pkg.Digest)
	}
	return nil
}
