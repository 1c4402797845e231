// Package source provides programs that are built here from the source packages of Debian, with
// recipes: other configurations than Debian's own packages have, static programs above all. APT finds
// and fetches the sources, and the host's compiler builds them in a folder that is gone afterwards.
//
// The digest of a package says what it is made of: the files of its source package, the recipe, the
// compiler, and the Debian packages on the host that the build needs. The same digest gives the same
// files, as builds see neither the time nor the folder that they run in.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
	"kevlar/host/initramfs/packages/apt"
	"kevlar/host/progress"
)

// Config says what can be built, and from what.
type Config struct {
	Dir      string   // for the lists of source packages; made if it is not there
	Recipes  []Recipe // with different names
	Compiler string   // identifies the host's gcc: another text, other results
	Sources  string   // a .list or .sources file, see sources.list(5), in place of the host's; "" for those
	Update   bool     // get the lists anew before they are first used, even if they are there
	Report   *progress.Reporter
}

type provider struct {
	lists    *apt.Lists
	recipes  map[string]Recipe
	compiler string
	report   *progress.Reporter
}

// New returns the provider of the packages that have a recipe.
func New(cfg Config) (packages.Provider, error) {
	recipes := map[string]Recipe{}
	for _, r := range cfg.Recipes {
		if err := r.Check(); err != nil {
			return nil, err
		}
		if _, ok := recipes[r.Name]; ok {
			return nil, fmt.Errorf("two recipes of %s", r.Name)
		}
		recipes[r.Name] = r
	}
	if cfg.Compiler == "" {
		return nil, errors.New("source packages: the compiler is not known")
	}
	lists, err := apt.Open(apt.Config{
		Dir: cfg.Dir, Kind: apt.Source, Sources: cfg.Sources, Update: cfg.Update, Report: cfg.Report,
	})
	if err != nil {
		return nil, err
	}
	return &provider{lists, recipes, cfg.Compiler, cfg.Report}, nil
}

// dpkgStatus is the list of what is installed on the host.
const dpkgStatus = "/var/lib/dpkg/status"

// Fingerprint changes with the lists, the recipes and the compiler, and when anything is installed on
// the host with dpkg: it may be something that a build needs.
func (p *provider) Fingerprint() (string, error) {
	lists, err := p.lists.Fingerprint()
	if lists == "" || err != nil {
		return "", err
	}
	var installed unix.Stat_t
	if err := unix.Stat(dpkgStatus, &installed); err != nil {
		return "", &os.PathError{Op: "stat", Path: dpkgStatus, Err: err}
	}
	return digest(lists, p.recipes, p.compiler, installed.Ino, installed.Size, installed.Mtim, installed.Ctim)
}

// digest returns the digest of values, which encoding/json can encode.
func digest(values ...any) (string, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// digestKind begins the digests of packages. They are of what a package is made of.
const digestKind = "source:"

// Resolve installs on the host what the builds need and is missing. Packages do not depend on one
// another: each builds with what the host has.
func (p *provider) Resolve(ctx context.Context, names []string) ([]packages.Package, error) {
	var list []packages.Package
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		pkg, _, err := p.resolve(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("source package %s: %w", name, err)
		}
		list = append(list, pkg)
	}
	return list, nil
}

// resolve returns the package of a name and the files of its sources, of which the .dsc is the first.
func (p *provider) resolve(ctx context.Context, name string) (packages.Package, []apt.File, error) {
	var none packages.Package
	recipe, ok := p.recipes[name]
	if !ok {
		return none, nil, errors.New("there is no recipe for it")
	}
	tools, err := prepareHost(ctx, p.report, recipe.Needs)
	if err != nil {
		return none, nil, err
	}
	wanted := name
	if recipe.Version != "" {
		wanted += "=" + recipe.Version
	}
	out, err := p.lists.Get(ctx, "source", "-q", "--only-source", "--print-uris", wanted)
	if err != nil {
		return none, nil, err
	}
	files, err := apt.ParseFiles(out)
	if err != nil {
		return none, nil, err
	}
	base, ok := strings.CutSuffix(files[0].Name, ".dsc")
	_, version, ok2 := strings.Cut(base, "_")
	if !ok || !ok2 {
		return none, nil, fmt.Errorf("%s is not the .dsc of a version", files[0].Name)
	}
	var digests []string
	pkg := packages.Package{Name: name, Version: version, Arch: "amd64", URL: files[0].URL}
	for _, f := range files {
		pkg.Size += f.Size
		digests = append(digests, f.SHA256)
	}
	sum, err := digest(buildVersion, digests, recipe, p.compiler, tools)
	pkg.Digest = digestKind + sum
	return pkg, files, err
}

// Fetch builds the package.
func (p *provider) Fetch(ctx context.Context, pkg packages.Package) (*filetree.Tree, error) {
	tree, err := p.fetch(ctx, pkg)
	if err != nil {
		return nil, fmt.Errorf("source package %s %s: %w", pkg.Name, pkg.Version, err)
	}
	return tree, nil
}

func (p *provider) fetch(ctx context.Context, pkg packages.Package) (*filetree.Tree, error) {
	now, files, err := p.resolve(ctx, pkg.Name)
	if err != nil {
		return nil, err
	}
	if now.Digest != pkg.Digest {
		return nil, errors.New("its sources, its recipe or the compiler has changed since it was resolved")
	}
	b, err := newBuild(p.recipes[pkg.Name])
	if err != nil {
		return nil, err
	}
	defer b.remove()
	p.report.Step("fetching the sources of %s %s", pkg.Name, pkg.Version)
	if err := b.fetch(ctx, p.lists, files); err != nil {
		return nil, err
	}
	p.report.Step("building %s %s", pkg.Name, pkg.Version)
	return b.run(ctx)
}
