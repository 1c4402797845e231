// Package initramfs makes root file systems, as archives that kernels start from, of what a manifest
// lists: files, programs to compile, packages of distributions.
//
// A manifest becomes a list of parts. Every part says what it depends on: the digests of files, of
// compilers, of packages, and its own lines in the manifest. What is slow to make is kept in a store by
// a key that is the digest of all that, so it is made again when something of it has changed and at no
// other time; the whole archive is kept the same way. The same inputs always give the same bytes.
package initramfs

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"kevlar/host/initramfs/compile"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/store"
	"kevlar/host/progress"
)

// A Builder builds what manifests describe. It is for one use at a time.
type Builder struct {
	// Dir is the folder of the builder's store and of the lists of packages. It is made if it is not
	// there, and may be deleted whenever no builder runs.
	Dir string
	// Limit is the size in bytes that the store is brought down to after a build; 0 is DefaultLimit.
	Limit int64
	// Update has the lists of packages fetched anew.
	Update bool
	// Epoch is the time, in seconds since 1970, of files that have none of their own: of what is made here,
	// and of what is copied from the host without its times. The archive depends on it.
	Epoch uint32
	// Report is told what is slow. It may be nil.
	Report *progress.Reporter
	// Explain, if it is not nil, is called for every part, in the order of the manifest, when the build
	// is done.
	Explain func(Explanation)
	// Providers, if it is not nil, replaces the providers of packages, by name.
	Providers map[string]Provider

	store     *store.Store
	digests   *store.Digests
	tools     *compile.Toolbox
	providers *providers
}

// DefaultLimit is the size in bytes that a store is brought down to if nothing else is said.
const DefaultLimit = 4 << 30

// archiveVersion changes when the same parts give another archive.
const archiveVersion = "3"

// Build returns the archive that the manifest describes, compressed in one of cpio.Compressions.
func (b *Builder) Build(ctx context.Context, m *manifest.Manifest, compression string) ([]byte, error) {
	if err := b.open(); err != nil {
		return nil, err
	}
	archive, err := b.build(ctx, m, compression)
	if kerr := b.store.Keep(b.digests); err == nil {
		err = kerr
	}
	if cerr := b.store.Close(); err == nil {
		err = cerr
	}
	return archive, err
}

// Clean empties the store.
func (b *Builder) Clean() error {
	s, err := store.Open(b.Dir, b.Limit)
	if err != nil {
		return err
	}
	return s.Clean()
}

func (b *Builder) open() (err error) {
	limit := b.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if b.store, err = store.Open(b.Dir, limit); err != nil {
		return err
	}
	b.digests = b.store.Digests()
	b.tools = compile.New(b.store, b.digests)
	b.providers = &providers{builder: b}
	return nil
}

func (b *Builder) build(ctx context.Context, m *manifest.Manifest, compression string) ([]byte, error) {
	parts, err := b.plan(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := each(ctx, parts, func(ctx context.Context, p *part) error { return p.look(ctx) }); err != nil {
		return nil, err
	}
	if known(parts) {
		if archive, ok := b.store.Get(b.archiveKey(parts, compression)); ok {
			b.explain(parts)
			return archive, nil
		}
	}
	if err := each(ctx, parts, func(ctx context.Context, p *part) error { return p.bring(ctx, b) }); err != nil {
		return nil, err
	}
	tree := filetree.New()
	for _, p := range parts {
		if err := p.add(ctx, tree, p.content); err != nil {
			return nil, m.At(p.at, err)
		}
	}
	tree.Date(b.Epoch)
	archive, err := cpio.Encode(tree)
	if err != nil {
		return nil, err
	}
	if archive, err = cpio.Compress(archive, compression); err != nil {
		return nil, err
	}
	b.explain(parts)
	return archive, b.store.Put(b.archiveKey(parts, compression), archive)
}

// each calls do for every part, as many at once as there are processors. The first error ends the
// others.
func each(ctx context.Context, parts []*part, do func(context.Context, *part) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, p := range parts {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return p.manifest.At(p.at, do(ctx, p))
		})
	}
	return g.Wait()
}

// known reports whether it is known of all parts what they depend on.
func known(parts []*part) bool {
	for _, p := range parts {
		if !p.known {
			return false
		}
	}
	return true
}

// archiveKey is the key of the archive that is made of the parts, whose inputs are known.
func (b *Builder) archiveKey(parts []*part, compression string) store.Key {
	words := []string{"archive", archiveVersion, compression, fmt.Sprint(b.Epoch)}
	for _, p := range parts {
		words = append(words, p.title, p.where, p.key().String())
	}
	return store.NewKey(words...)
}

// An Explanation says what became of a part, and why.
type Explanation struct {
	Part   string
	Built  bool
	Reason string
}

func (e Explanation) String() string {
	verb := "reused"
	if e.Built {
		verb = "built"
	}
	return fmt.Sprintf("%-8s%s: %s", verb, e.Part, e.Reason)
}
