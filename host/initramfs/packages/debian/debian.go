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
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

type provider struct{ lists *apt.Lists }

// New returns the provider of Debian's packages. The error says so if the host has no APT.
func New(cfg Config) (packages.Provider, error) {
	lists, err := apt.Open(apt.Config{
		Dir: cfg.Dir, Kind: apt.Binary, Sources: cfg.Sources, Update: cfg.Update, Report: cfg.Report,
	})
	if err != nil {
		return nil, err
	}
	return &provider{lists}, nil
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
	files, err := apt.ParseFiles(out)
	if err != nil {
		return nil, err
	}
	list := make([]packages.Package, len(files))
	for i, f := range files {
		parts := strings.Split(strings.TrimSuffix(f.Name, ".deb"), "_")
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s is not named for a package, a version and an architecture", f.Name)
		}
		list[i] = packages.Package{
			Name: parts[0], Version: parts[1], Arch: parts[2],
			URL: f.URL, Size: f.Size, Digest: digestKind + f.SHA256,
		}
	}
	return list, nil
}

// digestKind begins the digests of packages.
const digestKind = "sha256:"

func (p *provider) Fetch(ctx context.Context, pkg packages.Package) (*filetree.Tree, error) {
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
	file := apt.File{
		URL: pkg.URL, Name: filepath.Base(pkg.URL), Size: pkg.Size, SHA256: strings.TrimPrefix(pkg.Digest, digestKind),
	}
	if err := p.lists.Fetch(ctx, file, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
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
