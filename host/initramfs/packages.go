package initramfs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"kevlar/host/initramfs/compile"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/packages"
	"kevlar/host/initramfs/packages/alpine"
	"kevlar/host/initramfs/packages/debian"
	"kevlar/host/initramfs/packages/source"
	"kevlar/host/initramfs/store"
)

// A Provider knows the packages of a distribution.
type Provider = packages.Provider

// A databaser is a provider that writes down what is installed, for the package manager in the guest.
type databaser interface {
	Database(names []string, list []packages.Package, trees []*filetree.Tree) (*filetree.Tree, error)
}

// packages plans the packages of one provider. Each package is kept in the store by itself; the part's
// content is the list of them.
func (p *planner) packages(list *manifest.Packages) {
	q := &packagesPart{builder: p.builder, manifest: p.manifest, list: list}
	title := fmt.Sprintf("packages of %s: %s", list.From, strings.Join(list.Names, " "))
	p.add(list.At, title, nil, &part{inputs: q.inputs, produce: q.produce, add: q.add})
}

type packagesPart struct {
	builder  *Builder
	manifest *manifest.Manifest
	list     *manifest.Packages
}

// resolvedKey is where the answer of a provider is kept for as long as its lists stay the same.
func (q *packagesPart) resolvedKey(fingerprint string) store.Key {
	return store.NewKey(append([]string{"resolved", q.list.From, fingerprint}, q.list.Names...)...)
}

// inputs are the packages, if it is known from the last time which these are.
func (q *packagesPart) inputs(ctx context.Context) ([]compile.Input, bool, error) {
	provider, err := q.builder.providers.get(ctx, q.list.From, q.manifest)
	if err != nil || q.builder.Update {
		return nil, false, err
	}
	fingerprint, err := provider.Fingerprint()
	if err != nil || fingerprint == "" {
		return nil, false, err
	}
	data, ok := q.builder.store.Get(q.resolvedKey(fingerprint))
	var list []packages.Package
	if !ok || json.Unmarshal(data, &list) != nil {
		return nil, false, nil
	}
	return packageInputs(list), true, nil
}

func packageInputs(list []packages.Package) (inputs []compile.Input) {
	for _, p := range list {
		inputs = append(inputs, compile.Input{Name: "package " + p.Name, Value: p.Version + " " + p.Digest})
	}
	return inputs
}

// produce resolves the names and fetches the packages that the store does not have.
func (q *packagesPart) produce(ctx context.Context) ([]byte, []compile.Input, error) {
	provider, err := q.builder.providers.get(ctx, q.list.From, q.manifest)
	if err != nil {
		return nil, nil, err
	}
	q.builder.Report.Step("resolving packages of %s", q.list.From)
	list, err := provider.Resolve(ctx, q.list.Names)
	if err != nil {
		return nil, nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, p := range list {
		g.Go(func() error {
			_, err := q.fetch(gctx, provider, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	content, err := json.Marshal(list)
	if err != nil {
		return nil, nil, err
	}
	fingerprint, err := provider.Fingerprint()
	if err != nil {
		return nil, nil, err
	}
	return content, packageInputs(list), q.builder.store.Put(q.resolvedKey(fingerprint), content)
}

// packageVersion changes when the same package gives other files.
const packageVersion = "3"

// fetch returns the files of a package, from the store if they are there.
func (q *packagesPart) fetch(ctx context.Context, provider Provider, p packages.Package) ([]byte, error) {
	key := store.NewKey("package", packageVersion, q.list.From, p.Name, p.Version, p.Digest)
	if content, ok := q.builder.store.Get(key); ok {
		return content, nil
	}
	q.builder.Report.Step("fetching %s %s", p.Name, p.Version)
	tree, err := provider.Fetch(ctx, p)
	if err != nil {
		return nil, err
	}
	content, err := cpio.Pack(tree)
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Name, err)
	}
	return content, q.builder.store.Put(key, content)
}

// add unpacks the packages in their order.
func (q *packagesPart) add(ctx context.Context, t *filetree.Tree, content []byte) error {
	var list []packages.Package
	if err := json.Unmarshal(content, &list); err != nil {
		return err
	}
	provider, err := q.builder.providers.get(ctx, q.list.From, q.manifest)
	if err != nil {
		return err
	}
	var trees []*filetree.Tree
	for _, p := range list {
		content, err := q.fetch(ctx, provider, p)
		if err != nil {
			return err
		}
		tree, err := cpio.Decode(content)
		if err != nil {
			return fmt.Errorf("package %s: %w", p.Name, err)
		}
		if err := t.Merge(tree); err != nil {
			return fmt.Errorf("package %s: %w", p.Name, err)
		}
		trees = append(trees, tree)
	}
	if d, ok := provider.(databaser); ok {
		database, err := d.Database(q.list.Names, list, trees)
		if err != nil {
			return err
		}
		return t.Merge(database)
	}
	return nil
}

// providers makes each provider when it is first asked for.
type providers struct {
	builder *Builder
	mu      sync.Mutex
	made    map[string]Provider
}

func (s *providers) get(ctx context.Context, name string, m *manifest.Manifest) (Provider, error) {
	if s.builder.Providers != nil {
		if p, ok := s.builder.Providers[name]; ok {
			return p, nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.made[name]; ok {
		return p, nil
	}
	p, err := s.builder.provider(ctx, name, m)
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[string]Provider{}
	}
	s.made[name] = p
	return p, nil
}

// provider makes the provider of that name as the manifest wants it.
func (b *Builder) provider(ctx context.Context, name string, m *manifest.Manifest) (Provider, error) {
	dir := filepath.Join(b.Dir, "lists", name)
	optional := func(file string) string {
		if file == "" {
			return ""
		}
		return m.SourcePath(file)
	}
	switch name {
	case "debian":
		return debian.New(debian.Config{Dir: dir, Sources: optional(m.Debian.Sources), Update: b.Update, Report: b.Report})
	case "source":
		compiler, err := b.tools.Compiler(ctx, "gcc")
		if err != nil {
			return nil, err
		}
		recipes, err := recipes(m)
		if err != nil {
			return nil, err
		}
		return source.New(source.Config{
			Dir: dir, Recipes: recipes, Compiler: compiler, Sources: optional(m.Debian.Sources), Update: b.Update, Report: b.Report,
		})
	case "alpine":
		keys, err := alpineKeys(m)
		if err != nil {
			return nil, err
		}
		p, err := alpine.New(alpine.Config{Mirror: m.Alpine.Mirror, Repositories: m.Alpine.Repositories, Keys: keys, Dir: dir})
		if err == nil && b.Update {
			err = p.Update(ctx)
		}
		return p, err
	}
	return nil, fmt.Errorf("there are no packages from %q", name)
}

// recipes are those of the manifest, and those that Kevlar has for the other names in it.
func recipes(m *manifest.Manifest) ([]source.Recipe, error) {
	list := m.Source.Recipes
	have := map[string]bool{}
	for _, r := range list {
		have[r.Name] = true
	}
	for _, p := range m.Packages {
		for _, name := range p.Names {
			if p.From != "source" || have[name] {
				continue
			}
			have[name] = true
			r, err := source.Shipped(name)
			if err != nil {
				return nil, m.At(p.At, err)
			}
			list = append(list, r)
		}
	}
	return list, nil
}

func alpineKeys(m *manifest.Manifest) (keys []string, err error) {
	for _, file := range m.Alpine.Keys {
		text, err := os.ReadFile(m.SourcePath(file))
		if err != nil {
			return nil, fmt.Errorf("key %w", sourceError(file, err))
		}
		keys = append(keys, string(text))
	}
	return keys, nil
}
