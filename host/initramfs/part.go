package initramfs

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"kevlar/host/initramfs/compile"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/store"
)

// A part is something that a root file system is made of: a few files.
type part struct {
	manifest *manifest.Manifest
	at       manifest.Pos
	title    string // tells it from the others of its manifest
	where    string // what the manifest says of its place in the root file system

	// inputs returns what the part's content depends on. Ok is false if that is not known before it
	// was made.
	inputs func(ctx context.Context) (list []compile.Input, ok bool, err error)
	// produce makes the content, and returns what it depends on. It is nil for a part that is as quick
	// to make as to find in the store: add makes it.
	produce func(ctx context.Context) (content []byte, inputs []compile.Input, err error)
	// add adds the files to the root file system.
	add func(ctx context.Context, t *filetree.Tree, content []byte) error

	known   bool // what it depends on
	needs   []compile.Input
	content []byte
	built   bool
	reason  string // why it was
}

// look finds out what the part depends on.
func (p *part) look(ctx context.Context) (err error) {
	p.needs, p.known, err = p.inputs(ctx)
	return err
}

// key names the part's content. What it depends on must be known.
func (p *part) key() store.Key {
	words := []string{"part"}
	for _, in := range p.needs {
		words = append(words, in.Name, in.Value)
	}
	return store.NewKey(words...)
}

// bring gets the part's content, from the store if it is there.
func (p *part) bring(ctx context.Context, b *Builder) (err error) {
	last := b.lastInputs(p)
	if p.known && p.produce == nil {
		p.reason = difference(last, p.needs)
		p.built = p.reason != ""
		return b.remember(p, last)
	}
	if p.known {
		var ok bool
		if p.content, ok = b.store.Get(p.key()); ok {
			return b.remember(p, last)
		}
	}
	p.built = true
	before, wasKnown := p.needs, p.known
	if p.content, p.needs, err = p.produce(ctx); err != nil {
		return err
	}
	p.known = true
	if p.reason = difference(last, p.needs); p.reason == "" && wasKnown {
		p.reason = difference(before, p.needs)
	}
	if p.reason == "" {
		p.reason = "it is not in the cache any more"
	}
	if err := b.store.Put(p.key(), p.content); err != nil {
		return err
	}
	return b.remember(p, last)
}

// lastKey is where the inputs are kept that a part had when it was last brought.
func (p *part) lastKey() store.Key {
	return store.NewKey("inputs of a part", p.manifest.Dir, filepath.Base(p.manifest.Name), p.title)
}

func (b *Builder) lastInputs(p *part) (last []compile.Input) {
	if data, ok := b.store.Get(p.lastKey()); ok {
		json.Unmarshal(data, &last) // nothing is known if it cannot be read
	}
	return last
}

// remember keeps the inputs of a part if they are others than the last ones.
func (b *Builder) remember(p *part, last []compile.Input) error {
	if difference(last, p.needs) == "" {
		return nil
	}
	data, err := json.Marshal(p.needs)
	if err != nil {
		return err
	}
	return b.store.Put(p.lastKey(), data)
}

// difference says in which of its inputs a part differs from what it was, "" if in none.
func difference(last, now []compile.Input) string {
	if last == nil {
		return "it was never built before"
	}
	before := map[string]string{}
	for _, in := range last {
		before[in.Name] = in.Value
	}
	for _, in := range now {
		old, ok := before[in.Name]
		if !ok {
			return in.Name + " is new"
		}
		if old != in.Value {
			return in.Name + " changed"
		}
		delete(before, in.Name)
	}
	for _, in := range last {
		if _, gone := before[in.Name]; gone {
			return in.Name + " is gone"
		}
	}
	return ""
}

// explain tells of all parts what became of them.
func (b *Builder) explain(parts []*part) {
	if b.Explain == nil {
		return
	}
	for _, p := range parts {
		reason := p.reason
		if !p.built {
			reason = "nothing changed"
			if n := len(p.needs); n > 1 {
				reason += fmt.Sprintf(" of the %d things that it depends on", n)
			}
		}
		b.Explain(Explanation{Part: p.title, Built: p.built, Reason: reason})
	}
}
